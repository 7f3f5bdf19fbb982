import { createPredictor, type PredictorKind } from "../coordination/index.ts";
import type { Stream } from "./arrival-traces.ts";
import { random } from "./random.ts";

/**
 * Replays streams: before each message every lead is predicted, after it its delay is observed. Agents take
 * turns, message by message, so what one teaches its class the others have in the next round. `error` is
 * READY − T: above 0 is late.
 */

/** What is done to what the predictor hears; the truth is scored. */
export type Attack = "none" | "inflate" | "coordinated";

export interface Score {
  /** Distance of READY from T when aimed at T, ms. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Share within ± 50 and ± 250 ms of T when aimed at T, %. */
  readonly within50: number;
  readonly within250: number;
  /** Share READY by T at q = .90, .95 and .99, %. */
  readonly ready90: number;
  readonly ready95: number;
  readonly ready99: number;
  /** Mean time from READY to T at q = .95, ms; those that are late count 0. */
  readonly idle: number;
  /** Mean pinball loss at q = .95, ms. */
  readonly pinball: number;
  /** Share that acts within 50 ms of T when who is READY early waits for T, at q = .95, %. */
  readonly hold: number;
  /** The same at q = .96, which spends more idle time on it, ms. */
  readonly hold96: number;
  readonly idle96: number;
}

/** Errors and times of one replay, added up. */
export class Tally {
  readonly #errors: number[] = [];
  #within50 = 0;
  #within250 = 0;
  readonly #ready = [0, 0, 0];
  #idle = 0;
  #pinball = 0;
  #hold = 0;
  #hold96 = 0;
  #idle96 = 0;

  add(delay: number, aim: number, q90: number, q95: number, q96: number, q99: number): void {
    const error = Math.abs(delay - aim);
    this.#errors.push(error);
    if (error <= 50) this.#within50++;
    if (error <= 250) this.#within250++;
    if (delay <= q90) this.#ready[0]++;
    if (delay <= q95) this.#ready[1]++;
    if (delay <= q99) this.#ready[2]++;
    if (delay <= q95 + 50) this.#hold++;
    if (delay <= q96 + 50) this.#hold96++;
    this.#idle += Math.max(0, q95 - delay);
    this.#idle96 += Math.max(0, q96 - delay);
    this.#pinball += delay > q95 ? 0.95 * (delay - q95) : 0.05 * (q95 - delay);
  }

