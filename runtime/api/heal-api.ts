/** What is wrong with something that `heal` looks at. */
export type HealProblem =
  /** An agent is expected to be there and is not: it waits for a restart, or has not begun. */
  | "offline"
  /** An agent has ended and does not come back by itself. */
  | "stopped"
  /** An agent is kept from work. */
  | "quarantined"
  /** A worker has been in one turn for more than a second. */
  | "blocked"
  /** A worker's successor is on its way. */
  | "restarting"
  /** A worker died too often before its agents were up, and is not started any more. */
  | "given-up"
  /** Another cluster's lead cares for the agents of a cluster. */
  | "adopted"
  /** A circuit keeps traffic away. */
  | "circuit-open"
  /** A message that killed its worker too often is held as a dead letter. */
  | "poison-held";

/** What `heal` does about it; `none`: a person decides. */
export type HealRemedy =
  | "restart"
  | "replace"
  | "replace-worker"
  | "wait"
  | "bring-home"
  | "reset-circuit"
  | "none";

/** One thing that is wrong, and what is done about it. */
export interface HealFinding {
  /** An address, or `worker-1`. */
  readonly subject: string;
  readonly problem: HealProblem;
  readonly remedy: HealRemedy;
}

/** Options of `mesh.heal`. */
export interface HealOptions {
  /** Only says what it would do. */
  readonly dryRun?: boolean;
  /** Hears the plan before anything is done. */
  readonly onPlan?: (plan: readonly HealFinding[]) => void;
}

/** What `mesh.heal` found, did and saw afterwards (spec 7.1). */
export interface HealResult {
  /** `mesh`, an address, or `worker-1`. */
  readonly target: string;
  readonly dryRun: boolean;
  /** What was wrong, the first 1,000; `found` counts all. */
  readonly plan: readonly HealFinding[];
  readonly found: number;
  /** Agents that were stopped or offline and began anew. */
  readonly restarted: number;
  /** Agents in quarantine for which a new incarnation stands, with a clean record. */
  readonly replaced: number;
  /** Workers that were replaced. */
  readonly workers: readonly string[];
  /** Where agents got the context from that they had lost, and how many. */
  readonly contexts: readonly { readonly from: string; readonly agents: number }[];
  /** Clusters that have a lead of their own again. */
  readonly broughtHome: readonly string[];
  /** Circuits that were reset. */
  readonly circuits: readonly string[];
  /** What is not well for all that, and how that was seen; the first 1,000. */
  readonly failed: readonly { readonly subject: string; readonly why: string }[];
  /** Whether all that was found wrong is well, seen after it was done; of a dry run whether nothing was found. */
  readonly healthy: boolean;
  readonly elapsedMs: number;
}
