import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, assert, beforeAll, beforeEach, describe, test } from "vitest";
import type { ActorContext } from "../actors/context.ts";
import { InvalidOptionError } from "../actors/errors.ts";
import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import traceAgent, { configure, type TraceSample, type TraceState } from "./trace-agent.ts";
import { loadTraceMix } from "./traces.ts";

const CLASSES: readonly ImpedanceClass[] = [
  "CLASS_A_EDGE",
  "CLASS_B_SERVERLESS",
  "CLASS_C_PERSISTENT",
  "CLASS_D_GPU",
  "CLASS_E_LOCAL",
  "CLASS_F_HUMAN",
];

/** As much of a context as these agents use, with a clock that only `advance` moves. */
class FakeContext {
  readonly self: number;
  readonly impedanceClass: ImpedanceClass;
  readonly address: string;
  readonly measurements: [number, number][] = [];
  envelope: { readonly operation?: { readonly id: string } } = {};
  readonly timers = { sleep: (delayMs: number): Promise<void> => this.#sleep(delayMs) };
  #nowMs = 0;
  #sleepers: { wakeAtMs: number; wake: () => void; abort: (reason: Error) => void }[] = [];

  constructor(self: number, impedanceClass: ImpedanceClass) {
    this.self = self;
    this.impedanceClass = impedanceClass;
    this.address = `sector-1/cluster-1/agent-${self}`;
  }

  measured(rttMs: number, processingMs: number): void {
    this.measurements.push([rttMs, processingMs]);
  }

  /** Moves the clock, then lets what woke up run. */
  async advance(byMs: number): Promise<void> {
    this.#nowMs += byMs;
    const due = this.#sleepers.filter(({ wakeAtMs }) => wakeAtMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter(({ wakeAtMs }) => wakeAtMs > this.#nowMs);
    for (const { wake } of due) wake();
    for (let tick = 0; tick < 5; tick++) await Promise.resolve();
  }

  abort(): void {
    for (const { abort } of this.#sleepers.splice(0)) abort(new Error("deadline"));
  }

  get context(): ActorContext {
    return this as unknown as ActorContext;
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((wake, abort) => {
      this.#sleepers.push({ wakeAtMs: this.#nowMs + delayMs, wake, abort });
    });
  }
}

function agent(self: number, impedanceClass: ImpedanceClass): [TraceState, FakeContext] {
  const fake = new FakeContext(self, impedanceClass);
  return [traceAgent.init(fake.context) as TraceState, fake];
}

function probes([state, fake]: [TraceState, FakeContext], count: number): TraceSample[] {
  return Array.from(
    { length: count },
    () => traceAgent.probe?.(state, fake.context) as TraceSample,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

test("an agent before its traces says what is missing", () => {
  assert.throws(() => agent(1, "CLASS_A_EDGE"), /agent-1: the traces are not read yet.*configure/);
});

describe("on the shipped traces", () => {
  beforeAll(() => configure());

  test("the same index replays the same run, in every class", () => {
    for (const name of CLASSES) {
      assert.deepEqual(probes(agent(17, name), 50), probes(agent(17, name), 50));
    }
  });

  test("agents of one class differ in series and start", () => {
    const states = Array.from({ length: 200 }, (_, self) => agent(self, "CLASS_C_PERSISTENT")[0]);
    const starts = new Set(states.map(({ path, work, cursor }) => `${path} ${work} ${cursor}`));
    assert.equal(starts.size, 200);
    assert.equal(new Set(states.map(({ path }) => path)).size, 25);
    assert.equal(new Set(states.map(({ work }) => work)).size, 24);
  });

  test("a state is three numbers", () => {
    const [state] = agent(5, "CLASS_D_GPU");
    assert.deepEqual(Object.keys(state), ["path", "work", "cursor"]);
    for (const value of Object.values(state)) assert.isTrue(Number.isSafeInteger(value));
  });

  test("probes walk the series in order and begin again at its end", async () => {
    const { paths } = (await loadTraceMix()).CLASS_A_EDGE;
    const [state, fake] = agent(3, "CLASS_A_EDGE");
    const { rttMs } = paths[state.path];
    const first = (state.cursor + 1) % rttMs.length;
    const sampled = probes([state, fake], rttMs.length + 10).map((sample) => sample.rttMs);
    assert.deepEqual(sampled.slice(0, rttMs.length), [
      ...rttMs.slice(first),
      ...rttMs.slice(0, first),
    ]);
    assert.deepEqual(sampled.slice(rttMs.length), sampled.slice(0, 10));
  });

  test("classes are as far away and as slow as the systems that stand for them", () => {
    const medians = CLASSES.map((name) => {
      const samples = Array.from({ length: 300 }, (_, self) => probes(agent(self, name), 3)).flat();
      return {
        rttMs: median(samples.map((sample) => sample.rttMs)),
        processingMs: median(samples.map((sample) => sample.processingMs)),
      };
    });
    const [a, b, c, d, e, f] = medians;
    assert.isTrue(a.rttMs > 10 && a.rttMs < 30 && a.processingMs === 0, JSON.stringify(a));
    assert.isTrue(b.rttMs === 0 && b.processingMs > 300 && b.processingMs < 800, JSON.stringify(b));
    assert.isTrue(c.rttMs > 100 && c.rttMs < 250 && c.processingMs < 20, JSON.stringify(c));
    assert.isTrue(d.processingMs > 200 && d.processingMs < 700, JSON.stringify(d));
    assert.isTrue(e.rttMs > 100 && e.rttMs < 400 && e.processingMs === 0, JSON.stringify(e));
    assert.isTrue(f.processingMs > 240_000 && f.processingMs < 1_500_000, JSON.stringify(f));
  });

  test("a person keeps a message waiting for as long as was drawn", async () => {
    const [state, fake] = agent(9, "CLASS_F_HUMAN");
    let answered = false;
    const turn = Promise.resolve(traceAgent.receive(state, "approve?", fake.context));
    void turn.then(() => {
      answered = true;
    });
    await fake.advance(4_999);
    assert.isFalse(answered);
    await fake.advance(8 * 3_600_000);
    assert.isTrue(answered);
  });
});

describe("on traces of one's own", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "trace-agent-"));
    const header = "agent,class,t_s,rtt_ms,proc_ms,weight,queue,other_ms";
    const rows = ["both,C,,100,10,,,1", "both,C,,200,20,,,2", "only-work,C,,,9999,,,"];
    await writeFile(join(folder, "mine.csv.gz"), gzipSync([header, ...rows, ""].join("\n")));
  });
  beforeEach(() => configure({ traces: folder }));
  afterAll(() => rm(folder, { recursive: true }));

