/**
 * The link to one other node: what is to be said goes out in frames, is kept until that node has it, and comes out
 * there once and in order. Pure. Both clocks are compared by exchanges only: nothing is taken in before the offset
 * between them is known.
 */
import { ClockOffset, type ClockReading } from "../coordination/clock-offset.ts";
import { type Acknowledgement, type LinkFrame, LinkReceiver, LinkSender } from "./link.ts";

/** Messages in one frame, at most. */
export const FRAME_MESSAGES = 256;
/** How often the other clock is asked, ms. */
const PING_MS = 1_000;
/** A first ping that was not answered is sent again after this time, ms. */
const FIRST_PING_MS = 100;

/** What goes over a link. Times are ms of the clock of whoever wrote them. */
export type LinkWord =
  | { readonly kind: "frame"; readonly frame: LinkFrame<readonly unknown[]> }
  | { readonly kind: "ack"; readonly ack: Acknowledgement }
  | { readonly kind: "ping"; readonly t0Ms: number }
  | { readonly kind: "pong"; readonly t0Ms: number; readonly t1Ms: number; readonly t2Ms: number };

/** One node's end. */
export class NodeLink {
  readonly #sender = new LinkSender<readonly unknown[]>(1, { firstRetryMs: 250 });
  readonly #receiver = new LinkReceiver<readonly unknown[]>();
  readonly #clock = new ClockOffset();
  #pingAtMs = 0;

  /** What is known of the other clock; undefined before the first exchange. */
  get clock(): ClockReading | undefined {
    return this.#clock.reading;
  }

  /** Frames that are not acknowledged. */
  get waiting(): number {
    return this.#sender.waiting;
  }

  /** Frames that were sent again. */
  get retries(): number {
    return this.#sender.retries;
  }

  /** What is due: pings, and frames once more. */
  tick(nowMs: number): LinkWord[] {
    const words: LinkWord[] = [];
    if (nowMs >= this.#pingAtMs) {
      this.#pingAtMs = nowMs + (this.#clock.reading === undefined ? FIRST_PING_MS : PING_MS);
      words.push({ kind: "ping", t0Ms: nowMs });
    }
    for (const frame of this.#sender.retry(nowMs)) words.push({ kind: "frame", frame });
    return words;
  }

  /** Frames of what `next` gives, as long as it gives something and the window has room. */
  pump(nowMs: number, next: () => readonly unknown[]): LinkWord[] {
    const words: LinkWord[] = [];
    while (this.#sender.hasRoom) {
      const messages = next();
      if (messages.length === 0) break;
      const frame = this.#sender.send(messages, nowMs) as LinkFrame<readonly unknown[]>;
      words.push({ kind: "frame", frame });
    }
    return words;
  }

  /** Takes a word of the other end; what is to be said at once, and what has come, in order. */
  take(word: LinkWord, nowMs: number): { words: LinkWord[]; messages: readonly unknown[] } {
    switch (word.kind) {
      case "ping":
        return {
          words: [{ kind: "pong", t0Ms: word.t0Ms, t1Ms: nowMs, t2Ms: nowMs }],
          messages: [],
        };
      case "pong":
        this.#clock.observe(word.t0Ms, word.t1Ms, word.t2Ms, nowMs);
        return { words: [], messages: [] };
      case "ack":
        this.#sender.acknowledge(word.ack, nowMs);
        return { words: [], messages: [] };
      case "frame": {
        // It comes again, and by then the times in it can be read.
        if (this.#clock.reading === undefined) return { words: [], messages: [] };
        const messages = this.#receiver.take(word.frame).flat();
        return { words: [{ kind: "ack", ack: this.#receiver.acknowledgement }], messages };
      }
      default:
        word satisfies never;
        return { words: [], messages: [] };
    }
  }
}
