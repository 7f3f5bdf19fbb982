import { hash32 } from "../remote/drawn-series.ts";
import type { Chance } from "./chance.ts";
import { Event, type EventTrace } from "./event-trace.ts";
import { FAULT_NAMES, type FaultCounts, type FaultProfile } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A simulated agent's handler throws. */
export class SimulatedCrash extends Error {
  constructor(agent: number) {
    super(`agent ${agent} crashes, as simulated`);
    this.name = "SimulatedCrash";
  }
}

const LIARS = 11;
const CLOCKS = 12;
const CONSPIRATORS = 13;
const NOBODY = { share: 0, factor: 1 };

/** What agents do wrong, by chance: they crash, lie, and their clocks go as they like. */
export class Misdeeds {
  readonly #profile: FaultProfile;
  readonly #chance: Chance;
  readonly #counts: FaultCounts;
  readonly #trace: EventTrace;
  readonly #time: VirtualTime;
  readonly #seed: number;
  /** Agents whose next turn throws. */
  readonly #doomed = new Set<number>();
  #isWell = false;
  #conspiracy = NOBODY;
  readonly #corrupt = new Set<number>();

  constructor(ports: {
    readonly seed: number;
    readonly profile: FaultProfile;
    readonly chance: Chance;
    readonly counts: FaultCounts;
    readonly trace: EventTrace;
    readonly time: VirtualTime;
  }) {
    this.#seed = ports.seed;
    this.#profile = ports.profile;
    this.#chance = ports.chance;
    this.#counts = ports.counts;
    this.#trace = ports.trace;
    this.#time = ports.time;
  }

  /** From now on everyone behaves. */
  heal(): void {
    this.#isWell = true;
    this.#doomed.clear();
    this.#conspiracy = NOBODY;
    this.#corrupt.clear();
  }

  /** Lets the agent's next turn throw. */
  doom(agent: number): void {
    this.#doomed.add(agent);
  }

  /** Throws when it is this turn's turn to. */
  crash(agent: number): void {
    if (this.#isWell) return;
    if (!this.#doomed.delete(agent) && !this.#chance.happens(this.#profile.crashes)) return;
    this.#note("crash-agent", agent);
    throw new SimulatedCrash(agent);
  }

  /** Whether the agent says what is not so. */
  lies(agent: number): boolean {
    const { byzantineShare, byzantineRate } = this.#profile;
    if (this.#isWell || byzantineShare === 0) return false;
    if (hash32(agent, LIARS + this.#seed) >= byzantineShare * 2 ** 32) return false;
    if (!this.#chance.happens(byzantineRate)) return false;
    this.#note("byzantine", agent);
    return true;
  }

  /** From now on this share of the agents says that it takes `factor` times as long as it does. */
  conspire(share: number, factor: number): void {
    this.#conspiracy = { share, factor };
  }

  /** From now on these agents answer questions wrong. */
  corrupt(agents: readonly number[]): void {
    for (const agent of agents) this.#corrupt.add(agent);
  }

  /** The answer to the question that has one right answer. */
  answer(agent: number): string {
    return this.#corrupt.has(agent) ? "flat" : "round";
  }

  /** Whether the agent says what they have agreed on. */
  conspires(agent: number): boolean {
    const { share } = this.#conspiracy;
    return hash32(agent, CONSPIRATORS + this.#seed) < share * 2 ** 32;
  }

  /** How many times as long as it takes an agent says that it takes. */
  exaggeration(agent: number): number {
    return this.conspires(agent) ? this.#conspiracy.factor : 1;
  }

  /** How far the clock where the agent is stands from the mesh's, ms. */
  clockErrorMs(agent: number, nowMs: number): number {
    const { clockOffsetMs, clockDriftPpm } = this.#profile;
    if (clockOffsetMs === 0 && clockDriftPpm === 0) return 0;
    const place = (hash32(agent, CLOCKS + this.#seed) / 2 ** 32) * 2 - 1;
    const driftedMs = (nowMs % 86_400_000) * clockDriftPpm * 1e-6;
    return place * (clockOffsetMs + driftedMs);
  }

  #note(name: "crash-agent" | "byzantine", agent: number): void {
    this.#counts[name]++;
    this.#trace.note(this.#time.elapsedMs, Event.fault, FAULT_NAMES.indexOf(name), agent);
  }
}
