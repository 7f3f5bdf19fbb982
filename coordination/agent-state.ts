/**
 * The operational state of an agent as a byte of the registry. Zeroed memory means "not started", and the
 * order is chosen so that "has a score" and "takes work" are single comparisons in the heartbeat.
 */

/** No thread has made this agent yet. */
export const NOT_STARTED = 0;
/** Ended in good order, and not to come back by itself. */
export const STOPPED = 1;
/** Its `init` is running. */
export const STARTING = 2;
/** Takes messages. */
export const ACTIVE = 3;
/** Takes messages, but its supervisor has decided to spare it. A slow agent is flagged, not put here. */
export const DEGRADED = 4;
/** Expected to be there and is not: its thread is lost, or it is waiting for its restart. */
export const OFFLINE = 5;
/** Kept from work until a person or its supervisor lets it go: poison, crash loop, suspicion. */
export const QUARANTINED = 6;
/** Nobody: a place kept for growth that has not been filled, or one whose agent was removed. */
export const VACANT_SEAT = 7;

/** Code of an agent's state, 0–7. */
export type AgentStateCode =
  | typeof NOT_STARTED
  | typeof STOPPED
  | typeof STARTING
  | typeof ACTIVE
  | typeof DEGRADED
  | typeof OFFLINE
  | typeof QUARANTINED
  | typeof VACANT_SEAT;

/** Name of an agent's state. */
export type AgentState =
  | "not-started"
  | "stopped"
  | "starting"
  | "active"
  | "degraded"
  | "offline"
  | "quarantined"
  | "vacant";

/** Names of the states by code. */
export const AGENT_STATES: readonly AgentState[] = Object.freeze([
  "not-started",
  "stopped",
  "starting",
  "active",
  "degraded",
  "offline",
  "quarantined",
  "vacant",
]);

/** Whether whoever was in this state does not come back by itself, or nobody ever was. */
export function isOver(code: number): boolean {
  return code === STOPPED || code === QUARANTINED || code === VACANT_SEAT;
}

/** The four words of spec 2.3. */
export type OperationalState = "active" | "degraded" | "offline" | "quarantined";

/**
 * The specification's word for a state code. It has none for agents that have not started or have
 * stopped; they cannot be reached, so they are offline.
 */
export function operationalState(code: number): OperationalState {
  if (code === ACTIVE) return "active";
  if (code === DEGRADED) return "degraded";
  return code === QUARANTINED ? "quarantined" : "offline";
}
