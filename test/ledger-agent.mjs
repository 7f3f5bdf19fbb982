// Agents that keep books over every message, in a state that survives the death of their worker.
//
//   { from, id }          a counted message: `id` counts from 0 for each pair of sender and target
//   { do: "drive", … }    a driver: sends counted messages to its targets; `on` and on until told to halt
import { defineAgent, ready } from "../dist/index.js";

/** Notes a counted message: what came out of order, left a gap, or came twice. */
function note(books, from, id) {
  const next = books.next[from] ?? 0;
  if (id < next) books.twice++;
  else if (id > next) books.gaps++;
  books.next[from] = Math.max(next, id + 1);
  books.total++;
}

function drive(books, message, ctx) {
  if (books.halted) return;
  books.drives++;
  for (const target of message.targets) {
    for (let i = 0; i < message.each; i++) {
      const id = books.sent[target] ?? 0;
      if (ctx.tell(target, { from: ctx.self, id }).status !== "accepted") books.held++;
      books.sent[target] = id + 1;
    }
  }
  if (message.on) ctx.tell(ctx.self, message);
}

export default defineAgent({
  init: () => ({
    next: {},
    twice: 0,
    gaps: 0,
    total: 0,
    sent: {},
    drives: 0,
    held: 0,
    halted: false,
    operations: {},
  }),
  snapshot: (books) => books,
  restore: (books) => books,
  receive(books, message, ctx) {
    if (message.id !== undefined) {
      // Every other agent takes its time over a message: it may die in the middle.
      if (ctx.self % 2 === 0) return note(books, message.from, message.id);
      return ctx.timers.sleep(0).then(() => note(books, message.from, message.id));
    }
    switch (message.do) {
      case "drive":
        return drive(books, message, ctx);
      case "halt":
        books.halted = true;
        return ready(books.sent);
      case "books":
        return ready(books);
      case "operation":
        if (message.slow && ctx.self % 3 === 0) {
          return ctx.timers.sleep(ctx.self % 20).then(() => {
            books.operations[message.number] = (books.operations[message.number] ?? 0) + 1;
          });
        }
        books.operations[message.number] = (books.operations[message.number] ?? 0) + 1;
        return ready();
      default:
        throw new Error(`unknown message ${JSON.stringify(message)}`);
    }
  },
});
