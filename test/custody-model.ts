// Custody as its contract sees it: which slots are handed out, and what a successor must find.
import fc from "fast-check";
import { expect } from "vitest";
import { Custody, custodyBytes, MAX_CUSTODY_FRAME_BYTES } from "../mailbox/custody.ts";
import {
  CUSTODY_CHUNK_BYTES,
  CUSTODY_CHUNKS_AT,
  SLOT_AUX,
  SLOT_FRAME,
  SLOT_HEADER_BYTES,
  SlotState,
} from "../mailbox/layout.ts";
import { FULL } from "../mailbox/ring.ts";

export const CHUNK_WORDS: number = CUSTODY_CHUNK_BYTES / 4;
export const CHUNKS: number = 5;
export const RESERVE: number = 1;
const FIRST_CHUNK = CHUNK_WORDS;
export const CLASSES: number = 12;

export function newMemory(chunks: number = CHUNKS): SharedArrayBuffer {
  return new SharedArrayBuffer(custodyBytes(chunks * CUSTODY_CHUNK_BYTES));
}

export function copyOf(memory: SharedArrayBuffer): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(memory.byteLength);
  new Uint8Array(copy).set(new Uint8Array(memory));
  return copy;
}

function sizeClassOf(frameBytes: number): number {
  let sizeClass = 0;
  while (128 << sizeClass < frameBytes + SLOT_HEADER_BYTES) sizeClass++;
  return sizeClass;
}

export function chunkOf(slot: number): number {
  return Math.floor((slot - FIRST_CHUNK) / CHUNK_WORDS);
}

/** Which slots are handed out, as the memory shows it: knows where there is room and what overlaps. */
export class Held {
  readonly slots: Map<number, number> = new Map();
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  take(slot: number, frameBytes: number): void {
    const words = (128 << sizeClassOf(frameBytes)) / 4;
    if ((slot - FIRST_CHUNK) % words !== 0 || slot < FIRST_CHUNK) {
      throw new Error(`slot ${slot} is no slot of ${words} words`);
    }
    if (slot + words > this.#words.length) throw new Error(`slot ${slot} ends outside the memory`);
    for (const [other, length] of this.slots) {
      if (slot < other + length && other < slot + words) {
        throw new Error(`slot ${slot} overlaps slot ${other}`);
      }
    }
    this.slots.set(slot, words);
  }

  release(slot: number): void {
    this.slots.delete(slot);
  }

  /** True when the custody may not say FULL, and false when it must. */
  hasRoom(frameBytes: number, urgent: boolean): boolean {
    const list = sizeClassOf(frameBytes);
    const used: number[] = Array(CHUNKS).fill(0);
    for (const slot of this.slots.keys()) used[chunkOf(slot)]++;
    const idle = used.filter((count) => count === 0).length;
    const free = (of: number): boolean =>
      used.some(
        (count, chunk) =>
          this.#words[CUSTODY_CHUNKS_AT + chunk] === of + 1 &&
          count < CUSTODY_CHUNK_BYTES / (128 << (of % CLASSES)),
      );
    if (free(list) || idle > RESERVE) return true;
    return urgent && (free(list + CLASSES) || idle > 0);
  }
}

/** Sizes of frames, of all classes. */
export const frameBytes: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 64, max: 200 }),
  fc.integer({ min: 64, max: 5_000 }),
  fc.integer({ min: 5, max: 10 }).map((sizeClass) => (128 << sizeClass) - SLOT_HEADER_BYTES),
  fc.constantFrom(64, 65, 192, 193, CUSTODY_CHUNK_BYTES / 2 - 64, MAX_CUSTODY_FRAME_BYTES),
);

/** What a successor must find: ids, messages in the order of acceptance. */
export interface Durable {
  readonly messages: readonly number[];
  readonly checkpoints: readonly (readonly [owner: number, id: number])[];
  readonly payloads: readonly number[];
}

interface Item {
  readonly id: number;
  readonly slot: number;
  readonly rank: number;
}

/** One store into the memory, or the commit of a cycle. */
type Store =
  | { readonly view: "words" | "doubles"; readonly index: number; readonly value: number }
  | { readonly view: "commit"; readonly cycle: number };

export type Operation =
  | { readonly kind: "accept" | "send"; readonly bytes: number; readonly urgent: boolean }
  | { readonly kind: "done"; readonly which: number }
  | { readonly kind: "checkpoint"; readonly owner: number; readonly bytes: number }
  | { readonly kind: "payload"; readonly bytes: number }
  | { readonly kind: "release"; readonly which: number }
  | { readonly kind: "commit" };

/**
 * A thread and its custody, and beside them what the contract says of each operation. Every store is
 * recorded, so that the thread can die behind any of them.
 */
