import type { CircuitBreakerMessage } from "../../actors/message.ts";
import type { CircuitState } from "../../coordination/breaker.ts";
import type { BreakerSettings, CircuitLevel } from "../../coordination/breaker-tree.ts";

export type { CircuitLevel, CircuitState };

/** Thresholds and times of the circuit breakers (spec 6.2); those of the specification by default. */
export type BreakerOptions = Partial<BreakerSettings>;

/** How a circuit stands. */
export interface CircuitStatus {
  readonly level: CircuitLevel;
  /** Address of the cluster or the sector; `orchestrator` for the whole mesh. */
  readonly target: string;
  readonly state: CircuitState;
  /** Since when, ms of the mesh clock; 0 when it never changed. */
  readonly sinceMs: number;
  /** Failures within the window, as many as count. */
  readonly failures: number;
  /** How often it has opened. */
  readonly openings: number;
  /** Why it is not CLOSED. */
  readonly reason?: string;
  /** When it is probed next, or closed after its trial, ms of the mesh clock; absent when neither is due. */
  readonly dueMs?: number;
}

/** A circuit has changed: the message of the protocol, and when. */
export interface CircuitEvent extends CircuitBreakerMessage {
  readonly atMs: number;
}

/** The circuit breakers of a mesh (spec 6.2): they keep traffic from clusters and sectors that fail. */
export interface Circuits {
  /** All that are not CLOSED, in the order in which they opened. */
  list(): readonly CircuitStatus[];
  /** The circuit of a cluster, a sector or the orchestrator, by address; of an agent that of its cluster. */
  state(address: string): CircuitStatus;
  /** Opens one; it is probed as if it had opened by itself. UnknownActorError when the address has no circuit. */
  trip(address: string, reason?: string): CircuitStatus;
  /** Closes one and forgets its failures. */
  reset(address: string): CircuitStatus;
}
