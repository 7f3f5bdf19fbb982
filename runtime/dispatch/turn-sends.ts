import { createHash } from "node:crypto";
import { keepBelonging, type SentBelonging } from "../../mailbox/belonging.ts";
import {
  FRAME_CREATED_F64,
  FRAME_OPERATION_F64,
  FRAME_SEQUENCE_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
} from "../../mailbox/frame.ts";
import { turnKeyOf } from "../../mailbox/journal-entry.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Header } from "./header.ts";

/** Of a digest's bytes so many, that a double holds them. */
const DIGEST_BYTES = 6;

/** What an open turn has sent durably. */
export interface TurnSends {
  readonly agent: number;
  readonly sequence: number;
  readonly createdMs: number;
  /** Under which the journal knows the turn: origin and sequence; undefined when a crash does not repeat it. */
  readonly key: readonly [number, number] | undefined;
  /** What an earlier try of the turn has sent, and this one has not come to yet: how often, by digest. */
  readonly left: Map<number, number>;
  /** Sent since the last commit. */
  fresh: number[];
  /** Where the notes stand in custody, and the place of the next one. */
  readonly slots: number[];
  place: number;
  isOver: boolean;
}

/** What a predecessor's turn had sent: notes in custody. */
interface Left {
  readonly slot: number;
  readonly note: SentBelonging;
}

/**
 * Durable messages of turns that are still open when their cycle is committed, because they await something or wait
 * for room: on disk and on their way before the turn is over. If the worker or the process dies then, the turn is
 * repeated; what it had sent is not. A note of each stands in custody, and of those turns that the journal repeats in
 * the journal, from the commit that made it true until the commit that ends its turn.
 */
