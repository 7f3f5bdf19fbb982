import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";
import type { Witness } from "./witness.ts";

/** A numbered message of a stream, which is of one sender to one target at one priority. */
export interface Entry {
  readonly stream: string;
  readonly n: number;
  /** Bookkeepers to pass it on to, each in a stream of its own. */
  readonly pass?: readonly number[];
  /** How long it takes to be booked, ms. */
  readonly takesMs?: number;
}

/** The books: what has been handled, and what has been sent. */
export interface Books {
  /** By stream: the last number and how many there were. */
  readonly handled: Record<string, { last: number; count: number }>;
  /** By target: how many have been sent. */
  readonly sent: Record<string, number>;
  /** Operations that were prepared for and that were acted on, the last ones. */
  readonly prepared: string[];
  readonly acted: string[];
}

/** Operations remembered; more than can be out at a time. */
const REMEMBERED = 16;

/** The stream of what one bookkeeper passes on to another. */
export function streamOf(from: number, to: number): string {
  return `${from}>${to}`;
}

/**
 * An agent of the mesh itself that keeps books of all that it handles, acts on and sends. Its state has a snapshot, so
 * each message must have its effect on the books exactly once, whatever dies: what contradicts them is accused.
 */
export function bookkeeper(witness: Witness): Behavior<Books> {
  return defineAgent<Books, unknown, unknown>({
    capabilities: ["books"],

    init: (): Books => ({ handled: {}, sent: {}, prepared: [], acted: [] }),
    snapshot: (books) => books,
    restore: (books) => books as Books,

    async receive(books, message, ctx) {
      const { self, envelope } = ctx;
      const { sequence, deadlineMs, operation } = envelope;
      witness.turn(self, sequence, deadlineMs);
      if (operation !== undefined) {
        // What only looks may be done twice, also on behalf of another, and is not saved.
        const counts = operation.verb !== "observe";
        if (counts && books.prepared.includes(operation.id))
          witness.accuse("once", `agent ${self} was READY for ${operation.id} and is asked again`);
        await ctx.timers.sleep(2 + ctx.random.next() * 20);
        if (counts) remember(books.prepared, operation.id);
        witness.answered(self, operation.id, 1);
        return ready();
      }
      if (!isEntry(message)) return ready(books.acted.length);
      const { stream, n, pass, takesMs } = message;
      if (takesMs !== undefined) await ctx.timers.sleep(takesMs);
      book(books, stream, n, self, witness);
      const [next, ...rest] = pass ?? [];
      if (next === undefined) return ready(n);
      const to = `${next}`;
      books.sent[to] = (books.sent[to] ?? 0) + 1;
      ctx.tell(next, { stream: streamOf(self, next), n: books.sent[to], pass: rest });
      return ready(n);
    },

    act(books, _message, { self, envelope }) {
      const { operation } = envelope;
      if (operation === undefined || operation.verb === "observe") return;
      if (books.acted.includes(operation.id))
        witness.accuse("once", `agent ${self} acts on ${operation.id} twice`);
      remember(books.acted, operation.id);
      witness.acted(self, operation.id);
    },
  });
}

function book(books: Books, stream: string, n: number, self: number, witness: Witness): void {
  const before = books.handled[stream];
  if (before === undefined) {
    books.handled[stream] = { last: n, count: 1 };
    return;
  }
  if (n === before.last) witness.accuse("once", `agent ${self} handles ${stream} ${n} twice`);
  else if (n < before.last)
    witness.accuse("order", `agent ${self} handles ${stream} ${n} after ${before.last}`);
  before.last = n;
  before.count++;
}

function remember(list: string[], id: string): void {
  list.push(id);
  if (list.length > REMEMBERED) list.shift();
}

function isEntry(message: unknown): message is Entry {
  return typeof message === "object" && message !== null && "stream" in message;
}
