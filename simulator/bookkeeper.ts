import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext, OperationEnvelope } from "../actors/context.ts";
import type { ActorRef } from "../actors/ref.ts";
import { type Ready, ready } from "../actors/result.ts";
import type { Witness } from "./witness.ts";

/** A numbered message of a stream, which is of one sender to one target at one priority. */
export interface Entry {
  readonly stream: string;
  readonly n: number;
  /** Bookkeepers to pass it on to, each in a stream of its own. Not of what takes time. */
  readonly pass?: readonly number[];
  /** How long it takes to be booked, ms. */
  readonly takesMs?: number;
}

/** The books: what has been handled, and what has been sent. */
export interface Books {
  /** By stream: the last number and how many there were. */
  readonly handled: Map<string, { last: number; count: number }>;
  /** By target: how many have been sent. */
  readonly sent: Map<number, number>;
  /** Operations that were prepared for and that were acted on, the last ones. */
  readonly prepared: string[];
  readonly acted: string[];
}

/** Operations remembered; more than can be out at a time. */
const REMEMBERED = 16;

/** Lists only: what has keys of its own would be a shape of its own for each agent. */
type Snapshot = readonly [
  handled: readonly (string | number)[],
  sent: readonly number[],
  prepared: readonly string[],
  acted: readonly string[],
];

function snapshot({ handled, sent, prepared, acted }: Books): Snapshot {
  const lines: (string | number)[] = [];
  for (const [stream, { last, count }] of handled) lines.push(stream, last, count);
  const targets: number[] = [];
  for (const [to, count] of sent) targets.push(to, count);
  return [lines, targets, prepared, acted];
}

function restore(saved: unknown): Books {
  const [lines, targets, prepared, acted] = saved as Snapshot;
  const books: Books = {
    handled: new Map(),
    sent: new Map(),
    prepared: [...prepared],
    acted: [...acted],
  };
  for (let i = 0; i < lines.length; i += 3) {
    const [stream, last, count] = lines.slice(i, i + 3) as [string, number, number];
    books.handled.set(stream, { last, count });
  }
  for (let i = 0; i < targets.length; i += 2) books.sent.set(targets[i], targets[i + 1]);
  return books;
}

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

    init: (): Books => ({ handled: new Map(), sent: new Map(), prepared: [], acted: [] }),
    snapshot,
    restore,

    // Not async: what a turn sends is only then one with its completion, and cannot be sent again after a death.
    receive(books, message, ctx) {
      const { self, envelope } = ctx;
      witness.turn(self, envelope.sequence, envelope.deadlineMs);
      if (envelope.operation !== undefined) return prepare(books, envelope.operation, ctx, witness);
      if (!isEntry(message)) return ready(books.acted.length);
      const { takesMs, n } = message;
      const booked = (): Ready<number> => {
        book(books, message, self, witness);
        passOn(books, message, ctx);
        return ready(n);
      };
      return takesMs === undefined ? booked() : ctx.timers.sleep(takesMs).then(booked);
    },

    act(books, _message, { self, envelope }) {
      const { operation } = envelope;
      if (operation === undefined || operation.verb === "observe") return;
      if (books.acted.includes(operation.id))
        witness.accuse("once", `agent ${self} acts on ${operation.id} twice`);
      remember(books.acted, operation.id);
      witness.acted(self);
    },
  });
}

/** Takes its time to be READY. */
async function prepare(
  books: Books,
  { id, verb }: OperationEnvelope,
  ctx: ActorContext,
  witness: Witness,
): Promise<Ready<undefined>> {
  // What only looks may be done twice, also on behalf of another, and is not saved.
  const counts = verb !== "observe";
  if (counts && books.prepared.includes(id))
    witness.accuse("once", `agent ${ctx.self} was READY for ${id} and is asked again`);
  await ctx.timers.sleep(2 + ctx.random.next() * 20);
  if (counts) remember(books.prepared, id);
  witness.answered(ctx.self, id, 1);
  return ready();
}

function passOn(books: Books, { pass = [] }: Entry, ctx: ActorContext): void {
  const [next, ...rest] = pass;
  if (next === undefined) return;
  const n = (books.sent.get(next) ?? 0) + 1;
  books.sent.set(next, n);
  ctx.tell(next as ActorRef, { stream: streamOf(ctx.self, next), n, pass: rest });
}

function book(books: Books, { stream, n }: Entry, self: number, witness: Witness): void {
  const before = books.handled.get(stream);
  if (before === undefined) {
    books.handled.set(stream, { last: n, count: 1 });
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
