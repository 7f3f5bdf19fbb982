import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createPredictor,
  type Observation,
  PREDICTOR_KINDS,
  type Predictor,
  predictorBytes,
} from "./prediction.ts";

const IDLE = { tMs: 0, weight: 1, queuedWork: 0 };
const QS = [0.5, 0.6, 0.75, 0.9, 0.92, 0.95, 0.97, 0.99, 0.999];

/** A generator of numbers from 0 to below 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

function fed(predictor: Predictor, agent: number, delays: Iterable<number>): Predictor {
  for (const delayMs of delays) predictor.observe(agent, { ...IDLE, delayMs });
  return predictor;
}

function leads(predictor: Predictor, agent = 0, load = IDLE): number[] {
  return QS.map((q) => predictor.predict(agent, q, load));
}

const delay = fc.oneof(
  fc.double({ min: 0, max: 2000, noNaN: true }),
  fc.constantFrom(0, 0.001, 10, 10, 10, 100, 5000, 1e6),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 1e300),
);

describe.each(PREDICTOR_KINDS)("any predictor (%s)", (kind) => {
  const create = (buffer?: ArrayBufferLike): Predictor =>
    createPredictor({ agents: 3, classes: "B", kind, ...(buffer && { buffer }) });

  test("a surer lead is never the shorter one, and all are finite and at least 0", () => {
    fc.assert(
      fc.property(fc.array(delay, { maxLength: 120 }), (delays) => {
        const found = leads(fed(create(), 0, delays));
        for (const [at, lead] of found.entries()) {
          expect(lead).toBeGreaterThanOrEqual(at === 0 ? 0 : found[at - 1] - 1e-9);
          expect(lead).toBeLessThan(1e9);
        }
      }),
    );
  });

  test("the chance to be READY rises with the time there is, from 0 to nearly 1", () => {
    fc.assert(
      fc.property(fc.array(delay, { minLength: 1, maxLength: 60 }), (delays) => {
        const predictor = fed(create(), 0, delays);
        let last = 0;
        for (const available of [0, 1, 5, 20, 100, 400, 1000, 5000, 1e5]) {
          const chance = predictor.probabilityReady(0, available, IDLE);
          expect(chance).toBeGreaterThanOrEqual(last);
          expect(chance).toBeLessThanOrEqual(1);
          last = chance;
        }
        expect(predictor.probabilityReady(0, 0, IDLE)).toBe(0);
      }),
    );
  });

  test("what is no time, no weight and no work is passed over", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyNumber, anyNumber, anyNumber), { maxLength: 40 }),
        (calls) => {
          const predictor = fed(create(), 0, [100, 110, 90]);
          for (const [delayMs, weight, queuedWork] of calls) {
            predictor.observe(0, { tMs: Number.NaN, delayMs, weight, queuedWork });
            expect(predictor.predict(0, 0.95, { tMs: 0, weight, queuedWork })).not.toBeNaN();
          }
          for (const lead of leads(predictor)) expect(lead).toBeGreaterThanOrEqual(0);
        },
      ),
    );
    const same = fed(create(), 0, [100, 110, 90]);
    const before = leads(same);
    fed(same, 0, [Number.NaN, -5, Number.NEGATIVE_INFINITY]);
    expect(leads(same)).toEqual(before);
    expect(same.samples(0)).toBe(3);
  });

  test("a load that is left out is a message of usual weight and nothing before it", () => {
    const predictor = fed(create(), 0, [100, 140, 90, 100]);
    const bare = { tMs: 0 } as typeof IDLE;
    expect(predictor.predict(0, 0.95, bare)).toBe(predictor.predict(0, 0.95, IDLE));
    predictor.observe(0, { tMs: 0, delayMs: 100 } as Observation);
    expect(predictor.samples(0)).toBe(5);
    expect(predictor.predict(0, 0.95, bare)).toBeGreaterThan(0);
  });

  test("a view of the same memory predicts the same, and a successor goes on", () => {
    const memory = new SharedArrayBuffer(predictorBytes({ agents: 3, kind }));
    const owner = create(memory);
    const view = create(memory);
    const alone = create();
    const next = random(3);
    for (let i = 0; i < 100; i++) {
      const agent = i % 3;
      const delayMs = 50 + 100 * next();
      owner.observe(agent, { ...IDLE, delayMs });
      alone.observe(agent, { ...IDLE, delayMs });
      expect(leads(view, agent)).toEqual(leads(owner, agent));
    }
    const successor = create(memory);
    successor.observe(1, { ...IDLE, delayMs: 300 });
    alone.observe(1, { ...IDLE, delayMs: 300 });
    expect(leads(owner, 1)).toEqual(leads(alone, 1));
  });

  test("memory is what it says", () => {
    const one = predictorBytes({ agents: 1, kind });
    const many = predictorBytes({ agents: 30_001, kind });
    const { bytesPerAgent } = create();
    expect(bytesPerAgent).toBeLessThanOrEqual(200);
    // Classes and clusters share what they have: a few bytes an agent.
    expect((many - one) / 30_000).toBeGreaterThanOrEqual(bytesPerAgent);
    expect((many - one) / 30_000).toBeLessThan(bytesPerAgent + 4);
    expect(() => create(new ArrayBuffer(one - 1))).toThrow("buffer: expected at least");
  });
});

describe("the arrival predictor", () => {
  test("keeps the share it promises, whatever the delays do", () => {
    const next = random(11);
    const normal = (): number => next() + next() + next() - 1.5;
    const sequences: Record<string, (i: number) => number> = {
      steady: () => 100 + 20 * normal(),
      "two modes": () => (next() < 0.3 ? 400 : 60) + 5 * normal(),
      "heavy tail": () => 20 / (1 - next()) ** 0.6,
      drifting: (i) => 50 + i / 20 + 10 * normal(),
      shifting: (i) => (Math.floor(i / 700) % 2 === 0 ? 80 : 500) + 20 * normal(),
      bursting: (i) => (i % 100 < 15 ? 600 : 40) + 10 * normal(),
      falling: (i) => 10_000 / (1 + i / 100) + 5 * normal(),
    };
    for (const [name, draw] of Object.entries(sequences)) {
      const predictor = createPredictor({ agents: 1, classes: "E" });
      const hits = [0, 0, 0];
      const messages = 6000;
      for (let i = 0; i < messages; i++) {
        const delayMs = Math.max(0, draw(i));
        for (const [at, q] of [0.9, 0.95, 0.99].entries())
          if (delayMs <= predictor.predict(0, q, IDLE)) hits[at]++;
        predictor.observe(0, { ...IDLE, delayMs });
      }
      for (const [at, q] of [0.9, 0.95, 0.99].entries()) {
        const kept = hits[at] / messages - q;
        expect(kept, `${name}, q = ${q}`).toBeGreaterThan(-0.02);
        // A centre that follows a fall lies above it, and no lead is less than the centre.
        if (name !== "falling") expect(kept, `${name}, q = ${q}`).toBeLessThan(0.02);
      }
    }
  });

  test("probabilityReady is the inverse of predict above the centre", () => {
    const next = random(5);
    const predictor = createPredictor({ agents: 1, classes: "C" });
    for (let i = 0; i < 80; i++) {
      for (const q of QS) {
        const lead = predictor.predict(0, q, IDLE);
        // Where margins are equal one lead has several q; it answers with the surest that was steered.
        const q2 = predictor.probabilityReady(0, lead, IDLE);
        expect(predictor.predict(0, q2, IDLE)).toBeCloseTo(lead, 3);
        expect(q2).toBeGreaterThanOrEqual(Math.min(q, 0.99) - 1e-6);
      }
      predictor.observe(0, { ...IDLE, delayMs: 100 + 50 * next() });
    }
  });

  test("one value, however great, moves an agent by no more than a few of its scales", () => {
    const next = random(9);
    const usual = Array.from({ length: 300 }, () => 100 + 20 * next());
    const clean = fed(createPredictor({ agents: 1, classes: "B" }), 0, usual);
    const hit = fed(createPredictor({ agents: 1, classes: "B" }), 0, [...usual, 1e6]);
    expect(hit.predict(0, 0.5, IDLE)).toBeLessThan(clean.predict(0, 0.5, IDLE) + 10);
    expect(hit.predict(0, 0.99, IDLE)).toBeLessThan(clean.predict(0, 0.99, IDLE) + 150);
  });

  test("one liar does not move the others of its class", () => {
    const honest = (lie: boolean): number => {
      const predictor = createPredictor({ agents: 50, classes: "B" });
      const next = random(2);
      for (let round = 0; round < 60; round++) {
        for (let agent = 0; agent < 50; agent++) {
          const delayMs = 100 + 20 * next();
          predictor.observe(agent, { ...IDLE, delayMs: lie && agent === 7 ? 1e6 : delayMs });
        }
      }
      return predictor.predict(3, 0.95, IDLE);
    };
    expect(Math.abs(honest(true) - honest(false))).toBeLessThan(5);
  });

  test("a lasting shift is believed within a few messages", () => {
    const predictor = fed(createPredictor({ agents: 1, classes: "C" }), 0, Array(200).fill(100));
    fed(predictor, 0, Array(60).fill(300));
    expect(Math.abs(predictor.predict(0, 0.5, IDLE) - 300)).toBeLessThan(5);
  });

  test("aims where most values are, not between two kinds of them", () => {
    const next = random(4);
    const delays = Array.from({ length: 400 }, () => (next() < 0.7 ? 100 : 500) + 10 * next());
    const aim = fed(createPredictor({ agents: 1, classes: "E" }), 0, delays).predict(0, 0.5, IDLE);
    expect(Math.abs(aim - 105)).toBeLessThan(50);
  });

  test("an agent that was never measured is believed to be like its cluster, else its class", () => {
    const classes = ["A", "A", "A", "B"];
    const clusterOf = [0, 0, 1, 1];
    const predictor = createPredictor({ agents: 4, classes, clusterOf });
    const before = predictor.predict(3, 0.5, IDLE);
    fed(predictor, 0, [40, 42, 41, 40, 39]);
    expect(predictor.predict(1, 0.5, IDLE)).toBeCloseTo(40.4, 0);
    expect(predictor.predict(2, 0.5, IDLE)).toBeCloseTo(40.4, 0);
    expect(predictor.predict(3, 0.5, IDLE)).toBe(before);
    expect(predictor.samples(1)).toBe(0);
  });

  test("learns what a queue costs, be it counted or weighed", () => {
    for (const unit of [1, 2.5]) {
      const next = random(6);
      const predictor = createPredictor({ agents: 1, classes: "D" });
      for (let i = 0; i < 3000; i++) {
        const before = Math.floor(4 * next());
        const delayMs = 100 * (1 + before) + 10 * next();
        predictor.observe(0, { tMs: i, weight: 1, queuedWork: before * unit, delayMs });
      }
      for (const before of [0, 1, 2, 3]) {
        const lead = predictor.predict(0, 0.5, { ...IDLE, queuedWork: before * unit });
        expect(Math.abs(lead - 100 * (1 + before))).toBeLessThan(40);
      }
    }
  });

  test("learns what weight costs where it costs, and where it does not that it does not", () => {
    const next = random(8);
    const predictor = createPredictor({ agents: 2, classes: "D" });
    for (let i = 0; i < 2000; i++) {
      const weight = next() < 0.5 ? 0.5 : 2;
      predictor.observe(0, { ...IDLE, weight, delayMs: 100 * weight + 5 * next() });
      predictor.observe(1, { ...IDLE, weight, delayMs: 150 + 5 * next() });
    }
    const aim = (agent: number, weight: number): number =>
      predictor.predict(agent, 0.5, { ...IDLE, weight });
    expect(Math.abs(aim(0, 0.5) - 52)).toBeLessThan(15);
    expect(Math.abs(aim(0, 2) - 202)).toBeLessThan(15);
    expect(Math.abs(aim(1, 2) - aim(1, 0.5))).toBeLessThan(15);
  });

  test("a first message that took far too long does not keep away the ones after it", () => {
    const predictor = createPredictor({ agents: 40, classes: "A" });
    for (let round = 0; round < 6; round++) {
      for (let agent = 0; agent < 40; agent++) {
        const far = round === 0 && agent % 10 === 3;
        predictor.observe(agent, { ...IDLE, delayMs: 8 + (agent % 3) + (far ? 400 : 0) });
      }
    }
    expect(Math.abs(predictor.predict(3, 0.5, IDLE) - 9)).toBeLessThan(10);
  });

  test("what many of a class claim at once is allowed for, and followed only when it lasts", () => {
    const next = random(13);
    const predictor = createPredictor({ agents: 100, classes: "C" });
    const round = (claim: (agent: number) => number): void => {
      for (let agent = 0; agent < 100; agent++)
        predictor.observe(agent, { ...IDLE, delayMs: claim(agent) * (100 + 2 * next()) });
    };
    const liars = (agent: number): number => (agent % 10 < 3 ? 3 : 1);
    for (let i = 0; i < 60; i++) round(() => 1);
    for (let i = 0; i < 20; i++) round(liars);
    expect(Math.abs(predictor.predict(0, 0.5, IDLE) - 100)).toBeLessThan(20);
    expect(predictor.predict(0, 0.95, IDLE)).toBeGreaterThan(300);
    for (let i = 0; i < 30; i++) round(liars);
    expect(Math.abs(predictor.predict(0, 0.5, IDLE) - 300)).toBeLessThan(20);
    expect(Math.abs(predictor.predict(9, 0.5, IDLE) - 100)).toBeLessThan(5);
  });

  test("one agent whose delays rise is followed at once, however many others its class has", () => {
    const predictor = createPredictor({ agents: 1000, classes: "C" });
    fed(predictor, 7, Array(100).fill(100));
    fed(predictor, 7, Array(12).fill(170));
    expect(Math.abs(predictor.predict(7, 0.5, IDLE) - 170)).toBeLessThan(15);
  });

  test("learns apart what weights cost that are close to each other, and stays on course behind a queue", () => {
    const kinds = [
      { weight: 0.4, serviceMs: 75 },
      { weight: 0.9, serviceMs: 130 },
      { weight: 1.06, serviceMs: 250 },
      { weight: 2.7, serviceMs: 190 },
    ];
    const next = random(12);
    const predictor = createPredictor({ agents: 2, classes: "D" });
    for (let i = 0; i < 20_000; i++) {
      const { weight, serviceMs } = kinds[Math.floor(4 * next())];
      const queuedWork = next() < 0.3 ? 1 : 0;
      const delayMs = serviceMs + 20 * next() + queuedWork * 150 * next();
      predictor.observe(i % 2, { ...IDLE, weight, queuedWork, delayMs });
    }
    for (const { weight, serviceMs } of kinds) {
      const lead = predictor.predict(0, 0.5, { ...IDLE, weight });
      expect(Math.abs(lead - serviceMs - 10), `weight ${weight}`).toBeLessThan(25);
    }
  });
});

test("options that are wrong are named", () => {
  const make = (options: object): (() => Predictor) => {
    return () => createPredictor({ agents: 2, classes: "A", ...options } as never);
  };
  expect(make({ agents: -1 })).toThrow("agents: expected a whole number");
  expect(make({ kind: "crystal ball" })).toThrow("kind: expected one of arrival, seed");
  expect(make({ classes: ["A"] })).toThrow("classes: expected one for each of 2 agents, got 1");
  expect(make({ classes: [0, 9] })).toThrow("classes: expected class indices from 0 to 5, got 9");
  expect(make({ classes: "Z" })).toThrow("impedance class: expected one of");
  expect(make({ clusterOf: () => -1 })).toThrow("clusterOf of agent 0: expected a whole number");
});