export class Thread {
  readonly log: Store[] = [];
  /** What must be found when the thread dies while the log has this length, by operation. */
  readonly history: { readonly upTo: number; readonly durable: Durable }[] = [];
  readonly #custody: Custody;
  readonly #held: Held;
  #cycle: number;
  /** As the thread sees it. */
  #queued: Item[] = [];
  #checkpoints = new Map<number, Item>();
  #payloads: Item[] = [];
  /** As a successor would. */
  #durable: Durable = { messages: [], checkpoints: [], payloads: [] };
  #ranks = new Map<number, number>();
  #sent: number[] = [];
  #done: number[] = [];
  #newPayloads: number[] = [];
  #toFree: number[] = [];
  readonly #ids: { next: number };

  constructor(memory: SharedArrayBuffer, custody: Custody, cycle: number, ids: { next: number }) {
    this.#custody = custody;
    this.#held = new Held(memory);
    this.#cycle = cycle;
    this.#ids = ids;
  }

  /** Continues with what a predecessor left, which has been found to be right. */
  adopt(durable: Durable, slots: ReadonlyMap<number, { slot: number; bytes: number }>): void {
    this.#durable = durable;
    const item = (id: number): Item => {
      const { slot, bytes } = slots.get(id) as { slot: number; bytes: number };
      this.#held.take(slot, bytes);
      return { id, slot, rank: 0 };
    };
    this.#queued = durable.messages.map((id, rank) => {
      this.#ranks.set(id, rank - durable.messages.length);
      return item(id);
    });
    this.#checkpoints = new Map(durable.checkpoints.map(([owner, id]) => [owner, item(id)]));
    this.#payloads = durable.payloads.map(item);
  }

  start(): void {
    this.#note();
    const views = this.#custody as unknown as Record<"words" | "doubles", object>;
    for (const view of ["words", "doubles"] as const) {
      views[view] = new Proxy(views[view], {
        get: (target, key) => Reflect.get(target, key, target),
        set: (target, key, value) => {
          this.log.push({ view, index: Number(key), value });
          return Reflect.set(target, key, value, target);
        },
      });
    }
  }

  run(operation: Operation): void {
    switch (operation.kind) {
      case "accept":
      case "send":
        this.#put(operation.kind, operation.bytes, operation.urgent);
        break;
      case "done": {
        if (this.#queued.length === 0) return;
        const [item] = this.#queued.splice(operation.which % this.#queued.length, 1);
        this.#custody.stamp(item.slot, SlotState.DONE, this.#cycle);
        this.#done.push(item.id);
        this.#toFree.push(item.slot);
        break;
      }
      case "checkpoint":
        this.#checkpoint(operation.owner, operation.bytes);
        break;
      case "payload": {
        const item = this.#write(operation.bytes, false, 0);
        if (item === undefined) return;
        this.#custody.words[item.slot + SLOT_AUX] = 2;
        this.#custody.stamp(item.slot, SlotState.PAYLOAD, this.#cycle);
        this.#payloads.push(item);
        this.#newPayloads.push(item.id);
        break;
      }
      case "release": {
        if (this.#payloads.length === 0) return;
        const [item] = this.#payloads.splice(operation.which % this.#payloads.length, 1);
        this.#custody.words[item.slot + SLOT_AUX] = 0;
        this.#newPayloads = this.#newPayloads.filter((id) => id !== item.id);
        const payloads = this.#durable.payloads.filter((id) => id !== item.id);
        this.#durable = { ...this.#durable, payloads };
        this.#toFree.push(item.slot);
        break;
      }
      case "commit":
        this.#commit();
        return;
    }
    this.#note();
  }

  /** The memory, and the last committed cycle, as the thread leaves them when it dies behind `stores`. */
  deathAfter(
    stores: number,
    before: SharedArrayBuffer,
  ): { memory: SharedArrayBuffer; cycle: number } {
    const memory = copyOf(before);
    const views = { words: new Int32Array(memory), doubles: new Float64Array(memory) };
    let cycle = 0;
    for (let i = 0; i < stores; i++) {
      const store = this.log[i];
      if (store.view === "commit") cycle = store.cycle;
      else views[store.view][store.index] = store.value;
    }
    return { memory, cycle };
  }

  #note(): void {
    this.history.push({ upTo: this.log.length, durable: this.#durable });
  }

  #write(bytes: number, urgent: boolean, owner: number): Item | undefined {
    const room = this.#held.hasRoom(bytes, urgent);
    const slot = this.#custody.allocate(bytes, urgent);
    expect(slot !== FULL).toBe(room);
    if (slot === FULL) return undefined;
    this.#held.take(slot, bytes);
    const id = this.#ids.next++;
    this.#custody.describe(slot, owner, 1, id);
    const { words } = this.#custody;
    words[slot + SLOT_FRAME] = bytes;
    words[slot + SLOT_FRAME + 1] = id;
    words[slot + SLOT_FRAME + (bytes >>> 2) - 1] = id;
    return { id, slot, rank: id };
  }

  #put(kind: "accept" | "send", bytes: number, urgent: boolean): void {
    const item = this.#write(bytes, urgent, 0);
    if (item === undefined) return;
    this.#ranks.set(item.id, item.rank);
    this.#custody.stamp(item.slot, SlotState.QUEUED, kind === "accept" ? 0 : this.#cycle);
    this.#queued.push(item);
    if (kind === "send") this.#sent.push(item.id);
    else this.#durable = { ...this.#durable, messages: this.#ranked([item.id]) };
  }

  #ranked(more: readonly number[], without: readonly number[] = []): number[] {
    const rank = (id: number): number => this.#ranks.get(id) as number;
    const all = [...this.#durable.messages, ...more].filter((id) => !without.includes(id));
    return all.sort((a, b) => rank(a) - rank(b));
  }

  #checkpoint(owner: number, bytes: number): void {
    const item = this.#write(bytes, true, owner);
    if (item === undefined) return;
    this.#custody.stamp(item.slot, SlotState.CHECKPOINT, this.#cycle);
    const old = this.#checkpoints.get(owner);
    if (old !== undefined) this.#toFree.push(old.slot);
    this.#checkpoints.set(owner, item);
  }

  #commit(): void {
    this.log.push({ view: "commit", cycle: this.#cycle });
    this.#durable = {
      messages: this.#ranked(this.#sent, this.#done),
      checkpoints: [...this.#checkpoints]
        .map(([owner, item]) => [owner, item.id] as const)
        .sort((a, b) => a[0] - b[0]),
      payloads: [...this.#durable.payloads, ...this.#newPayloads].sort((a, b) => a - b),
    };
    this.#note();
    this.#cycle++;
    this.#sent = [];
    this.#done = [];
    this.#newPayloads = [];
    for (const slot of this.#toFree.splice(0)) {
      this.#custody.free(slot);
      this.#held.release(slot);
    }
    this.#note();
  }
}

export interface Successor {
  readonly custody: Custody;
  readonly found: Durable;
  readonly slots: ReadonlyMap<number, { slot: number; bytes: number }>;
}

export function recovered(memory: SharedArrayBuffer, cycle: number): Successor {
  const custody = new Custody(memory);
  // Another thread that only looks sees the same, and changes nothing.
  const seen = new Custody(memory).survey(cycle);
  const { messages, payloads, checkpoints } = custody.recover(cycle);
  expect(seen).toEqual({ messages, payloads, checkpoints, belongings: [], outgoing: [] });
  const slots = new Map<number, { slot: number; bytes: number }>();
  const idOf = (slot: number): number => {
    const bytes = custody.words[slot + SLOT_FRAME];
    const id = custody.words[slot + SLOT_FRAME + 1];
    if (custody.words[slot + SLOT_FRAME + (bytes >>> 2) - 1] !== id) {
      throw new Error(`slot ${slot} is torn`);
    }
    slots.set(id, { slot, bytes });
    return id;
  };
  const found: Durable = {
    messages: messages.map(idOf),
    checkpoints: [...checkpoints]
      .map(([owner, slot]) => [owner, idOf(slot)] as const)
      .sort((a, b) => a[0] - b[0]),
    payloads: payloads.map(idOf).sort((a, b) => a - b),
  };
  return { custody, found, slots };
}

/** Takes all that is left, and checks that it is all there is and touches nothing that survived. */
export function expectWholeFreeLists(
  memory: SharedArrayBuffer,
  cycle: number,
  bytes: number,
): void {
  const { custody, slots } = recovered(memory, cycle);
  const held = new Held(memory);
  for (const { slot, bytes: length } of slots.values()) held.take(slot, length);
  for (;;) {
    const room = held.hasRoom(bytes, true);
    const slot = custody.allocate(bytes, true);
    expect(slot !== FULL).toBe(room);
    if (slot === FULL) break;
    held.take(slot, bytes);
  }
}

export function key(durable: Durable): string {
  return JSON.stringify(durable);
}

/** The contract's answers to a death behind `stores`: before or after the operation that it cut. */
export function allowed(thread: Thread, stores: number): Durable[] {
  const next = thread.history.findIndex(({ upTo }) => upTo >= stores);
  const after = thread.history[next];
  if (after.upTo === stores || next === 0) {
    // Several operations may end here, with no store of their own.
    const same = thread.history.filter(({ upTo }) => upTo === stores);
    return (same.length > 0 ? same.slice(-1) : [after]).map(({ durable }) => durable);
  }
  return [thread.history[next - 1].durable, after.durable];
}
