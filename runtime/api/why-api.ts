import type { OperationalState } from "../../coordination/agent-state.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";

/** What an agent is at, and what keeps it. */
export interface Why {
  readonly address: string;
  readonly agentClass: ImpedanceClass;
  readonly state: OperationalState;
  readonly worker: string;
  /** False when its thread did not answer: it is blocked, or being replaced. */
  readonly workerAnswers: boolean;
  /** The turn that it has begun; absent when it is idle. */
  readonly current?: {
    readonly sinceMs: number;
    /** Awaiting something, its thread free for others. */
    readonly suspended: boolean;
    /** As text, cut short. */
    readonly message?: string;
    /** What it said itself (`ctx.waitsFor`). */
    readonly waitsFor?: string;
    /** Whom it asked, whom that one asked, and so on. */
    readonly waitsOn: readonly string[];
  };
  readonly queue: {
    readonly depth: number;
    /** The next message, as text, cut short. */
    readonly head?: string;
  };
  /** Whose turn holds the thread, when the thread does not answer. */
  readonly blockedBy?: { readonly address: string; readonly sinceMs: number };
  /** Where the thread's JavaScript is, innermost call first, when it does not answer. */
  readonly stack?: readonly string[];
}