  test("a message waits for the way there, the work and the way back", async () => {
    const [state, fake] = agent(1, "CLASS_C_PERSISTENT");
    const rttMs = state.cursor % 2 === 0 ? 200 : 100;
    const processingMs = rttMs === 200 ? 22 : 11;
    let result: unknown;
    const turn = Promise.resolve(traceAgent.receive(state, { any: "message" }, fake.context));
    void turn.then((value) => {
      result = value;
    });
    await fake.advance(rttMs + processingMs - 1);
    assert.isUndefined(result);
    assert.deepEqual(fake.measurements, []);
    await fake.advance(1);
    assert.deepEqual(result, { state: 1, value: { rttMs, processingMs } });
    assert.deepEqual(fake.measurements, [[rttMs, processingMs]]);
  });

  test("round trip and processing of one stream stay together", () => {
    for (let self = 0; self < 20; self++) {
      for (const { rttMs, processingMs } of probes(agent(self, "CLASS_C_PERSISTENT"), 4)) {
        assert.equal(processingMs, rttMs === 100 ? 11 : 22);
      }
    }
  });

  test("a request for a sample is answered at once with the current one", async () => {
    const [state, fake] = agent(1, "CLASS_C_PERSISTENT");
    const [probed] = probes([state, fake], 1);
    for (let again = 0; again < 2; again++) {
      const result = await traceAgent.receive(state, { type: "sample" }, fake.context);
      assert.deepEqual(result, { state: 1, value: probed });
    }
    assert.deepEqual(fake.measurements, []);
  });

  test("messages and probes take the next sample each", async () => {
    const [state, fake] = agent(1, "CLASS_C_PERSISTENT");
    const before = state.cursor;
    const turn = Promise.resolve(traceAgent.receive(state, undefined, fake.context));
    await fake.advance(1_000);
    await turn;
    probes([state, fake], 2);
    assert.equal(state.cursor, before + 3);
  });

  test("a turn that is aborted while it waits rejects and has measured nothing", async () => {
    const [state, fake] = agent(1, "CLASS_C_PERSISTENT");
    const turn = Promise.resolve(traceAgent.receive(state, "late", fake.context));
    fake.abort();
    const error: unknown = await turn.catch((reason) => reason);
    assert.instanceOf(error, Error);
    assert.deepEqual(fake.measurements, []);
  });

  test("classes without a file of their own keep the shipped traces", () => {
    const [{ rttMs }] = probes(agent(1, "CLASS_E_LOCAL"), 1);
    assert.isAbove(rttMs, 0);
  });

  test("an option that is no path is refused", async () => {
    for (const traces of [7, "", null]) {
      const error: unknown = await configure({ traces } as never).catch((reason) => reason);
      assert.instanceOf(error, InvalidOptionError);
      assert.match(error.message, /^agentOptions\.traces: expected the path of a folder of traces/);
    }
  });
});
