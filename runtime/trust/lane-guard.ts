import {
  BATCH_BYTES,
  BATCH_COUNT,
  BATCH_EPOCH_F64,
  BATCH_ROOT,
  BATCH_ROOT_BYTES,
  BATCH_SEQUENCE_F64,
  BATCH_SIGNATURE,
  BATCH_SIGNATURE_BYTES,
  BATCH_SOURCE,
} from "../../mailbox/batch.ts";
import {
  FRAME_LENGTH,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
} from "../../mailbox/frame.ts";
import type { InLane } from "../../mailbox/lanes.ts";
import {
  CELL_BYTES,
  CELL_WORDS,
  RING_CELLS,
  RING_SEEN_EPOCH_F64,
  RING_SEEN_SEQUENCE_F64,
} from "../../mailbox/layout.ts";
import type { FrameMemory, Ring } from "../../mailbox/ring.ts";
import { HashTree, leafHash } from "../../trust/hash-tree.ts";
import { SignedBatch } from "../../trust/signed-batch.ts";
import { VerificationBudget } from "../../trust/verification-budget.ts";
import { EvidenceTap } from "./evidence-tap.ts";
import { SessionKeys } from "./session-keys.ts";
import {
  COUNT_REFUSED,
  COUNT_VERIFIED,
  REFUSALS,
  type Refusal,
  TRUST_COUNT_WORDS,
  type TrustMemory,
  type TrustPlan,
} from "./trust-plan.ts";

const BATCH_CELLS = BATCH_BYTES / CELL_BYTES;
/**
 * What a peer that has its keys and its memory to itself never does; the others an honest one may have to answer for.
 */
const FAILURES: ReadonlySet<Refusal> = new Set<Refusal>([
  "form",
  "source",
  "certificate",
  "replay",
  "signature",
  "moved",
]);
/** Room before each frame of the copy, bytes: the last of them is the first byte of what a leaf hashes. */
const BEFORE_BYTES = 8;

/** Takes verified frames; what {@link LaneGuard} hands on. */
export interface GuardedReader {
  /** As in `FrameReader`, of the copy. */
  onVerified(memory: FrameMemory, word: number, end: number): boolean;
  /** The same of a message that is signed, and whose sender may not send it: it ends here. */
  onUntrusted(memory: FrameMemory, word: number, end: number): boolean;
  onRefused(refusal: Refusal, frames: number): void;
  /** A batch before this one did not come. */
  onGap(): void;
}

/**
 * Lets nothing from a lane into its thread that the sending thread's session did not sign. A batch is copied out of
 * shared memory first, and what was verified is the copy: whoever writes to the ring meanwhile, or later, changes
 * nothing that is delivered. The ring keeps the batch until the last of it is taken, so that a successor of this thread
 * can verify it again.
 */
export class LaneGuard {
  readonly #lane: InLane;
  readonly #self: number;
  readonly #source: number;
  readonly #keys: SessionKeys;
  readonly #memory: TrustMemory;
  readonly #placement: Uint8Array;
  readonly #tap: EvidenceTap;
  readonly #tree = new HashTree();
  readonly #signed: SignedBatch;
  readonly #budget = new VerificationBudget();
  readonly #header = new Uint8Array(BATCH_BYTES);
  readonly #head = { words: new Int32Array(0), doubles: new Float64Array(0) };
  #copy = frameMemory(64 * 1024);
  /** Words of the copied frames, and where each ended in the ring. */
  #words = new Int32Array(256);
  #ends = new Int32Array(256);
  #count = 0;
  #taken = 0;
  /** No batch is open: what comes is of the one that was refused last, this many frames, or of none. */
  #refusing = true;
  #toSkip = 0;
  #epoch: number;
  #sequence: number;
  #nowMs = 0;

