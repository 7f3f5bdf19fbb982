import type { OperatingMode } from "../../coordination/operating-mode.ts";

export type { OperatingMode };

/** How the mesh stands (spec 6.3), and what it therefore does not do. */
export interface ModeStatus {
  readonly mode: OperatingMode;
  readonly description: string;
  /** All that are in force, those of milder modes first. */
  readonly restrictions: readonly string[];
  /** Since when, ms of the mesh clock. */
  readonly sinceMs: number;
  /** Share of the agents that are active, as of the last look. */
  readonly activeRate: number;
  /** Set by an operator, who alone ends it. */
  readonly forced: boolean;
  /** Operations that wait for a better mode. */
  readonly queued: number;
}

/** The mode has changed. */
export interface ModeEvent {
  readonly from: OperatingMode;
  readonly to: OperatingMode;
  readonly atMs: number;
  readonly activeRate: number;
  readonly forced: boolean;
  readonly restrictions: readonly string[];
  /** People are to look at it now: DEGRADED_SEVERE and EMERGENCY. */
  readonly alert: boolean;
}

/** The operating mode of a mesh: it follows from the share of active agents unless an operator sets it. */
export interface Modes {
  status(): ModeStatus;
  /** Takes a mode and keeps it until {@link auto}. InvalidOptionError when there is no such mode. */
  set(mode: OperatingMode): ModeStatus;
  /** Follows the share of active agents again, from the mode of this moment. */
  auto(): ModeStatus;
}

/** What a person is asked to consent to. */
export interface ApprovalRequest {
  /** `cascade`, `scatter`, `broadcast`, `delegate`, `pipeline` or `ask`. */
  readonly operation: string;
  /** Agents that it names. */
  readonly agents: number;
  readonly priority: number;
  readonly mode: OperatingMode;
  /** Aborts when whoever wanted it has given up. */
  readonly signal: AbortSignal | undefined;
}

/** What a mesh needs of the people who operate it, and of whoever keeps its state. */
export interface OperatorOptions {
  /** Asked for consent where a mode requires it; without it such operations are refused. */
  readonly approve?: (request: ApprovalRequest) => Promise<boolean>;
  /** Called once when the mode becomes DEGRADED_SEVERE or worse: writes the state of the mesh to disk. */
  readonly preserve?: (mode: OperatingMode) => Promise<void>;
}
