import { BATCH_BYTES, BATCH_EPOCH_F64, BATCH_SEQUENCE_F64, writeBatchHeader } from "./batch.ts";
import { ringDoorbell, wakeUp } from "./doorbell.ts";
import { CONTROL_WORDS } from "./layout.ts";
import { FULL, Ring, ringBytes } from "./ring.ts";

/** Sizes of the rings between two threads, bytes; powers of two. */
export interface LaneSizes {
  readonly urgentBytes: number;
  readonly bulkBytes: number;
}

/**
 * Lane sizes for a number of threads (main included): 1 MiB of bulk a pair while the whole crossbar stays
 * within 64 MiB, less for many threads; never less than four of the longest frames.
 */
export function laneSizes(threads: number, maxFrameBytes: number): LaneSizes {
  const pairs = threads * (threads - 1);
  const least = Math.max(4096, 1 << (32 - Math.clz32(maxFrameBytes * 4 - 1)));
  let bulkBytes = 1024 * 1024;
  while (bulkBytes > least && pairs * bulkBytes * 1.25 > 64 * 1024 * 1024) bulkBytes >>>= 1;
  bulkBytes = Math.max(bulkBytes, least);
  return { bulkBytes, urgentBytes: Math.max(least, bulkBytes >>> 2) };
}

/** Bytes of shared memory for all lanes between `threads` threads. */
export function lanesBytes(threads: number, sizes: LaneSizes): number {
  return threads * threads * pairBytes(sizes);
}

function pairBytes(sizes: LaneSizes): number {
  return ringBytes(sizes.urgentBytes) + ringBytes(sizes.bulkBytes);
}

/** Signs what is about to be published. A port: the mailbox knows no keys. */
export interface BatchSigner {
  /** The header at `word` of a ring is written, and its `count` frames behind it; they are for thread `target`. */
  sign(ring: Ring, word: number, count: number, target: number, urgent: boolean): void;
}

/** Where a lane leads. */
interface LaneEnd {
  readonly target: number;
  readonly urgent: boolean;
}

/**
 * One direction between two threads at one urgency. What is claimed between two publications is a *batch*:
 * it opens with a header of its own (`batch.ts`), by which the reader notices anything lost.
 */
export class OutLane {
  readonly ring: Ring;
  readonly #source: number;
  readonly #epoch: number;
  readonly #end: LaneEnd;
  #sequence = 0;
  #batch = FULL;
  #count = 0;

  constructor(ring: Ring, source: number, epoch: number, end: LaneEnd) {
    this.ring = ring;
    this.#source = source;
    this.#epoch = epoch;
    this.#end = end;
  }