export class OpenSends {
  readonly #dispatcher: Dispatcher;
  readonly #fresh = new Set<TurnSends>();
  /** By agent. */
  readonly #left = new Map<number, Left[]>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Digest of the prepared message, of which `length` bytes are the payload. */
  digest({ target, priority, flags, release }: Header, length: number): number {
    const shape = flags & (FrameFlag.NOTHING | FrameFlag.NUMBER);
    const hash = createHash("sha256").update(Float64Array.of(target, priority, shape, release));
    if (length > 0) hash.update(this.#dispatcher.codec.bytes.subarray(0, length));
    return hash.digest().readUIntBE(0, DIGEST_BYTES);
  }

  /** The open turn of an agent; undefined between turns. */
  of(cell: AgentCell): TurnSends | undefined {
    if (cell.slot === 0) return undefined;
    const { more } = cell;
    more.sends ??= this.#begin(cell);
    return more.sends;
  }

  /** Whether an earlier try of the turn has sent the same already; then this try has come to it. */
  repeats({ left }: TurnSends, digest: number): boolean {
    const times = left.get(digest) ?? 0;
    if (times === 0) return false;
    left.set(digest, times - 1);
    return true;
  }

  /** The turn has sent something as of the open cycle. */
  note(turn: TurnSends, digest: number): void {
    if (turn.isOver) return;
    turn.fresh.push(digest);
    this.#fresh.add(turn);
    this.#dispatcher.journal?.expectSent();
  }

  /** Before the commit: notes what turns have sent that go on. */
  write(): void {
    if (this.#fresh.size === 0) return;
    for (const turn of this.#fresh) if (!turn.isOver) this.#write(turn);
    this.#fresh.clear();
  }

  /** The agent's turn ends in the open cycle. */
  end(cell: AgentCell): void {
    const open = cell.extras?.sends;
    if (open === undefined && this.#left.size === 0) return;
    // Of a turn that is repeated and sends nothing this time, notes are left too.
    const turn = open ?? this.#begin(cell);
    turn.isOver = true;
    this.#giveBack(turn.slots);
    if (open !== undefined) delete cell.more.sends;
  }

  /** What was found in custody, or put there from a cut. */
  adopt(slot: number, note: SentBelonging): void {
    // Of another mesh's cut: in one without a journal nothing durable is sent.
    if (this.#dispatcher.journal === undefined) {
      this.#dispatcher.giveBack(slot);
      return;
    }
    const others = this.#left.get(note.agent);
    if (others === undefined) this.#left.set(note.agent, [{ slot, note }]);
    else others.push({ slot, note });
  }

  /** Of what was found keeps what is of one of these messages; operations may be gone on with by main. */
  keep(messages: readonly number[]): void {
    if (this.#left.size === 0) return;
    const { words } = this.#dispatcher.view.custody;
    const names = new Set(
      messages.map((slot) => nameOf(words[slot + SLOT_FRAME + FRAME_TARGET], this.#nameIn(slot))),
    );
    this.#drop(({ note }) => note.createdMs !== 0 && !names.has(nameOf(note.agent, note)));
  }

  /** Whether the turn of the message in this slot was open, and had sent something, when its thread died. */
  isOpen(agent: number, slot: number): boolean {
    if (this.#left.size === 0) return false;
    const name = nameOf(agent, this.#nameIn(slot));
    return this.#left.get(agent)?.some(({ note }) => nameOf(agent, note) === name) === true;
  }

  /** The message in a slot has ended, whether or not it had a turn again. */
  forget(slot: number): void {
    if (this.#left.size === 0) return;
    const target = this.#dispatcher.view.custody.words[slot + SLOT_FRAME + FRAME_TARGET];
    const name = nameOf(target, this.#nameIn(slot));
    this.#drop(({ note }) => nameOf(note.agent, note) === name);
  }

  /** The sector's part of an operation, by the number of its first attempt, has ended. */
  forgetOperation(root: number): void {
    if (this.#left.size === 0) return;
    this.#drop(({ note }) => note.createdMs === 0 && Math.abs(note.sequence) === root);
  }

  #begin(cell: AgentCell): TurnSends {
    const name = this.#nameOf(cell);
    const { self: agent } = cell;
    const isOf = ({ note }: Left): boolean =>
      note.sequence === name.sequence && note.createdMs === name.createdMs;
    const notes = (this.#left.get(agent) ?? []).filter(isOf);
    const left = new Map<number, number>();
    for (const { note } of notes) left.set(note.digest, (left.get(note.digest) ?? 0) + 1);
    const others = (this.#left.get(agent) ?? []).filter((found) => !isOf(found));
    if (others.length > 0) this.#left.set(agent, others);
    else this.#left.delete(agent);
    return {
      agent,
      ...name,
      left,
      fresh: [],
      slots: notes.map(({ slot }) => slot),
      place: notes.reduce((next, { note }) => Math.max(next, note.place + 1), 0),
      isOver: false,
    };
  }

  #nameOf(cell: AgentCell): Pick<TurnSends, "sequence" | "createdMs" | "key"> {
    const { view, operations } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = cell.slot + SLOT_FRAME;
    const type = words[at + FRAME_TYPE];
    const part = operations.partIn(cell.slot);
    if (frameKind(type) === FrameKind.OPERATION && part !== undefined) {
      const acts = operations.isActing(cell.slot, cell.self);
      const { root: operation } = part;
      const sequence = acts ? -operation : operation;
      const isJournaled = operations.isJournaled(cell.slot);
      const key = isJournaled ? turnKeyOf({ operation, agent: cell.self, acts }) : undefined;
      return { sequence, createdMs: 0, key };
    }
    const name = this.#nameIn(cell.slot);
    const isDurable = (frameFlags(type) & FrameFlag.DURABLE) !== 0;
    const origin = doubles[(at >>> 1) + FRAME_OPERATION_F64];
    return { ...name, key: isDurable ? [origin, name.sequence] : undefined };
  }

  #nameIn(slot: number): Pick<TurnSends, "sequence" | "createdMs"> {
    const { doubles } = this.#dispatcher.view.custody;
    const at = (slot + SLOT_FRAME) >>> 1;
    return {
      sequence: doubles[at + FRAME_SEQUENCE_F64],
      createdMs: doubles[at + FRAME_CREATED_F64],
    };
  }

  #write(turn: TurnSends): void {
    const { view, ledger, journal, ports } = this.#dispatcher;
    const { agent, sequence, createdMs, key } = turn;
    for (const digest of turn.fresh) {
      const place = turn.place++;
      const note = { kind: "sent", agent, place, sequence, createdMs, digest } as const;
      const slot = keepBelonging(view.custody, note, ledger.cycle);
      if (slot === FULL)
        ports.log.warn({ agent }, "no custody to note what a turn has sent: it may be sent again");
      else turn.slots.push(slot);
      if (key !== undefined) journal?.sent(key, place, digest);
    }
    turn.fresh = [];
  }

  #drop(isOver: (left: Left) => boolean): void {
    for (const [agent, notes] of this.#left) {
      this.#giveBack(notes.filter(isOver).map(({ slot }) => slot));
      const kept = notes.filter((left) => !isOver(left));
      if (kept.length > 0) this.#left.set(agent, kept);
      else this.#left.delete(agent);
    }
  }

  #giveBack(slots: readonly number[]): void {
    for (const slot of slots) this.#dispatcher.giveBack(slot);
  }
}

function nameOf(agent: number, { sequence, createdMs }: Pick<TurnSends, "sequence" | "createdMs">) {
  return `${agent} ${sequence} ${createdMs}`;
}
