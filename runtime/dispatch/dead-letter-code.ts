import type { DeadLetterReason } from "../api/mesh-api.ts";

/** Reasons as they travel in a frame; the order is the wire's. */
export const DEAD_LETTER_REASONS: readonly DeadLetterReason[] = [
  "mailbox-full",
  "dropped-oldest",
  "expired",
  "stopped",
  "quarantined",
  "poison",
  "unknown-actor",
  "undecodable",
  "mesh-stopping",
  "capability",
  "circuit-open",
  "volatile",
  "untrusted",
];

export const DeadLetterCode = {
  MAILBOX_FULL: 0,
  DROPPED_OLDEST: 1,
  EXPIRED: 2,
  STOPPED: 3,
  QUARANTINED: 4,
  POISON: 5,
  UNKNOWN_ACTOR: 6,
  UNDECODABLE: 7,
  MESH_STOPPING: 8,
  CAPABILITY: 9,
  CIRCUIT_OPEN: 10,
  VOLATILE: 11,
  UNTRUSTED: 12,
} as const;
