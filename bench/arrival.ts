import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createPredictor, PREDICTOR_KINDS, type PredictorKind } from "../coordination/index.ts";
import { fittedStreams } from "./arrival-fitted.ts";
import { plot } from "./arrival-plot.ts";
import { type Attack, oracle, type Replay, replay, type Score } from "./arrival-replay.ts";
import { composeMesh, readTrace, type Stream, TRACES } from "./arrival-traces.ts";
import {
  type Bench,
  type Contestant,
  type Measured,
  type Metric,
  parameter,
  percentile,
} from "./harness.ts";
import { random } from "./random.ts";

/*
 *   stream ──send at T − lead──▶ agent is READY at T + error ──observe──▶ predictor
 */
const AGENTS = parameter("arrival agents", { smoke: 140, full: 2_800 });
const ROUNDS = parameter("arrival rounds", { smoke: 40, full: 120 });
const TIMED = parameter("arrival agents timed", { smoke: 300, full: 30_000 });
const SEED = 1;
const CLASSES = ["A", "B", "C", "D", "E"] as const;
const PLOT = fileURLToPath(new URL("../../docs/arrival.svg", import.meta.url));

/** Where the traces are, by `--traces DIR`; without it streams are drawn from fitted quantiles. */
const directory = argument("--traces");
const traces = new Map<string, readonly Stream[]>();
for (const name of TRACES) {
  const measured = directory === undefined ? [] : readTrace(directory, name);
  traces.set(name, measured.length > 0 ? measured : fittedStreams(name));
}
const measuredTraces =
  directory === undefined
    ? []
    : TRACES.filter((name) => traces.get(name)?.[0]?.agent.startsWith("fitted-") === false);
const fitted = TRACES.filter((name) => name !== "queue" && !measuredTraces.includes(name));

const score = (goals: Partial<Record<keyof Score, number>> = {}): Record<keyof Score, Metric> => ({
  p50: metric("ms", "less", goals.p50),
  p90: metric("ms", "less", goals.p90),
  p99: metric("ms", "less", goals.p99),
  within50: metric("%", "more", goals.within50),
  within250: metric("%", "more", goals.within250),
  ready90: metric("%", "more", goals.ready90),
  ready95: metric("%", "more", goals.ready95),
  ready99: metric("%", "more", goals.ready99),
  idle: metric("ms", "less", goals.idle),
  pinball: metric("ms", "less", goals.pinball),
  hold: metric("%", "more", goals.hold),
  hold96: metric("%", "more", goals.hold96),
  idle96: metric("ms", "less", goals.idle96),
});

export const arrival: Bench = {
  name: "arrival",
  question: "How close to T is an agent READY, and what does certainty cost in waiting?",
  metrics: {
    ...named("mesh", score({ within50: 84.5, p90: 86, idle: 80, hold96: 99, idle96: 110 })),
    ...Object.assign(
      {},
      ...measuredTraces.map((name) => named(name, score(name === "queue" ? { p50: 25 } : {}))),
    ),
    ...named("inflate", score()),
    ...named("coordinated", score()),
    ...Object.fromEntries(
      CLASSES.flatMap((letter) => [
        [`first.${letter}.p50`, metric("ms", "less")],
        [`second.${letter}.p90`, metric("ms", "less")],
        [`warm.${letter}.p90`, metric("ms", "less")],
      ]),
    ),
    "ns.predict": metric("ns", "less", 30),
    "ns.observe": metric("ns", "less", 300),
    "ms.leads": metric("ms", "less", 1.5),
    bytes: metric("B", "less", 200),
  },
  ours: contestant("arrival"),
  peers: {
    ...Object.fromEntries(
      PREDICTOR_KINDS.filter((kind) => kind !== "arrival").map((kind) => [kind, contestant(kind)]),
    ),
    oracle: async (measured) => {
      for (const [name, streams] of subjects()) report(measured, name, foresight(name, streams));
    },
    // Sends each message at T less its delay: nothing is left to wait for, and nothing late.
    clairvoyant: async (measured) => {
      for (const [name] of subjects())
        for (const share of ["within50", "within250", "ready95", "hold"] as const)
          measured(`${name}.${share}`, 100);
    },
  },
};

function contestant(kind: PredictorKind): Contestant {
  return async (measured) => {
    if (kind === "arrival" && fitted.length > 0) {
      process.stderr.write(`arrival: ${fitted.join(", ")} drawn from fitted quantiles\n`);
    }
    for (const [name, streams] of subjects())
      report(measured, name, replayed(kind, name, streams, "none").score);
    for (const attack of ["inflate", "coordinated"] as const)
      report(measured, attack, replayed(kind, "mesh", mesh(), attack).score);
    const clean = replayed(kind, "mesh", mesh(), "none");
    for (const letter of CLASSES) {
      measured(`first.${letter}.p50`, percentile(clean.first.get(letter) ?? [], 0.5));
      measured(`second.${letter}.p90`, percentile(clean.second.get(letter) ?? [], 0.9));
      measured(`warm.${letter}.p90`, clean.byClass.get(letter)?.p90 ?? Number.NaN);
    }
    time(kind, measured);
    if (kind === "arrival") prove(clean.score);
  };
}

