// Agents that keep books over every message in a state that outlives the process.
//
//   { from, id, to?, each? }  a counted message: `id` counts from 0 for each `from`. With `to`, the agent sends
//                             counted, durable messages on, as many as `each` says, to that agent.
//   { do: "operation" }       notes the operation by its id
//   { do: "books" }           answers with the books
import { defineAgent, ready } from "../dist/index.js";

/** Notes a counted message: what came out of order, left a gap, or came twice. */
function note(books, { from, id }) {
  const next = books.next[from] ?? 0;
  if (id < next) books.twice++;
  else if (id > next) books.gaps++;
  books.next[from] = Math.max(next, id + 1);
}

function forward(books, { to, each = 1 }, ctx) {
  for (let i = 0; i < each; i++) {
    const id = books.sent[to] ?? 0;
    ctx.tell(to, { from: ctx.self, id }, { durable: true });
    books.sent[to] = id + 1;
  }
}

async function slowly(books, message, ctx) {
  for (let i = 0; i < 2; i++) {
    await ctx.timers.sleep(0);
    if (message.to !== undefined) forward(books, message, ctx);
  }
  await ctx.timers.sleep(1);
  note(books, message);
}

export default defineAgent({
  init: () => ({ next: {}, twice: 0, gaps: 0, sent: {}, operations: {} }),
  snapshot: (books) => books,
  restore: (books) => books,
  receive(books, message, ctx) {
    if (message.do === "books") return ready(books);
    if (message.do === "operation") {
      const { id } = ctx.envelope.operation;
      // In a process that is to die, every other agent does not come to an end.
      if (process.env.DURABLE_SLOW === "1" && ctx.self % 2 === 0) return ctx.timers.sleep(60_000);
      books.operations[id] = (books.operations[id] ?? 0) + 1;
      return ready();
    }
    if (message.to !== undefined) forward(books, message, ctx);
    // Every third agent takes its time over a message, and sends on all the while: the process may die in the middle.
    if (ctx.self % 3 !== 2) return note(books, message);
    return slowly(books, message, ctx);
  },
});