  /** `placement`: thread of each row, a copy of this thread's own. */
  constructor(
    plan: TrustPlan,
    memory: TrustMemory,
    lane: InLane,
    self: number,
    placement: Uint8Array,
  ) {
    this.#lane = lane;
    this.#self = self;
    this.#source = lane.id >>> 1;
    this.#memory = memory;
    this.#placement = placement;
    this.#tap = new EvidenceTap(plan.tap);
    this.#keys = new SessionKeys(plan, memory, this.#source);
    this.#signed = new SignedBatch(plan.meshId);
    this.#head.words = new Int32Array(this.#header.buffer);
    this.#head.doubles = new Float64Array(this.#header.buffer);
    this.#epoch = lane.ring.doubles[RING_SEEN_EPOCH_F64];
    this.#sequence = lane.ring.doubles[RING_SEEN_SEQUENCE_F64];
  }

  /**
   * What `FrameReader.onFrame` is for a lane that is guarded. A batch of a peer whose batches have failed too often
   * stays on the lane, for a while.
   */
  onFrame(word: number, end: number, nowMs: number, reader: GuardedReader): boolean {
    const { ring } = this.#lane;
    this.#nowMs = nowMs;
    if ((ring.words[word + FRAME_TYPE] & 0xff) === FrameKind.BATCH) {
      if (this.#budget.state(nowMs) === "slowed") return false;
      if (this.#taken < this.#count) this.#refuse("moved", this.#count - this.#taken, reader);
      this.#open(word, (end - BATCH_CELLS) | 0, nowMs, reader, false);
      return true;
    }
    if (this.#refusing) {
      // Counted with its batch, or a frame that has none.
      if (this.#toSkip > 0) this.#toSkip--;
      else this.#report("form", 1, reader);
      return true;
    }
    if (this.#taken === this.#count) {
      // A frame behind the last of its batch: nobody signed it.
      this.#refuse("form", 1, reader);
      return true;
    }
    if (this.#ends[this.#taken] !== end) {
      this.#refuse("moved", this.#count - this.#taken, reader);
      if (this.#toSkip > 0) this.#toSkip--;
      return true;
    }
    const at = this.#words[this.#taken];
    const refusal = this.#refusalOf(at);
    if (refusal !== undefined) {
      if (!reader.onUntrusted(this.#copy, at, end)) return false;
      this.#report(refusal, 1, reader);
    } else if (!reader.onVerified(this.#copy, at, end)) return false;
    this.#taken++;
    return true;
  }

  /**
   * Goes on where a predecessor got to, `accepted`: the batch of which it took a part is verified once more. Called
   * before the ring is told, on the ring as it was found.
   */
  resume(accepted: number, nowMs: number, reader: GuardedReader): void {
    const { ring } = this.#lane;
    let header = -1;
    let at = 0;
    let taken = 0;
    ring.visit(accepted, (word, position) => {
      taken++;
      if ((ring.words[word + FRAME_TYPE] & 0xff) !== FrameKind.BATCH) return;
      header = word;
      at = position;
      taken = 0;
    });
    if (header < 0) return;
    this.#nowMs = nowMs;
    this.#open(header, at, nowMs, reader, true);
    this.#taken = Math.min(taken, this.#count);
  }

  /** Gives a batch back of which all is taken. Called after each drain: the ring has been told of its last frame. */
  settle(): void {
    if (!this.#isTaken) return;
    const { ring } = this.#lane;
    this.#close();
    ring.release(ring.accepted);
  }

  get #isTaken(): boolean {
    return this.#count > 0 && this.#taken === this.#count;
  }

  /**
   * Only now does a successor take the batch for seen: had this thread died before, it would have had to come again,
   * for the ring is told of a frame after it was handed on.
   */
  #close(): void {
    const { ring } = this.#lane;
    // The sequence first: of a thread that dies in between, the old epoch lets the next batch of the new one in.
    ring.doubles[RING_SEEN_SEQUENCE_F64] = this.#sequence;
    ring.doubles[RING_SEEN_EPOCH_F64] = this.#epoch;
    this.#count = 0;
    this.#taken = 0;
    ring.letGo();
  }

  #open(
    word: number,
    position: number,
    nowMs: number,
    reader: GuardedReader,
    again: boolean,
  ): void {
    const { ring } = this.#lane;
    if (this.#isTaken) this.#close();
    this.#count = 0;
    this.#taken = 0;
    ring.letGo();
    const isRefused = this.#budget.state(nowMs) === "refused";
    const refusal =
      this.#copyOut(word, position) ?? (isRefused ? "throttled" : this.#verify(nowMs, again));
    if (refusal !== undefined) {
      this.#refuse(refusal, Math.max(1, this.#count), reader);
      return;
    }
    const epoch = this.#head.doubles[BATCH_EPOCH_F64];
    const sequence = this.#head.doubles[BATCH_SEQUENCE_F64];
    const next = epoch === this.#epoch ? this.#sequence + 1 : 1;
    if (!again && this.#epoch !== 0 && sequence !== next) reader.onGap();
    this.#epoch = epoch;
    this.#sequence = sequence;
    this.#refusing = false;
    this.#budget.succeeded();
    ring.hold(position);
    const wanted = this.#tap.wanted;
    if (wanted >= 0) this.#testify(wanted);
    this.#memory.counts[this.#self * TRUST_COUNT_WORDS + COUNT_VERIFIED]++;
  }

  /** Leaves the first message of the batch that is from or to `row`, with its proof. */
  #testify(row: number): void {
    const { words, bytes } = this.#copy;
    for (let index = 0; index < this.#count; index++) {
      const at = this.#words[index];
      const kind = words[at + FRAME_TYPE] & 0xff;
      if (kind !== FrameKind.TELL && kind !== FrameKind.ASK) continue;
      if (words[at + FRAME_SOURCE] !== row && words[at + FRAME_TARGET] !== row) continue;
      this.#tap.leave({
        thread: this.#source,
        index,
        target: this.#self,
        urgent: this.#lane.urgent,
        header: this.#header,
        frame: bytes.subarray(at * 4, at * 4 + words[at + FRAME_LENGTH]),
        levels: this.#tree.proof(index),
      });
      return;
    }
  }

  /** Copies a batch out of the ring; nothing of the ring is looked at again. */
  #copyOut(word: number, position: number): Refusal | undefined {
    const { ring } = this.#lane;
    this.#header.set(ring.bytes.subarray(word * 4, word * 4 + BATCH_BYTES));
    const count = this.#head.words[BATCH_COUNT];
    const cells = ring.capacityBytes / CELL_BYTES;
    // Whoever has the ring's memory has its tail too: there cannot be more than the ring holds.
    const published = Math.min(cells, (ring.tail - position) | 0);
    if (this.#head.words[FRAME_LENGTH] !== BATCH_BYTES) return "form";
    if (count < 1 || count > published - BATCH_CELLS) return "form";
    if (this.#words.length < count) {
      this.#words = new Int32Array(count * 2);
      this.#ends = new Int32Array(count * 2);
    }
    let used = BATCH_CELLS;
    let to = 0;
    for (let i = 0; i < count; ) {
      const at = RING_CELLS + ((position + used) & (cells - 1)) * CELL_WORDS;
      const length = ring.words[at + FRAME_LENGTH];
      const isPadding = (ring.words[at + FRAME_TYPE] & 0xff) === FrameKind.PADDING;
      const taken = (length + CELL_BYTES - 1) >>> 6;
      const left = cells - ((position + used) & (cells - 1));
      if (length < CELL_BYTES || taken > left || used + taken > published) return "form";
      used += taken;
      if (isPadding) continue;
      to = this.#copyFrame(ring, at, length, to);
      this.#words[i] = (to - rounded(length)) >>> 2;
      this.#ends[i++] = (position + used) | 0;
    }
    this.#count = count;
    return undefined;
  }

  /** Copies one frame behind `to` of the copy; where it ends there, bytes. */
  #copyFrame(ring: Ring, at: number, length: number, to: number): number {
    const from = to + BEFORE_BYTES;
    const end = from + rounded(length);
    if (end > this.#copy.bytes.length) {
      const larger = frameMemory(Math.max(end, this.#copy.bytes.length * 2));
      larger.bytes.set(this.#copy.bytes);
      this.#copy = larger;
    }
    this.#copy.bytes.set(ring.bytes.subarray(at * 4, at * 4 + length), from);
    // The length was read before: it may be another by now, and it is what frames are read by.
    this.#copy.words[(from >>> 2) + FRAME_LENGTH] = length;
    return end;
  }

  #verify(nowMs: number, again: boolean): Refusal | undefined {
    const { words, doubles } = this.#head;
    const epoch = doubles[BATCH_EPOCH_F64];
    const sequence = doubles[BATCH_SEQUENCE_F64];
    if (words[BATCH_SOURCE] !== this.#source) return "source";
    if (!(Number.isSafeInteger(epoch) && Number.isSafeInteger(sequence) && sequence > 0))
      return "form";
    if (epoch < this.#epoch) return "epoch";
    const session = this.#keys.find(words[FRAME_TYPE] >>> 16, epoch, nowMs);
    if (typeof session === "string") return session;
    const last = epoch === this.#epoch ? this.#sequence : 0;
    if (sequence <= last && !(again && sequence === last)) return "replay";
    this.#tree.clear();
    for (let i = 0; i < this.#count; i++) {
      const from = this.#words[i] * 4;
      const length = this.#copy.words[this.#words[i] + FRAME_LENGTH];
      this.#tree.add(leafHash(this.#copy.bytes.subarray(from - 1, from + length)));
    }
    const root = this.#header.subarray(BATCH_ROOT * 4, BATCH_ROOT * 4 + BATCH_ROOT_BYTES);
    if (Buffer.compare(this.#tree.root(), root) !== 0) return "signature";
    const from = BATCH_SIGNATURE * 4;
    const signature = this.#header.subarray(from, from + BATCH_SIGNATURE_BYTES);
    const signed = this.#signed.of(this.#header, this.#self, this.#lane.urgent);
    return session.verifier.verify(signed, signature) ? undefined : "signature";
  }

  /** Whether the frame's sender may speak by this lane. Main keeps the identities: it speaks for all. */
  #refusalOf(at: number): Refusal | undefined {
    const { words } = this.#copy;
    const kind = words[at + FRAME_TYPE] & 0xff;
    if (kind !== FrameKind.TELL && kind !== FrameKind.ASK) return undefined;
    const sender = words[at + FRAME_SOURCE];
    if (sender < 0) return this.#source === 0 ? undefined : "not-delegated";
    if (this.#source !== 0 && this.#placement[sender] !== this.#source) return "not-delegated";
    return this.#memory.isRevoked(sender) ? "revoked" : undefined;
  }

  #refuse(refusal: Refusal, frames: number, reader: GuardedReader): void {
    this.#lane.ring.letGo();
    this.#refusing = true;
    this.#toSkip = refusal === "form" ? 0 : frames;
    this.#count = 0;
    this.#taken = 0;
    if (FAILURES.has(refusal)) this.#budget.failed(this.#nowMs);
    this.#report(refusal, frames, reader);
  }

  #report(refusal: Refusal, frames: number, reader: GuardedReader): void {
    const place = COUNT_REFUSED + REFUSALS.indexOf(refusal);
    this.#memory.counts[this.#self * TRUST_COUNT_WORDS + place]++;
    reader.onRefused(refusal, frames);
  }
}

function rounded(length: number): number {
  return (length + 7) & ~7;
}

function frameMemory(byteLength: number): FrameMemory {
  const buffer = new ArrayBuffer(rounded(byteLength));
  return {
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}