  score(): Score {
    const errors = Float64Array.from(this.#errors).sort();
    const at = (p: number): number => errors[Math.ceil(p * errors.length) - 1];
    const mean = (sum: number): number => sum / errors.length;
    const percent = (count: number): number => 100 * mean(count);
    return {
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      within50: percent(this.#within50),
      within250: percent(this.#within250),
      ready90: percent(this.#ready[0]),
      ready95: percent(this.#ready[1]),
      ready99: percent(this.#ready[2]),
      idle: mean(this.#idle),
      pinball: mean(this.#pinball),
      hold: percent(this.#hold),
      hold96: percent(this.#hold96),
      idle96: mean(this.#idle96),
    };
  }
}

export interface Replay {
  readonly score: Score;
  /** Distances from T of the first message of each agent and of its second, ms, by class. */
  readonly first: ReadonlyMap<string, readonly number[]>;
  readonly second: ReadonlyMap<string, readonly number[]>;
  /** Idle time and READY share at q = .95 by class. */
  readonly byClass: ReadonlyMap<string, Score>;
}

const HELD_BACK_MS = 400;
const LIARS_FROM = 50;
const LIARS_UNTIL = 70;

/** Replays the streams, each to an agent of its own. */
export function replay(
  kind: PredictorKind,
  streams: readonly Stream[],
  attack: Attack = "none",
): Replay {
  const predictor = createPredictor({
    agents: streams.length,
    classes: streams.map((stream) => stream.class),
    clusterOf: (agent) => Math.floor(agent / 30),
    kind,
  });
  const next = random(7);
  const all = new Tally();
  const byClass = new Map<string, Tally>();
  const cold = [new Map<string, number[]>(), new Map<string, number[]>()];
  const seen = { tMs: 0, delayMs: 0, weight: 1, queuedWork: 0 };
  const rounds = Math.max(...streams.map(({ delayMs }) => delayMs.length));
  for (let round = 0; round < rounds; round++) {
    for (const [agent, stream] of streams.entries()) {
      if (round >= stream.delayMs.length) continue;
      const delay = stream.delayMs[round];
      seen.tMs = Number.isNaN(stream.sentMs[round]) ? round : stream.sentMs[round];
      seen.weight = stream.weight[round];
      seen.queuedWork = stream.queue[round];
      const lead = (q: number): number => predictor.predict(agent, q, seen);
      const own = entry(byClass, stream.class, () => new Tally());
      const aim = lead(0.5);
      for (const tally of [all, own])
        tally.add(delay, aim, lead(0.9), lead(0.95), lead(0.96), lead(0.99));
      if (round < cold.length)
        entry(cold[round], stream.class, () => [] as number[]).push(Math.abs(delay - aim));
      seen.delayMs = reported(delay, attack, agent, round, next);
      predictor.observe(agent, seen);
    }
  }
  return {
    score: all.score(),
    first: cold[0],
    second: cold[1],
    byClass: new Map([...byClass].map(([letter, tally]) => [letter, tally.score()])),
  };
}

/** What an attacker lets the predictor hear: acks held back, or three of ten agents that lie for 20 rounds. */
function reported(
  delay: number,
  attack: Attack,
  agent: number,
  round: number,
  next: () => number,
): number {
  switch (attack) {
    case "none":
      return delay;
    case "inflate":
      return next() < 0.1 ? delay + HELD_BACK_MS : delay;
    case "coordinated":
      return round >= LIARS_FROM && round < LIARS_UNTIL && agent % 10 < 3 ? 3 * delay : delay;
  }
}

const REACHES = [2, 4, 8, 16, 32, 64, 128];

/**
 * What one would lead with who knew each stream's distribution, though not the draw: quantiles of the messages
 * before and after, the message itself left out, and aimed at T the middle of the 100 ms that hold most of them.
 * How far it looks is chosen in hindsight for each stream. It is a reference and no strict bound.
 */
export function oracle(streams: readonly Stream[]): Score {
  const all = new Tally();
  for (const { delayMs } of streams) {
    let best: Tally | undefined;
    let bestLoss = Number.POSITIVE_INFINITY;
    let bestReach = REACHES[0];
    for (const reach of REACHES) {
      const tally = new Tally();
      neighbours(delayMs, reach, tally);
      const { pinball, within50 } = tally.score();
      // Both goals at once, on one scale: ms of pinball loss, and a ms for each percent outside.
      const loss = pinball + (100 - within50);
      if (best === undefined || loss < bestLoss) {
        best = tally;
        bestLoss = loss;
        bestReach = reach;
      }
    }
    neighbours(delayMs, bestReach, all);
  }
  return all.score();
}

function neighbours(delays: Float64Array, reach: number, tally: Tally): void {
  const sorted: number[] = [];
  for (let at = 0; at < delays.length; at++) {
    sorted.length = 0;
    const to = Math.min(delays.length, at + reach + 1);
    for (let other = Math.max(0, at - reach); other < to; other++)
      if (other !== at) sorted.push(delays[other]);
    sorted.sort((a, b) => a - b);
    const lead = (q: number): number => quantileOf(sorted, q);
    tally.add(delays[at], densest(sorted), lead(0.9), lead(0.95), lead(0.96), lead(0.99));
  }
}

const REACH_MS = 50;

/** Where most of the sorted values are within {@link REACH_MS}, as near as can be to the middle one of those. */
function densest(sorted: readonly number[]): number {
  let lowest = 0;
  let most = 0;
  for (let low = 0, high = 0; high < sorted.length; high++) {
    while (sorted[high] - sorted[low] > 2 * REACH_MS) low++;
    const held = high - low + 1;
    const nearer = Math.abs(low + high + 1 - sorted.length);
    if (held < most || (held === most && nearer >= Math.abs(2 * lowest + most - sorted.length)))
      continue;
    most = held;
    lowest = low;
  }
  const middle = sorted[lowest + ((most - 1) >> 1)];
  return Math.min(
    Math.max(middle, sorted[lowest + most - 1] - REACH_MS),
    sorted[lowest] + REACH_MS,
  );
}

function quantileOf(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return 0;
  const rank = Math.max(0, Math.min(sorted.length - 1, q * (sorted.length + 1) - 1));
  const below = Math.floor(rank);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
