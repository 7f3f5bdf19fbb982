import type { FailureClass } from "../../supervisors/failure-classes.ts";

/** A failure and its supervisor's decision. */
export interface Incident {
  readonly atMs: number;
  /** Address of the agent, or `worker-1`. */
  readonly subject: string;
  readonly error: string;
  readonly decision:
    | "restart"
    | "stop"
    | "quarantine"
    | "escalate"
    | "replace-worker"
    /** It is asked again after a while. */
    | "retry"
    /** Operations go to others until it has recovered. */
    | "route-around"
    /** The breaker of the sector was opened. */
    | "isolate"
    /** Its context was loaded again. */
    | "reload"
    /** Somebody else holds the role of the subject. */
    | "promote"
    /** Another cluster's lead cares for the agents of the subject. */
    | "adopt"
    /** The mesh stands still until a person has looked. */
    | "freeze"
    /** What agents say of their own timing does not count until a person has looked. */
    | "lock-weights"
    /** Low priorities are refused where there is no room. */
    | "shed";
  readonly delayMs: number;
  /** Of spec 6.1; absent for what an operator wanted, and for the mesh itself. */
  readonly class?: FailureClass;
  /** It is more than the recovery of its class is for. */
  readonly escalated?: boolean;
}
