import { Event, type EventTrace } from "./event-trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What must hold in every run, whatever goes wrong. */
export const INVARIANTS = {
  conservation: "accepted = handled + expired + dead-lettered + in flight",
  monotone: "what has been counted stays counted, conflicts among it",
  lost: "nothing acknowledged is lost",
  once: "nothing acts twice",
  order: "messages of one sender, target and priority are handled in their order",
  deadline: "no work begins after its deadline",
  accounted: "every agent of an operation is accounted for exactly once",
  healing: "the tree is whole, or healing",
  sleeper: "no thread sleeps while there is work for it",
  recorded: "each conflict that the mesh was told of is in the log, once",
  circuits: "breakers open, rest, are tried and close as in spec 6.2, and say so",
  modes: "modes follow the share of active agents as in spec 6.3, and say so",
  threats: "no threat is found where there is none",
  settles: "what is asked of the mesh ends in time",
  sound: "the runtime itself throws nothing that it does not catch",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** An invariant that did not hold, and where. */
export interface Violation {
  readonly invariant: Invariant;
  readonly sentence: string;
  readonly detail: string;
  readonly seed: number;
  /** Virtual ms since the beginning. */
  readonly atMs: number;
  /** Duty cycles since the beginning. */
  readonly step: number;
}

/** A turn begins so much after its deadline by the clock alone: a reading or two lie between look and turn. */
const TOLERANCE_MS = 0.05;
/** Operations of which it is remembered who was READY; of older ones only that they were. */
const REMEMBERED = 1024;
/** Above this size no single agent's answer is asked about. */
export const SMALL_AGENTS = 5000;

/**
 * Sees what agents do and judges it from outside: it knows nothing of custody, ledgers or lanes. The first violation
 * counts; whoever runs the simulation stops there.
 */
export class Witness {
  violation: Violation | undefined;
  /** Duty cycles so far. */
  step = 0;
  readonly #seed: number;
  readonly #time: VirtualTime;
  readonly #trace: EventTrace;
  readonly #agents: number;
  /** By the id of an operation: the agents whose handlers have said READY, and whether they stood in. */
  readonly #ready = new Map<string, Uint8Array>();
  /** Ids of operations that are not remembered any more: a late answer is no news of them. */
  readonly #forgotten = new Set<string>();

  constructor(seed: number, time: VirtualTime, trace: EventTrace, agents: number) {
    this.#seed = seed;
    this.#time = time;
    this.#trace = trace;
    this.#agents = agents;
  }

  /** Notes that an invariant is broken. */
  accuse(invariant: Invariant, detail: string): void {
    this.violation ??= {
      invariant,
      sentence: INVARIANTS[invariant],
      detail,
      seed: this.#seed,
      atMs: this.#time.elapsedMs,
      step: this.step,
    };
  }

  /** A handler begins with a message. */
  turn(agent: number, sequence: number, deadlineMs: number): void {
    const nowMs = this.#time.currentMs;
    this.#trace.note(this.#time.elapsedMs, Event.turn, agent, sequence);
    if (deadlineMs + TOLERANCE_MS >= nowMs) return;
    const late = (nowMs - deadlineMs).toFixed(3);
    this.accuse(
      "deadline",
      `agent ${agent} began message ${sequence} ${late} ms after its deadline`,
    );
  }

  /** A handler has said READY (1) or CONFLICT (−1) to an operation. */
  answered(agent: number, operation: string, state: number): void {
    this.#trace.note(this.#time.elapsedMs, Event.answer, agent, state);
    if (this.#agents > SMALL_AGENTS || this.#forgotten.has(operation)) return;
    let ready = this.#ready.get(operation);
    if (ready === undefined) {
      ready = new Uint8Array(this.#agents);
      this.#ready.set(operation, ready);
      if (this.#ready.size > REMEMBERED) {
        const [oldest] = this.#ready.keys();
        this.#ready.delete(oldest);
        this.#forgotten.add(oldest);
      }
    }
    ready[agent] |= state === 1 ? 1 : 2;
  }

  acted(agent: number): void {
    this.#trace.note(this.#time.elapsedMs, Event.act, agent, 0);
  }

  /** Whether the agent's handler has said so to the operation; undefined when that is no longer known. */
  hasAnswered(agent: number, operation: string, state: number): boolean | undefined {
    const ready = this.#ready.get(operation);
    return ready === undefined ? undefined : (ready[agent] & (state === 1 ? 1 : 2)) !== 0;
  }
}

/** The sentence that people read of a violation. */
export function describe(violation: Violation, replay: string): string {
  const { invariant, sentence, detail, seed, atMs, step } = violation;
  return (
    `invariant "${invariant}" broken (${sentence}): ${detail}\n` +
    `seed ${seed}, virtual time ${(atMs / 1000).toFixed(6)} s, step ${step}; replay: ${replay}`
  );
}
