// An at-least-once link over a network that loses, doubles and reorders: the sender keeps a frame until it is
// acknowledged and sends it again when that takes too long, the receiver hands frames out once each and in order.
// Pure: time comes in, frames come in and go out, and whoever owns a link carries them and wakes it when it is due.
//
//   sender  ── frame (epoch, sequence, payload) ──▶  receiver ──▶ payloads, in order, once
//           ◀──────── acknowledgement (epoch, through) ────────

/** What a sender puts on the network. */
export interface LinkFrame<T> {
  /** Incarnation of the sender; its sequences begin anew with 1. */
  readonly epoch: number;
  readonly sequence: number;
  readonly payload: T;
}

/** What a receiver has taken: everything of `epoch` up to and with sequence `through`. */
export interface Acknowledgement {
  readonly epoch: number;
  readonly through: number;
}

/** Bounds of a sender. */
export interface LinkOptions {
  /** Frames that may be unacknowledged at once. Default 64. */
  readonly windowFrames?: number;
  /** Bounds of the time after which a frame is sent again, ms. Default 50 and 10,000. */
  readonly minRetryMs?: number;
  readonly maxRetryMs?: number;
  /** That time before anything has been measured, ms. Default 1,000 (RFC 6298). */
  readonly firstRetryMs?: number;
}

interface Unacknowledged<T> {
  readonly frame: LinkFrame<T>;
  readonly sentMs: number;
  tries: number;
  dueMs: number;
}

/** The sending end. */
export class LinkSender<T> {
  readonly epoch: number;
  readonly #windowFrames: number;
  readonly #minRetryMs: number;
  readonly #maxRetryMs: number;
  readonly #unacknowledged: Unacknowledged<T>[] = [];
  #sequence = 0;
  /** Smoothed round trip and its deviation, ms (Jacobson); NaN before the first. */
  #roundTripMs = Number.NaN;
  #deviationMs = 0;
  #retryMs: number;
  /** Frames sent again. */
  retries = 0;

  constructor(epoch: number, options: LinkOptions = {}) {
    this.epoch = epoch;
    this.#windowFrames = options.windowFrames ?? 64;
    this.#minRetryMs = options.minRetryMs ?? 50;
    this.#maxRetryMs = options.maxRetryMs ?? 10_000;
    this.#retryMs = options.firstRetryMs ?? 1000;
  }

  /** Frames that are not acknowledged. */
  get waiting(): number {
    return this.#unacknowledged.length;
  }

  /** Whether {@link send} has room for one more. */
  get hasRoom(): boolean {
    return this.#unacknowledged.length < this.#windowFrames;
  }

  /** When {@link retry} has something to send; Infinity when nothing waits. */
  get nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#unacknowledged) dueMs = Math.min(dueMs, entry.dueMs);
    return dueMs;
  }

  /** The frame that carries `payload`; undefined when the window is full. */
  send(payload: T, nowMs: number): LinkFrame<T> | undefined {
    if (this.#unacknowledged.length >= this.#windowFrames) return undefined;
    const frame = { epoch: this.epoch, sequence: ++this.#sequence, payload };
    const dueMs = nowMs + this.#retryMs;
    this.#unacknowledged.push({ frame, sentMs: nowMs, tries: 1, dueMs });
    return frame;
  }

  /** Lets go of what has arrived; another epoch's word is not for this sender. */
  acknowledge({ epoch, through }: Acknowledgement, nowMs: number): void {
    if (epoch !== this.epoch) return;
    const waiting = this.#unacknowledged;
    while (waiting.length > 0 && waiting[0].frame.sequence <= through) {
      const { tries, sentMs } = waiting.shift() as Unacknowledged<T>;
      // Of a frame that was sent twice nobody knows which one is acknowledged (Karn).
      if (tries === 1) this.#measure(nowMs - sentMs);
    }
  }

  /** Frames that are due to be sent again; each waits twice as long for its next time. */
  retry(nowMs: number): LinkFrame<T>[] {
    const due: LinkFrame<T>[] = [];
    for (const entry of this.#unacknowledged) {
      if (entry.dueMs > nowMs) continue;
      const waitMs = Math.min(this.#maxRetryMs, this.#retryMs * 2 ** entry.tries++);
      entry.dueMs = nowMs + waitMs;
      this.retries++;
      due.push(entry.frame);
    }
    return due;
  }

  /** Gives up what waits. */
  abandon(): void {
    this.#unacknowledged.length = 0;
  }

  #measure(roundTripMs: number): void {
    if (Number.isNaN(this.#roundTripMs)) {
      this.#roundTripMs = roundTripMs;
      this.#deviationMs = roundTripMs / 2;
    } else {
      const error = roundTripMs - this.#roundTripMs;
      this.#deviationMs += (Math.abs(error) - this.#deviationMs) / 4;
      this.#roundTripMs += error / 8;
    }
    const retryMs = this.#roundTripMs + 4 * this.#deviationMs;
    this.#retryMs = Math.min(this.#maxRetryMs, Math.max(this.#minRetryMs, retryMs));
  }
}

/** Frames that have come before one that has not: held back until it has. Further ones must come again. */
const HOLD_BACK = 64;

/** The receiving end. */
export class LinkReceiver<T> {
  readonly #held = new Map<number, T>();
  #epoch = 0;
  #through = 0;
  /** Frames that had been taken before. */
  duplicates = 0;

  /** Takes a frame; returns the payloads whose turn has come, in the order in which they were sent. */
  take({ epoch, sequence, payload }: LinkFrame<T>): T[] {
    // What an older incarnation sent is history; a newer one begins anew.
    if (epoch < this.#epoch) return [];
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#through = 0;
      this.#held.clear();
    }
    if (sequence <= this.#through || this.#held.has(sequence)) {
      this.duplicates++;
      return [];
    }
    if (sequence > this.#through + HOLD_BACK) return [];
    this.#held.set(sequence, payload);
    const ready: T[] = [];
    for (let next = this.#through + 1; this.#held.has(next); next++) {
      ready.push(this.#held.get(next) as T);
      this.#held.delete(next);
      this.#through = next;
    }
    return ready;
  }

  /** What to tell the sender after each frame, also one that had been taken before: its word may have been lost. */
  get acknowledgement(): Acknowledgement {
    return { epoch: this.#epoch, through: this.#through };
  }
}

/**
 * What has been done, by id, of the last so many: for effects that must happen once though the sender is another
 * incarnation, which cannot know what its predecessor has sent.
 */
export class DoneIds {
  readonly #kept: number;
  /** A ring once it is as long as it may be. */
  #ids: Float64Array = new Float64Array(16);
  #used = 0;
  #next = 0;

  /** `kept` ids are remembered; it must cover all that can come before one comes again. */
  constructor(kept = 64) {
    this.#kept = kept;
  }

  has(id: number): boolean {
    const at = this.#ids.indexOf(id);
    return at >= 0 && at < this.#used;
  }

  add(id: number): void {
    if (this.#next === this.#ids.length && this.#next < this.#kept) {
      const larger = new Float64Array(Math.min(this.#kept, this.#ids.length * 2));
      larger.set(this.#ids);
      this.#ids = larger;
    }
    if (this.#next >= Math.min(this.#kept, this.#ids.length)) this.#next = 0;
    this.#ids[this.#next++] = id;
    this.#used = Math.max(this.#used, this.#next);
  }
}
