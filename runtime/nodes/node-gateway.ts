import { sectorOf } from "../../coordination/topology.ts";
import {
  FRAME_CREATED_F64,
  FRAME_DEADLINE_F64,
  FRAME_HASH,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_RELEASE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
  frameTrinary,
  NOBODY,
} from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME } from "../../mailbox/layout.ts";
import { PayloadCodec } from "../../mailbox/payload.ts";
import { type FrameMemory, FULL } from "../../mailbox/ring.ts";
import { DeadLetterCode } from "../dispatch/dead-letter-code.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { FramePlacer } from "../dispatch/frame-placer.ts";
import { GATEWAY_IDS, type Gateway } from "../dispatch/gateway.ts";
import { emptyHeader, type Header } from "../dispatch/header.ts";
import type { AwayRows } from "./away-rows.ts";
import { LaneQueue } from "./lane-queue.ts";
import { type MessageTuple, NodeKind, type NodeMessage, sizeOf } from "./node-message.ts";
import type { SectorMap } from "./sector-map.ts";

/** Flags of a message that mean the same on another node. */
const CARRIED = FrameFlag.NOTHING | FrameFlag.NUMBER | FrameFlag.VOLATILE | FrameFlag.PROBE;

/** Flags of a message whose end somebody waits for. */
const PROMISED = FrameFlag.RECEIPT | FrameFlag.DURABLE;

/** Messages for other nodes that are held at once; from there on their agents count as full. */
const MAX_HELD = 32_768;
/** And as having room again. */
const ROOM_AGAIN = MAX_HELD / 2;

/** A message for an agent of another node, in main's custody until that node says that it is finished. */
interface Held {
  readonly id: number;
  readonly slot: number;
  readonly sector: number;
  /** The node that it is for, while that is known. */
  node: string | undefined;
  /** Counted in its agent's row. */
  counted: boolean;
}

/** What another node waits to hear: how a message of it ended here. */
interface Owed {
  readonly node: string;
  readonly id: number;
  readonly isAsk: boolean;
}

/** What the gateway needs besides the dispatcher. */
export interface GatewayPorts {
  /** There is something to say to a node. */
  readonly wanted: (node: string) => void;
}

/**
 * Main's door to other nodes. What this node's agents send to those of another comes to main's custody and stays there
 * until that node has said that it is finished: should it die before, whoever has the sector next gets it again. What
 * comes from another node goes to the thread of its agent as from main.
 */
export class NodeGateway implements Gateway {
  readonly #dispatcher: Dispatcher;
  readonly #map: SectorMap;
  readonly #rows: AwayRows;
  readonly #ports: GatewayPorts;
  readonly #frames: FramePlacer;
  readonly #wire = new PayloadCodec();
  readonly #header: Header = emptyHeader();
  /** By id, in the order in which they came. */
  readonly #held = new Map<number, Held>();
  /** By node, what it has not been sent. */
  readonly #unsent = new Map<string, Held[]>();
  /** By node, what else there is to say, in order. */
  readonly #said = new Map<string, NodeMessage[]>();
  /** By node, what is finished and not said. */
  readonly #finished = new Map<string, number[]>();
  /** By our number. */
  readonly #owed = new Map<number, Owed>();
  readonly #lanes: LaneQueue;
  #id = 0;

  constructor(dispatcher: Dispatcher, map: SectorMap, rows: AwayRows, ports: GatewayPorts) {
    this.#dispatcher = dispatcher;
    this.#map = map;
    this.#rows = rows;
    this.#ports = ports;
    this.#frames = new FramePlacer(dispatcher);
    this.#lanes = new LaneQueue(dispatcher);
  }

  /** Messages that other nodes have not finished. */
  get held(): number {
    return this.#held.size;
  }

  /** Messages of other nodes that are not finished here. */
  get owed(): number {
    return this.#owed.size;
  }

