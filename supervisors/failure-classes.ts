/** The failure classes of spec 6.1: what tells them, what is done, and when more than that is needed. */

export type FailureClass =
  | "TRANSIENT_NETWORK"
  | "AGENT_CRASH"
  | "IMPEDANCE_SPIKE"
  | "CONTEXT_CORRUPTION"
  | "BYZANTINE_BEHAVIOR"
  | "CASCADE_FAILURE";

/** A class as the specification states it, and what finds and answers it here. */
export interface FailureClassEntry {
  readonly class: FailureClass;
  readonly description: string;
  readonly detection: string;
  readonly recovery: string;
  readonly escalation: string;
  /** So many on end are more than the recovery is for; 1 is at once. */
  readonly escalateAt: number;
}

export const FAILURE_CLASSES: readonly FailureClassEntry[] = Object.freeze([
  {
    class: "TRANSIENT_NETWORK",
    description: "Temporary network partition or packet loss",
    detection:
      "a probe that fails, or is unanswered at the next heartbeat; an ask unanswered at its deadline",
    recovery: "probed again with exponential back-off and jitter",
    escalation: "3 on end without a sign of life in between",
    escalateAt: 3,
  },
  {
    class: "AGENT_CRASH",
    description: "Agent process died unexpectedly",
    detection: "its handler or init threw, its worker died, or 30 s without a heartbeat",
    recovery: "its supervisor starts a replacement; custody delivers what waits",
    escalation: "the replacement fails too, within 60 s",
    escalateAt: 2,
  },
  {
    class: "IMPEDANCE_SPIKE",
    description: "Agent suddenly much slower than baseline",
    detection: "impedance score above twice its average",
    recovery: "routed around; let in again when it has recovered, or on trial after 30 s",
    escalation: "3 agents of a cluster at once",
    escalateAt: 3,
  },
  {
    class: "CONTEXT_CORRUPTION",
    description: "Agent's loaded context doesn't match hash",
    detection:
      "the hash of its context differs from that of the first load, at a heartbeat or a start",
    recovery: "reloaded from init; quarantined when that does not match either",
    escalation: "at once: data integrity",
    escalateAt: 1,
  },
  {
    class: "BYZANTINE_BEHAVIOR",
    description: "Agent producing incorrect outputs (bug or attack)",
    detection: "its answer contradicts at least 3 peers, two thirds of all, on the same question",
    recovery: "quarantined, with what it answered in the incident",
    escalation: "at once: potential security issue",
    escalateAt: 1,
  },
  {
    class: "CASCADE_FAILURE",
    description: "Failure spreading through mesh",
    detection: "failures at least double in three windows of 5 s on end",
    recovery: "the sector with most of them is isolated by its breaker",
    escalation: "at once: orchestrator intervention",
    escalateAt: 1,
  },
]);

/** The entry of a class. */
export function failureClass(name: FailureClass): FailureClassEntry {
  return FAILURE_CLASSES.find((entry) => entry.class === name) as FailureClassEntry;
}
