import { addressOf } from "../../coordination/address.ts";
import type { Topology } from "../../coordination/topology.ts";
import { FRAME_SOURCE, FRAME_TARGET, FRAME_TYPE, framePriority } from "../../mailbox/frame.ts";
import type { DeadLetter, DeadLetterReason, DeadLetters } from "../api/mesh-api.ts";
import { DEAD_LETTER_REASONS } from "../dispatch/dead-letter-code.ts";

/** Letters kept for listing and replay; older ones are only counted. */
const KEPT = 10_000;
/** Length of a window of the summary, ms. */
const WINDOW_MS = 60_000;

type Counts = Record<DeadLetterReason, number>;

function noCounts(): Counts {
  return Object.fromEntries(DEAD_LETTER_REASONS.map((reason) => [reason, 0])) as Counts;
}

/** What dead letters need of their mesh. */
export interface DeadLetterHost {
  readonly topology: Topology;
  nowMs(): number;
  /** Sends the message again; true when it was accepted. */
  resend(letter: DeadLetter): Promise<boolean>;
  onLetter(letter: DeadLetter): void;
  /** One line a window that had any. */
  onWindow(counts: Readonly<Partial<Counts>>, windowMs: number): void;
}

/** The messages that nobody will handle, with the reason: the last ones whole, all of them counted. */
export class DeadLetterOffice implements DeadLetters {
  readonly #host: DeadLetterHost;
  #letters: DeadLetter[] = [];
  #total: Counts = noCounts();
  #window: Counts = noCounts();
  #windowSinceMs: number;
  #nextId = 1;

  constructor(host: DeadLetterHost) {
    this.#host = host;
    this.#windowSinceMs = host.nowMs();
  }

  /** Takes a DEAD_LETTER frame; see `Outbox` for its fields. */
  receive(words: Int32Array, doubles: Float64Array, word: number, message: unknown): void {
    const { topology } = this.#host;
    const at = word >>> 1;
    const code = doubles[at + 2] % 16;
    const unlisted = Math.floor(doubles[at + 2] / 16);
    const reason = DEAD_LETTER_REASONS[code] ?? "undecodable";
    const source = words[word + FRAME_SOURCE];
    this.#count(reason, 1 + unlisted);
    const letter: DeadLetter = {
      id: this.#nextId++,
      atMs: doubles[at + 5],
      reason,
      target: addressOf(topology, words[word + FRAME_TARGET]),
      sender:
        source < 0 || source === topology.orchestrator ? undefined : addressOf(topology, source),
      sequence: doubles[at + 3],
      priority: framePriority(words[word + FRAME_TYPE]),
      message,
    };
    this.#letters.push(letter);
    // Trimmed in large steps, so that a flood does not move the whole list for each letter.
    if (this.#letters.length > KEPT * 1.25) this.#letters = this.#letters.slice(-KEPT);
    this.#host.onLetter(letter);
  }

  /** Closes the window when its time is over; called by main's timer. */
  tick(): void {
    const nowMs = this.#host.nowMs();
    if (nowMs - this.#windowSinceMs < WINDOW_MS) return;
    const counts = Object.fromEntries(
      Object.entries(this.#window).filter(([, count]) => count > 0),
    );
    if (Object.keys(counts).length > 0) this.#host.onWindow(counts, nowMs - this.#windowSinceMs);
    this.#window = noCounts();
    this.#windowSinceMs = nowMs;
  }

  list(
    options: { reason?: DeadLetterReason; target?: string; limit?: number } = {},
  ): readonly DeadLetter[] {
    const { reason, target, limit = 100 } = options;
    return this.#letters
      .filter(
        (letter) =>
          (reason === undefined || letter.reason === reason) &&
          (target === undefined || letter.target === target),
      )
      .slice(-limit)
      .reverse();
  }

  summary(): ReturnType<DeadLetters["summary"]> {
    return {
      total: { ...this.#total },
      window: { ...this.#window },
      windowMs: this.#host.nowMs() - this.#windowSinceMs,
    };
  }

  async replay(id: number): Promise<boolean> {
    const place = this.#letters.findIndex((letter) => letter.id === id);
    if (place < 0) return false;
    const accepted = await this.#host.resend(this.#letters[place]);
    if (accepted) this.#letters = this.#letters.filter((letter) => letter.id !== id);
    return accepted;
  }

  #count(reason: DeadLetterReason, count: number): void {
    this.#total[reason] += count;
    this.#window[reason] += count;
  }
}
