import type { Custody } from "./custody.ts";
import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_DEADLINE_F64,
  FRAME_HASH,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
} from "./frame.ts";
import { SLOT_FRAME, SlotState } from "./layout.ts";
import { FULL } from "./ring.ts";

/** A timer of an agent that waits. */
export interface TimerBelonging {
  readonly kind: "timer";
  readonly agent: number;
  /** Until it fires, ms; negative when it was due. */
  readonly leftMs: number;
  /** 0 when it fires once. */
  readonly periodMs: number;
  /** The message, encoded. */
  readonly bytes: Uint8Array;
}

/** A child that an agent has spawned, and where its behavior is to be had. */
export interface ChildBelonging {
  readonly kind: "child";
  readonly child: number;
  readonly parent: number;
  /** Index of the agent module that exports the behavior. */
  readonly module: number;
  /** Under this name. */
  readonly name: string;
}

/** An agent watches another one's end. */
export interface WatchBelonging {
  readonly kind: "watch";
  readonly watcher: number;
  readonly watched: number;
}

/**
 * A durable message that an open turn has sent, and that was committed before the turn was: when the turn is repeated,
 * this is not. Of a message the turn is named by its sequence and when it was created; of an operation by the number of
 * its first attempt, negative for `act`, and 0.
 */
export interface SentBelonging {
  readonly kind: "sent";
  readonly agent: number;
  /** How many the turn had sent before. */
  readonly place: number;
  readonly sequence: number;
  readonly createdMs: number;
  /** Of its target, priority and content: 48 bits. */
  readonly digest: number;
}

/**
 * What agents have besides states and messages. While its mesh stands still a thread keeps a copy in custody, a slot
 * each, where main finds it for a cut and a successor for itself; what an open turn has sent stands there until the
 * turn ends. In a slot's frame stand kind (type), whose it is (target), with whom (source) and, of a timer, the time
 * left (release) and the period (deadline).
 */
export type Belonging = TimerBelonging | ChildBelonging | WatchBelonging | SentBelonging;

/** A belonging as numbers and bytes, the same for all kinds. */
export interface BelongingRow {
  readonly kind: number;
  readonly whose: number;
  readonly withWhom: number;
  readonly module: number;
  readonly leftMs: number;
  readonly periodMs: number;
  readonly bytes: Uint8Array;
}

const Kind = { TIMER: 0, CHILD: 1, WATCH: 2, SENT: 3 } as const;
const NOTHING = new Uint8Array(0);
const BLANK = { module: 0, leftMs: 0, periodMs: 0, bytes: NOTHING };

export function rowOf(belonging: Belonging): BelongingRow {
  switch (belonging.kind) {
    case "timer": {
      const { agent, leftMs, periodMs, bytes } = belonging;
      return { ...BLANK, kind: Kind.TIMER, whose: agent, withWhom: agent, leftMs, periodMs, bytes };
    }
    case "child": {
      const { child, parent, module, name } = belonging;
      const bytes = new TextEncoder().encode(name);
      return { ...BLANK, kind: Kind.CHILD, whose: child, withWhom: parent, module, bytes };
    }
    case "watch": {
      const { watcher, watched } = belonging;
      return { ...BLANK, kind: Kind.WATCH, whose: watcher, withWhom: watched };
    }
    case "sent": {
      const { agent, place, sequence, createdMs, digest } = belonging;
      const bytes = new Uint8Array(Float64Array.of(digest).buffer);
      const row = { ...BLANK, kind: Kind.SENT, whose: agent, withWhom: place, bytes };
      return { ...row, leftMs: sequence, periodMs: createdMs };
    }
    default:
      return belonging satisfies never;
  }
}

/** The inverse of {@link rowOf}; undefined when there is no such kind. */
export function belongingOf(row: BelongingRow): Belonging | undefined {
  const { whose, withWhom, module, leftMs, periodMs, bytes } = row;
  switch (row.kind) {
    case Kind.TIMER:
      return { kind: "timer", agent: whose, leftMs, periodMs, bytes };
    case Kind.CHILD: {
      const name = new TextDecoder().decode(bytes);
      return { kind: "child", child: whose, parent: withWhom, module, name };
    }
    case Kind.WATCH:
      return { kind: "watch", watcher: whose, watched: withWhom };
    case Kind.SENT: {
      if (bytes.length !== 8) return undefined;
      const [digest] = new Float64Array(bytes.slice().buffer);
      const turn = { sequence: leftMs, createdMs: periodMs };
      return { kind: "sent", agent: whose, place: withWhom, ...turn, digest };
    }
    default:
      return undefined;
  }
}

/** Puts a belonging into custody as of `cycle` (0: at once); its slot, or FULL when there is no room. */
export function keepBelonging(custody: Custody, belonging: Belonging, cycle: number): number {
  const { kind, whose, withWhom, module, leftMs, periodMs, bytes } = rowOf(belonging);
  const slot = custody.allocate(FRAME_BYTES + bytes.length, true);
  if (slot === FULL) return FULL;
  const at = slot + SLOT_FRAME;
  const { words, doubles } = custody;
  words[at + FRAME_TYPE] = kind;
  words[at + FRAME_TARGET] = whose;
  words[at + FRAME_SOURCE] = withWhom;
  words[at + FRAME_PAYLOAD] = bytes.length;
  words[at + FRAME_HASH] = module;
  doubles[(at >>> 1) + FRAME_RELEASE_F64] = leftMs;
  doubles[(at >>> 1) + FRAME_DEADLINE_F64] = periodMs;
  custody.bytes.set(bytes, (at + FRAME_DATA) * 4);
  custody.describe(slot, whose, -1, 0);
  custody.stamp(slot, SlotState.BELONGING, cycle);
  return slot;
}

/** What {@link keepBelonging} has put into a slot. */
export function belongingIn({ words, doubles, bytes }: Custody, slot: number): Belonging {
  const at = slot + SLOT_FRAME;
  const from = (at + FRAME_DATA) * 4;
  const belonging = belongingOf({
    kind: words[at + FRAME_TYPE],
    whose: words[at + FRAME_TARGET],
    withWhom: words[at + FRAME_SOURCE],
    module: words[at + FRAME_HASH],
    leftMs: doubles[(at >>> 1) + FRAME_RELEASE_F64],
    periodMs: doubles[(at >>> 1) + FRAME_DEADLINE_F64],
    bytes: bytes.slice(from, from + words[at + FRAME_PAYLOAD]),
  });
  if (belonging === undefined)
    throw new Error(`slot ${slot} holds no belonging: kind ${words[at + FRAME_TYPE]}`);
  return belonging;
}
