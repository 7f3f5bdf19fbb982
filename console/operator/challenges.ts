/** Challenges and invitations: random words that are good once, for one thing, and not for long. */
import { randomBytes } from "node:crypto";

/** Open at once; the oldest is forgotten for a new one. */
const MAX_OPEN = 1_024;
/** Of whoever asks; so nobody who asks on and on takes away what others were given. */
const MAX_OF_ONE = 16;

interface Open<T> {
  readonly what: T;
  readonly untilMs: number;
  readonly by: string;
}

/** Words of one kind. Time is an argument, ms of any clock that does not go back. */
export class Challenges<T> {
  readonly #goodMs: number;
  /** By word, oldest first. */
  readonly #open = new Map<string, Open<T>>();

  /** `goodMs`: how long a word is good. */
  constructor(goodMs: number) {
    this.#goodMs = goodMs;
  }

  /** A word of 256 random bits for this, as base64url. `by`: whoever asks. */
  issue(what: T, by: string, nowMs: number): string {
    const own = [...this.#open].filter(([, open]) => open.by === by).map(([word]) => word);
    const oldest = own.length >= MAX_OF_ONE ? own[0] : this.#open.keys().next().value;
    if (own.length >= MAX_OF_ONE || this.#open.size >= MAX_OPEN) this.#open.delete(oldest ?? "");
    const word = randomBytes(32).toString("base64url");
    this.#open.set(word, { what, by, untilMs: nowMs + this.#goodMs });
    return word;
  }

  /** Uses a word up; undefined when it was not given here, was used, or is too old. */
  take(word: string, nowMs: number): T | undefined {
    const open = this.#open.get(word);
    this.#open.delete(word);
    return open === undefined || nowMs >= open.untilMs ? undefined : open.what;
  }

  /** What a word is for, without using it up. */
  peek(word: string, nowMs: number): T | undefined {
    const open = this.#open.get(word);
    return open === undefined || nowMs >= open.untilMs ? undefined : open.what;
  }
}
