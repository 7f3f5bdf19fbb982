/**
 * What nodes say to each other, as tuples: the wire has no names. Times are ms of the sender's clock, and are moved to
 * the receiver's when they come in. Payloads are msgpack that carries its own keys.
 */

import { FRAME_BYTES } from "../../mailbox/frame.ts";

/** The first of each tuple. */
export const NodeKind = {
  /** For an agent of the receiver. */
  MESSAGE: 1,
  /** These messages are finished: handled, expired or dead. */
  DONE: 2,
  /** These are not for the receiver: it does not hold their sectors. */
  BACK: 3,
  /** What an agent answered to an ASK or a request. */
  ANSWER: 4,
  /** Parts of an operation for sectors of the receiver. */
  OPERATION: 5,
  /** What one of them has told of its part. */
  REPORT: 6,
  /** What one agent answers to an operation. */
  VALUE: 7,
  /** Sectors that have confirmed that they have a wave's part. */
  CONFIRMED: 8,
  /** How the gate of a wave stands. */
  GATE: 9,
  /** An operation is over, whoever has not reported. */
  OVER: 10,
} as const;

/** A message on its way, with the id under which its sender holds it. */
export type MessageTuple = readonly [
  tag: typeof NodeKind.MESSAGE,
  id: number,
  /** Of the lease of the target's sector. */
  epoch: number,
  kind: number,
  target: number,
  source: number,
  priority: number,
  flags: number,
  createdMs: number,
  /** 0 for never. */
  deadlineMs: number,
  /** The message, when it is a number. */
  inline: number,
  payload: Uint8Array | null,
];

/** One sector's part: who is addressed, and how far they are when it was begun elsewhere. */
export type ShareTuple = readonly [
  sector: number,
  epoch: number,
  map: Uint8Array,
  maps: Uint8Array | null,
];

/** The numbers of an operation; those that are times are moved. */
export interface SentPlan {
  readonly root: number | null;
  readonly createdMs: number;
  readonly arrivalMs: number;
  readonly closeMs: number;
  readonly deadlineMs: number;
  readonly readyBy: number;
  readonly priority: number;
  readonly flags: number;
  /** Its agents wait until the sender says that enough sectors have confirmed. */
  readonly gated: boolean;
  readonly requiresLow: number;
  readonly requiresHigh: number;
}

export type NodeMessage =
  | MessageTuple
  | readonly [tag: typeof NodeKind.DONE, ids: readonly number[]]
  | readonly [tag: typeof NodeKind.BACK, ids: readonly number[]]
  | readonly [
      tag: typeof NodeKind.ANSWER,
      id: number,
      trinary: number,
      flags: number,
      value: unknown,
    ]
  | readonly [
      tag: typeof NodeKind.OPERATION,
      operation: number,
      plan: SentPlan,
      payload: Uint8Array,
      shares: readonly ShareTuple[],
    ]
  | readonly [tag: typeof NodeKind.REPORT, operation: number, sector: number, frame: Uint8Array]
  | readonly [
      tag: typeof NodeKind.VALUE,
      operation: number,
      agent: number,
      trinary: number,
      value: unknown,
    ]
  | readonly [tag: typeof NodeKind.CONFIRMED, operation: number, sectors: readonly number[]]
  | readonly [tag: typeof NodeKind.GATE, operation: number, state: number]
  | readonly [tag: typeof NodeKind.OVER, operation: number];

/** About how long it is on the wire, bytes. */
export function sizeOf(message: NodeMessage): number {
  switch (message[0]) {
    case NodeKind.MESSAGE:
      return FRAME_BYTES + (message[11]?.length ?? 0);
    case NodeKind.OPERATION:
      return message[3].length + message[4].reduce((sum, [, , map]) => sum + 8 * map.length, 0);
    case NodeKind.REPORT:
      return message[3].length;
    default:
      return FRAME_BYTES;
  }
}
