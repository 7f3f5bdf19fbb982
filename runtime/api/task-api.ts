import type { ImpedanceClass } from "../../coordination/impedance-class.ts";

/** A delegated task that nobody has finished yet. */
export interface OpenTask {
  /** Who has it. */
  readonly agent: string;
  readonly agentClass: ImpedanceClass;
  /** Capabilities that it was delegated to. */
  readonly requires: readonly string[];
  /** How long that agent has had it, ms. */
  readonly sinceMs: number;
  /** It takes longer than such agents need, by what was predicted when it was given to it. */
  readonly overdue: boolean;
}

/** How agents of one class have done with tasks that require a capability. */
export interface ClassRecord {
  readonly agentClass: ImpedanceClass;
  /** Agents of the class that are up and that the registry says can do it. */
  readonly agents: number;
  /** Tasks that they have finished since the mesh started. */
  readonly finished: number;
  /** Mean time of these, ms; absent when there is none. */
  readonly meanMs?: number;
  /** Tasks that they have now and that are overdue. */
  readonly overdue: number;
}

/**
 * A class of agents that is given tasks which it does not finish: the registry says that its agents can do them, and
 * what they did says that they cannot.
 */
export interface Misassignment {
  readonly capability: string;
  readonly agentClass: ImpedanceClass;
  /** What the class is, in words. */
  readonly description: string;
  /** Those that have such tasks, overdue. */
  readonly agents: readonly string[];
  /** The class whose work it is: that finishes it, or else that has most agents for it. */
  readonly suited: ImpedanceClass;
  /** What this is concluded from: the class, and all others that have the capability. */
  readonly records: readonly ClassRecord[];
}

/** What became of a task that was taken from an agent. */
export interface Reassignment {
  readonly from: string;
  /** Who has it now; absent when nobody else can take it, and it stays where it was. */
  readonly to?: string;
  /** How it ended: READY, CONFLICT or TRANSIT; absent when it has not within the time. */
  readonly state?: 1 | 0 | -1;
  /** Since it was reassigned, ms. */
  readonly elapsedMs: number;
}

/** What `mesh.tasks.reassign` did. */
export interface ReassignResult {
  readonly tasks: readonly Reassignment[];
  /** Agents whose turn was ended because it was at such a task: they go on from their last snapshot, or anew. */
  readonly released: readonly string[];
}

/** Delegated tasks on their way (`mesh.delegate`). */
export interface Tasks {
  /** The oldest first. */
  list(): readonly OpenTask[];
  /** Classes that are given work which they do not finish, while another class has the capability, too. */
  misassigned(): readonly Misassignment[];
  /**
   * Takes all tasks from these agents and gives each to the next best; whoever delegated it gets that one's answer.
   * Resolves when all have ended, or after `timeoutMs` (60 s).
   */
  reassign(
    agents: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<ReassignResult>;
}
