import type { DeadLetter } from "../runtime/api/mesh-api.ts";
import type { Books, Entry } from "./bookkeeper.ts";
import type { Witness } from "./witness.ts";

interface Account {
  /** Numbers given out. */
  given: number;
  /** Messages that the mesh has taken responsibility for. */
  acknowledged: number;
  /** Of these, those of which it has said that nobody will handle them. */
  dead: number;
}

/** The stream of what comes from outside to a bookkeeper at a priority. */
function streamFromOutside(to: number, priority: number): string {
  return `outside/${priority}>${to}`;
}

/** What was sent to bookkeepers, kept outside of the mesh: at the end their books must agree with it. */
export class Accounts {
  readonly #accounts = new Map<string, Account>();
  /** Numbered messages seen as dead letters, of streams between bookkeepers. */
  readonly #deadBetween = new Map<string, number>();

  /** The next message of the stream from outside to `to`. */
  next(to: number, priority: number, pass: readonly number[], takesMs: number | undefined): Entry {
    const stream = streamFromOutside(to, priority);
    const account = this.#accountOf(stream);
    return {
      stream,
      n: ++account.given,
      ...(pass.length > 0 && { pass }),
      ...(takesMs !== undefined && { takesMs }),
    };
  }

  /** The mesh has taken the message over. */
  acknowledged(to: number, priority: number): void {
    this.#accountOf(streamFromOutside(to, priority)).acknowledged++;
  }

  /** The mesh has said that nobody will handle a message. */
  dead(letter: DeadLetter): void {
    const { message } = letter;
    if (typeof message !== "object" || message === null || !("stream" in message)) return;
    const { stream } = message as Entry;
    const account = this.#accounts.get(stream);
    if (account !== undefined) account.dead++;
    else this.#deadBetween.set(stream, (this.#deadBetween.get(stream) ?? 0) + 1);
  }

  /** Compares with the books at rest; of `unlisted` dead letters only the number is known. */
  audit(books: ReadonlyMap<number, Books>, unlisted: number, witness: Witness): void {
    let missing = 0;
    let example = "";
    const miss = (stream: string, expected: number, handled: number, dead: number): void => {
      const lost = expected - handled - dead;
      if (lost < 0)
        witness.accuse("once", `${stream}: ${handled} handled and ${dead} dead of ${expected}`);
      if (lost <= 0) return;
      missing += lost;
      example ||= `${stream}: ${expected} sent, ${handled} handled, ${dead} dead letters`;
    };
    for (const [stream, { acknowledged, dead }] of this.#accounts) {
      const to = Number(stream.slice(stream.indexOf(">") + 1));
      miss(stream, acknowledged, books.get(to)?.handled.get(stream)?.count ?? 0, dead);
    }
    for (const [from, { sent }] of books) {
      for (const [to, count] of sent) {
        const stream = `${from}>${to}`;
        const handled = books.get(to)?.handled.get(stream)?.count ?? 0;
        miss(stream, count, handled, this.#deadBetween.get(stream) ?? 0);
      }
    }
    if (missing > unlisted) witness.accuse("lost", `${missing} messages, such as of ${example}`);
  }

  #accountOf(stream: string): Account {
    let account = this.#accounts.get(stream);
    if (account === undefined) {
      account = { given: 0, acknowledged: 0, dead: 0 };
      this.#accounts.set(stream, account);
    }
    return account;
  }
}