  /** Reserves a frame of `bytes` in the open batch; its first word in `ring.words`, or FULL. */
  tryClaim(bytes: number): number {
    if (this.#batch === FULL) {
      this.#batch = this.ring.tryClaim(BATCH_BYTES);
      if (this.#batch === FULL) return FULL;
    }
    const word = this.ring.tryClaim(bytes);
    if (word !== FULL) this.#count++;
    return word;
  }

  /** Gives the frame just claimed back. */
  abort(): void {
    this.ring.abort();
    this.#count--;
  }

  /**
   * Closes the open batch, writes its header and has it signed; see {@link Ring.prepare}. False when there is
   * nothing in it: a claim that found room for the header alone, or was given back, leaves it open for the next frame.
   */
  prepare(cycle: number, signer?: BatchSigner): boolean {
    if (this.#count === 0) return false;
    const { words, doubles } = this.ring;
    writeBatchHeader(
      words,
      doubles,
      this.#batch,
      this.#count,
      this.#source,
      this.#epoch,
      ++this.#sequence,
    );
    const { target, urgent } = this.#end;
    signer?.sign(this.ring, this.#batch, this.#count, target, urgent);
    this.ring.prepare(cycle);
    return true;
  }

  /** Makes the prepared batch visible. */
  publish(): void {
    this.#batch = FULL;
    this.#count = 0;
    this.ring.publish();
  }
}

/** The receiving end: the ring, and what it must see next. */
export class InLane {
  readonly ring: Ring;
  /** Lane id in custody: twice the source thread, plus one when urgent. */
  readonly id: number;
  readonly urgent: boolean;
  #epoch = 0;
  #sequence = 0;

  constructor(ring: Ring, id: number) {
    this.ring = ring;
    this.id = id;
    this.urgent = (id & 1) === 1;
  }

  /** Checks the header of a batch; false when a batch before it is missing. */
  onBatch(word: number): boolean {
    const { doubles } = this.ring;
    const epoch = doubles[(word >>> 1) + BATCH_EPOCH_F64];
    const sequence = doubles[(word >>> 1) + BATCH_SEQUENCE_F64];
    const next = epoch === this.#epoch ? this.#sequence + 1 : 1;
    // A reader that has just taken over starts with whatever comes first.
    const whole = sequence === next || this.#epoch === 0;
    this.#epoch = epoch;
    this.#sequence = sequence;
    return whole;
  }
}

/**
 * The crossbar as one thread sees it: an urgent and a bulk lane to and from each other thread, and the
 * doorbells. Data goes from thread to thread directly; main is on no one's path.
 */
export class Lanes {
  /** By target thread; undefined at the thread's own place. */
  readonly urgentTo: readonly (OutLane | undefined)[];
  readonly bulkTo: readonly (OutLane | undefined)[];
  /** Urgent ones first. */
  readonly incoming: readonly InLane[];
  readonly #controls: readonly Int32Array[];
  readonly #out: readonly OutLane[] = [];
  readonly #outThread: readonly number[] = [];
  readonly #prepared: boolean[] = [];
  /** Signs all that this thread publishes; nothing is signed without one. */
  signer: BatchSigner | undefined;

  constructor(
    memory: SharedArrayBuffer,
    control: SharedArrayBuffer,
    thread: number,
    threads: number,
    sizes: LaneSizes,
    epoch: number,
  ) {
    const ring = (from: number, to: number, urgent: boolean): Ring => {
      const offset = (from * threads + to) * pairBytes(sizes);
      return urgent
        ? new Ring(memory, offset, sizes.urgentBytes)
        : new Ring(memory, offset + ringBytes(sizes.urgentBytes), sizes.bulkBytes);
    };
    const others = [...Array(threads).keys()].filter((other) => other !== thread);
    const urgentTo: (OutLane | undefined)[] = Array(threads).fill(undefined);
    const bulkTo: (OutLane | undefined)[] = Array(threads).fill(undefined);
    for (const other of others) {
      const end = (urgent: boolean): LaneEnd => ({ target: other, urgent });
      urgentTo[other] = new OutLane(ring(thread, other, true), thread, epoch, end(true));
      bulkTo[other] = new OutLane(ring(thread, other, false), thread, epoch, end(false));
    }
    this.urgentTo = urgentTo;
    this.bulkTo = bulkTo;
    this.incoming = [
      ...others.map((other) => new InLane(ring(other, thread, true), other * 2 + 1)),
      ...others.map((other) => new InLane(ring(other, thread, false), other * 2)),
    ];
    this.#controls = [...Array(threads).keys()].map((other) => controlOf(control, other));
    this.#out = [...urgentTo, ...bulkTo].filter((lane) => lane !== undefined);
    this.#outThread = [...others, ...others];
    this.#prepared = this.#out.map(() => false);
  }

  /** Writes down what is about to be published; true when there is anything. */
  prepare(cycle: number): boolean {
    let any = false;
    for (let i = 0; i < this.#out.length; i++) {
      this.#prepared[i] = this.#out[i].prepare(cycle, this.signer);
      any ||= this.#prepared[i];
    }
    return any;
  }

  /** Makes the prepared batches visible and wakes who sleeps. */
  publish(): void {
    for (let i = 0; i < this.#out.length; i++) {
      if (!this.#prepared[i]) continue;
      this.#prepared[i] = false;
      this.#out[i].publish();
      ringDoorbell(this.#controls[this.#outThread[i]]);
    }
  }

  /** Wakes every thread: something that all of them look at has changed. */
  wakeAll(): void {
    for (const control of this.#controls) ringDoorbell(control);
  }

  /** Rings for the producer of an incoming lane that waits for room, when there is some. */
  tellOfRoom(lane: InLane): void {
    if (lane.ring.hasRoomToTell()) ringDoorbell(this.#controls[lane.id >>> 1]);
  }

  /** True when nothing is waiting on any incoming lane. */
  get empty(): boolean {
    for (const lane of this.incoming) if (!lane.ring.empty) return false;
    return true;
  }

  /** Continues the outgoing side of a thread that died. */
  recoverProducer(committedCycle: number): void {
    for (let i = 0; i < this.#out.length; i++) {
      this.#out[i].ring.recoverProducer(committedCycle);
      // Also for what the dead one published itself: it may not have come as far as the doorbell, or not through it.
      wakeUp(this.#controls[this.#outThread[i]]);
    }
  }
}

/** The control block of a thread (`layout.ts`). */
export function controlOf(memory: SharedArrayBuffer, thread: number): Int32Array {
  return new Int32Array(memory, thread * CONTROL_WORDS * 4, CONTROL_WORDS);
}

/** The Float64 words of the same block. */
export function controlDoublesOf(memory: SharedArrayBuffer, thread: number): Float64Array {
  return new Float64Array(memory, thread * CONTROL_WORDS * 4, CONTROL_WORDS >>> 1);
}