/** The answer is proved by what any predictor must keep, and ours by the share it promises. */
function prove({ ready90, ready95, ready99 }: Score): void {
  assert.ok(ready90 <= ready95 && ready95 <= ready99, "a surer lead must be the longer one");
  for (const [got, asked] of [
    [ready90, 90],
    [ready95, 95],
    [ready99, 99],
  ])
    assert.ok(Math.abs(got - asked) <= 3, `asked for ${asked} % READY, got ${got} %`);
}

let composed: Stream[] | undefined;
function mesh(): Stream[] {
  composed ??= composeMesh(traces, AGENTS, ROUNDS, SEED);
  return composed;
}

/** What is replayed: the mesh, and each trace that was found. */
function subjects(): [string, readonly Stream[]][] {
  return [
    ["mesh", mesh()],
    ...measuredTraces.map((name): [string, readonly Stream[]] => [name, traces.get(name) ?? []]),
  ];
}

// Replays are the same in each run, and take longer than all that is timed.
const replays = new Map<string, Replay>();
function replayed(
  kind: PredictorKind,
  name: string,
  streams: readonly Stream[],
  attack: Attack,
): Replay {
  const key = `${kind} ${name} ${attack}`;
  const known = replays.get(key) ?? replay(kind, streams, attack);
  replays.set(key, known);
  draw();
  return known;
}

const oracles = new Map<string, Score>();
function foresight(name: string, streams: readonly Stream[]): Score {
  const known = oracles.get(name) ?? oracle(streams);
  oracles.set(name, known);
  draw();
  return known;
}

/** Draws the plot once all have been replayed, from measurements alone. */
function draw(): void {
  if (directory === undefined || fitted.length > 0 || !oracles.has("mesh")) return;
  const scores = new Map<string, Score>();
  for (const kind of PREDICTOR_KINDS) {
    const known = replays.get(`${kind} mesh none`);
    if (known === undefined) return;
    scores.set(kind, known.score);
  }
  scores.set("oracle", oracles.get("mesh") as Score);
  const caption = `${mesh().length} agents in the specification's mix, ${ROUNDS} messages each`;
  writeFileSync(PLOT, plot(scores, `${caption}; replay of measured delays`));
}

function report(measured: Measured, name: string, values: Score): void {
  for (const [key, value] of Object.entries(values)) measured(`${name}.${key}`, value);
}

/** Times one call among many: agents in turn, at different ages, delays with a tail. */
function time(kind: PredictorKind, measured: Measured): void {
  const predictor = createPredictor({
    agents: TIMED,
    classes: Array.from({ length: TIMED }, (_, agent) => agent % CLASSES.length),
    clusterOf: (agent) => Math.floor(agent / 30),
    kind,
  });
  const next = random(SEED);
  const delays = Float64Array.from(
    { length: 1 << 16 },
    () => 100 + 200 * next() + (next() < 0.1 ? 300 : 0),
  );
  const seen = { tMs: 0, delayMs: 0, weight: 1, queuedWork: 0 };
  let at = 0;
  let sum = 0;
  const observeAll = (): void => {
    for (let agent = 0; agent < TIMED; agent++) {
      seen.delayMs = delays[at++ & 0xffff];
      predictor.observe(agent, seen);
    }
  };
  const predictAll = (): void => {
    for (let agent = 0; agent < TIMED; agent++) sum += predictor.predict(agent, 0.95, seen);
  };
  for (let agent = 0; agent < TIMED; agent++) {
    for (let i = 0; i < agent % 16; i++) {
      seen.delayMs = delays[at++ & 0xffff];
      predictor.observe(agent, seen);
    }
  }
  for (let i = 0; i < 80; i++) observeAll();
  for (let i = 0; i < 20; i++) predictAll();
  measured("ns.observe", (1e6 * middleMs(observeAll)) / TIMED);
  const leadsMs = middleMs(predictAll);
  measured("ns.predict", (1e6 * leadsMs) / TIMED);
  measured("ms.leads", leadsMs);
  measured("bytes", predictor.bytesPerAgent);
  assert.ok(sum > 0 && Number.isFinite(sum));
  assert.ok(predictor.samples(0) > 80);
}

function middleMs(work: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < 25; i++) {
    const from = performance.now();
    work();
    times.push(performance.now() - from);
  }
  return percentile(times, 0.5);
}

function named(prefix: string, metrics: Readonly<Record<string, Metric>>): Record<string, Metric> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [`${prefix}.${name}`, value]),
  );
}

function metric(unit: Metric["unit"], better: Metric["better"], goal?: number): Metric {
  return goal === undefined ? { unit, better } : { unit, better, goal };
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