  take(slot: number): boolean {
    const { view } = this.#dispatcher;
    const { words } = view.custody;
    const target = words[slot + SLOT_FRAME + FRAME_TARGET];
    const sector = sectorOf(view.topology, target);
    if (sector < 0) return false;
    const held: Held = { id: ++this.#id, slot, sector, node: undefined, counted: false };
    this.#held.set(held.id, held);
    held.counted = this.#rows.count(target, words[slot + SLOT_FRAME + FRAME_LENGTH], 1);
    this.#route(held);
    if (this.#held.size >= MAX_HELD) this.#rows.setFull(true);
    return true;
  }

  /** Sends it where its sector is: to a node, to a thread of this one, or nowhere yet. */
  #route(held: Held): void {
    if (this.#map.isHere(held.sector)) {
      this.#lanes.place(() => this.#bringHome(held));
      return;
    }
    const { node } = this.#map.hostOf(held.sector);
    held.node = node;
    if (node === undefined) return;
    let unsent = this.#unsent.get(node);
    if (unsent === undefined) {
      unsent = [];
      this.#unsent.set(node, unsent);
    }
    unsent.push(held);
    this.#ports.wanted(node);
  }

  /** A sector is somewhere else by now: what is not finished goes there, in the order in which it came. */
  moved(sector: number): void {
    const { words } = this.#dispatcher.view.custody;
    for (const held of this.#held.values()) {
      if (held.sector !== sector) continue;
      const at = held.slot + SLOT_FRAME;
      // Its row is its thread's now, or main's again.
      if (this.#map.isHere(sector)) held.counted = false;
      else if (!held.counted)
        held.counted = this.#rows.count(words[at + FRAME_TARGET], words[at + FRAME_LENGTH], 1);
      this.#route(held);
    }
  }

  /** The agent's thread gets it as if main had sent it. False when the lane is full. */
  #bringHome({ id, slot }: Held): boolean {
    if (!this.#held.has(id)) return true;
    const { custody } = this.#dispatcher.view;
    const at = slot + SLOT_FRAME;
    const header = this.#headerAt(custody, at);
    const { inbox } = this.#dispatcher;
    let length: number;
    try {
      length = this.#frames.encode(header, inbox.decodeAt(custody.words, custody.bytes, at));
    } catch {
      this.#dispatcher.burials.bury(slot, DeadLetterCode.UNDECODABLE);
      this.#forget(id, slot);
      return true;
    }
    const type = custody.words[at + FRAME_TYPE];
    header.flags |= frameFlags(type) & (FrameFlag.VOLATILE | FrameFlag.PROBE | PROMISED);
    if (!this.#frames.place(header, length)) return false;
    // It is the agent's thread that ends it: here it is only passed on.
    custody.words[at + FRAME_TYPE] = type & ~(PROMISED << 16);
    this.#end(id, slot);
    return true;
  }

  #headerAt({ words, doubles }: FrameMemory, word: number): Header {
    const type = words[word + FRAME_TYPE];
    const at = word >>> 1;
    const header = this.#header;
    header.kind = frameKind(type);
    header.priority = framePriority(type);
    header.flags = 0;
    header.target = words[word + FRAME_TARGET];
    header.source = words[word + FRAME_SOURCE];
    header.operation = doubles[at + FRAME_OPERATION_F64];
    header.sequence = this.#dispatcher.outbox.nextSequence();
    header.createdMs = doubles[at + FRAME_CREATED_F64];
    header.deadlineMs = doubles[at + FRAME_DEADLINE_F64];
    header.release = 0;
    header.payload = 0;
    header.hash = words[word + FRAME_HASH];
    return header;
  }

  /** The next things to say to a node, at most so many, of about so many bytes. */
  next(node: string, most: number, bytes: number): NodeMessage[] {
    const { nowMs } = this.#dispatcher;
    const said = this.#said.get(node);
    const out: NodeMessage[] = said?.splice(0, most) ?? [];
    let size = 0;
    for (const message of out) size += sizeOf(message);
    const finished = this.#finished.get(node);
    if (finished !== undefined && finished.length > 0 && out.length < most)
      out.push([NodeKind.DONE, finished.splice(0, 4096)]);
    const unsent = this.#unsent.get(node) ?? [];
    let taken = 0;
    while (taken < unsent.length && out.length < most && size < bytes) {
      const held = unsent[taken++];
      // It was finished, or its sector has moved.
      if (!this.#held.has(held.id) || held.node !== node) continue;
      const message = this.#write(held, nowMs);
      if (message === undefined) continue;
      size += sizeOf(message);
      out.push(message);
    }
    unsent.splice(0, taken);
    return out;
  }

  /** Whether there is something to say to a node. */
  has(node: string): boolean {
    return (
      (this.#said.get(node)?.length ?? 0) +
        (this.#finished.get(node)?.length ?? 0) +
        (this.#unsent.get(node)?.length ?? 0) >
      0
    );
  }

  /** Undefined when it has ended instead. */
  #write({ id, slot, sector }: Held, nowMs: number): MessageTuple | undefined {
    const { custody } = this.#dispatcher.view;
    const at = slot + SLOT_FRAME;
    const { words, doubles } = custody;
    const type = words[at + FRAME_TYPE];
    const deadlineMs = doubles[(at >>> 1) + FRAME_DEADLINE_F64];
    if (deadlineMs !== 0 && deadlineMs <= nowMs) {
      this.#bury(id, slot, DeadLetterCode.EXPIRED);
      return undefined;
    }
    const flags = frameFlags(type) & CARRIED;
    let payload: Uint8Array | null = null;
    if ((flags & (FrameFlag.NOTHING | FrameFlag.NUMBER)) === 0) {
      try {
        payload = this.#pack(this.#dispatcher.inbox.decodeSlot(slot));
      } catch {
        this.#bury(id, slot, DeadLetterCode.UNDECODABLE);
        return undefined;
      }
    }
    const message: MessageTuple = [
      NodeKind.MESSAGE,
      id,
      this.#map.hostOf(sector).epoch,
      frameKind(type),
      words[at + FRAME_TARGET],
      this.#sourceOf(words[at + FRAME_SOURCE]),
      framePriority(type),
      flags,
      doubles[(at >>> 1) + FRAME_CREATED_F64],
      deadlineMs,
      (flags & FrameFlag.NUMBER) === 0 ? 0 : doubles[(at >>> 1) + FRAME_RELEASE_F64],
      payload,
    ];
    // Delivered once or not at all: whether it arrives is nobody's business from here on.
    if ((flags & FrameFlag.VOLATILE) !== 0 && frameKind(type) !== FrameKind.ASK)
      this.#end(id, slot);
    return message;
  }

  /** Children that agents have spawned are known on their own node only. */
  #sourceOf(source: number): number {
    const { topology } = this.#dispatcher.view;
    return source >= topology.spawnBase ? NOBODY : source;
  }

  #pack(value: unknown): Uint8Array {
    const length = this.#wire.encode(value);
    return this.#wire.bytes.slice(0, length);
  }

  /** Says something to a node, behind what was said before. */
  say(node: string, message: NodeMessage): void {
    let said = this.#said.get(node);
    if (said === undefined) {
      said = [];
      this.#said.set(node, said);
    }
    said.push(message);
    this.#ports.wanted(node);
  }

  /** A node is gone: what was to be said to it needs not be said. */
  gone(node: string): void {
    this.#said.delete(node);
    this.#finished.delete(node);
    this.#unsent.delete(node);
    for (const [number, owed] of this.#owed) if (owed.node === node) this.#owed.delete(number);
    for (const held of this.#held.values()) if (held.node === node) held.node = undefined;
  }

  /** A MESSAGE of another node; `offsetMs` is its clock less ours. */
  receive(node: string, message: MessageTuple, offsetMs: number): void {
    const [, id, epoch, , target] = message;
    const { topology } = this.#dispatcher.view;
    const sector = target >= 0 && target < topology.rows ? sectorOf(topology, target) : -1;
    // A higher epoch says that the sector is another's by now: this node will hear of it.
    const isOurs =
      sector >= 0 && this.#map.isHere(sector) && epoch <= this.#map.hostOf(sector).epoch;
    if (!isOurs) this.say(node, [NodeKind.BACK, [id]]);
    else this.#lanes.place(() => this.#place(node, message, offsetMs));
  }

  #place(node: string, message: MessageTuple, offsetMs: number): boolean {
    const [, id, , kind, target, source, priority, flags, createdMs, deadlineMs, inline, payload] =
      message;
    const { codec, outbox } = this.#dispatcher;
    const header = this.#header;
    const length = payload?.length ?? 0;
    const number = GATEWAY_IDS + ++this.#id;
    const isTell = kind === FrameKind.TELL || kind === FrameKind.SIGNAL;
    Object.assign(header, {
      kind,
      priority,
      flags: (flags & CARRIED) | (isTell ? FrameFlag.RECEIPT : 0),
      target,
      source,
      operation: number,
      sequence: outbox.nextSequence(),
      createdMs: createdMs - offsetMs,
      deadlineMs: deadlineMs === 0 ? 0 : deadlineMs - offsetMs,
      release: inline,
      payload: length,
      hash: 0,
    });
    if (payload !== null) codec.adopt(payload, length);
    if (!this.#frames.place(header, length)) return false;
    this.#owed.set(number, { node, id, isAsk: !isTell });
    return true;
  }

  /** DONE of another node. */
  done(node: string, ids: readonly number[]): void {
    for (const id of ids) {
      const held = this.#held.get(id);
      // Not of one that no longer has the sector: whoever has it now gets it again.
      if (held?.node === node) this.#end(id, held.slot);
    }
  }

  /** BACK of another node: they wait until it is known where their sectors are. */
  back(node: string, ids: readonly number[]): void {
    const { wheel, nowMs } = this.#dispatcher;
    const again = ids.map((id) => this.#held.get(id)).filter((held) => held?.node === node);
    const retry = (): void => {
      for (const held of again)
        if (held !== undefined && this.#held.has(held.id) && held.node === node) this.#route(held);
    };
    wheel.schedule(nowMs + 50, { onTimer: retry }, 0);
  }

  /** ANSWER of another node. */
  onAnswer(node: string, id: number, trinary: number, flags: number, value: unknown): void {
    const held = this.#held.get(id);
    if (held === undefined || held.node !== node) return;
    const { words } = this.#dispatcher.view.custody;
    const at = held.slot + SLOT_FRAME;
    if (frameKind(words[at + FRAME_TYPE]) === FrameKind.ASK)
      this.#dispatcher.answers.relay(held.slot, trinary, flags, value);
    else this.#replyControl(held.slot, value);
    this.#end(id, held.slot);
  }

  #replyControl(slot: number, value: unknown): void {
    const { view, outbox, asks } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = slot + SLOT_FRAME;
    const asker = words[at + FRAME_SOURCE];
    const id = doubles[(at >>> 1) + FRAME_OPERATION_F64];
    if (id === 0) return;
    if (asker === view.topology.orchestrator) asks.resolve(id, { state: 1, value });
    else outbox.replyControl(words[at + FRAME_TARGET], asker, id, value);
  }

  answered(ring: FrameMemory, word: number): boolean {
    const { words, doubles } = ring;
    const number = doubles[(word >>> 1) + FRAME_OPERATION_F64];
    if (number < GATEWAY_IDS) return this.#passOn(ring, word);
    const owed = this.#owed.get(number);
    if (owed === undefined) return true;
    this.#owed.delete(number);
    if (!owed.isAsk) this.#tellDone(owed);
    else {
      const type = words[word + FRAME_TYPE];
      let value: unknown;
      let flags = frameFlags(type) & (FrameFlag.FAILED | FrameFlag.REFUSED);
      try {
        value = this.#dispatcher.inbox.decodeAt(words, ring.bytes, word);
      } catch (error) {
        value = String(error);
        flags = FrameFlag.FAILED;
      }
      this.say(owed.node, [NodeKind.ANSWER, owed.id, frameTrinary(type), flags, value]);
    }
    return true;
  }

  /** An answer to an agent whose sector is about to leave: to main it is elsewhere, and it still waits here. */
  #passOn(ring: FrameMemory, word: number): boolean {
    const { view } = this.#dispatcher;
    const target = ring.words[word + FRAME_TARGET];
    const sector = sectorOf(view.topology, target);
    if (sector < 0) return false;
    const { lanes } = view;
    const lane = lanes.bulkTo[this.#map.homeOf(sector)];
    const length = ring.words[word + FRAME_LENGTH];
    const to = lane?.tryClaim(length) ?? FULL;
    // Without room it is lost, as an answer may be.
    if (lane === undefined || to === FULL) return true;
    const from = word * 4;
    lane.ring.bytes.set(ring.bytes.subarray(from, from + length), to * 4);
    this.#dispatcher.outbox.dirty = true;
    return true;
  }

  finished(receipt: number): void {
    const owed = this.#owed.get(receipt);
    if (owed === undefined) return;
    this.#owed.delete(receipt);
    this.#tellDone(owed);
  }

  #tellDone({ node, id }: Owed): void {
    let ids = this.#finished.get(node);
    if (ids === undefined) {
      ids = [];
      this.#finished.set(node, ids);
    }
    ids.push(id);
    this.#ports.wanted(node);
  }

  /** Ends asks whose time is over: no answer will come. */
  sweep(nowMs: number): void {
    const { words, doubles } = this.#dispatcher.view.custody;
    for (const { id, slot } of this.#held.values()) {
      const at = slot + SLOT_FRAME;
      const deadlineMs = doubles[(at >>> 1) + FRAME_DEADLINE_F64];
      const isAsk = frameKind(words[at + FRAME_TYPE]) === FrameKind.ASK;
      if (isAsk && deadlineMs !== 0 && deadlineMs <= nowMs)
        this.#bury(id, slot, DeadLetterCode.EXPIRED);
    }
  }

  #bury(id: number, slot: number, code: number): void {
    this.#forget(id, slot);
    this.#dispatcher.burials.bury(slot, code);
  }

  /** It is another's now, or done there. */
  #end(id: number, slot: number): void {
    this.#forget(id, slot);
    this.#dispatcher.ledger.counts[Count.HANDLED]++;
    this.#dispatcher.finish(slot, true);
  }

  #forget(id: number, slot: number): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    if (held.counted) this.#uncount(slot);
    if (this.#held.size <= ROOM_AGAIN) this.#rows.setFull(false);
  }

  #uncount(slot: number): void {
    const { words } = this.#dispatcher.view.custody;
    const at = slot + SLOT_FRAME;
    this.#rows.count(words[at + FRAME_TARGET], words[at + FRAME_LENGTH], -1);
  }
}
