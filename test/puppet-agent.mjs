// An agent that does what it is told: each message is `{ do: <verb>, … }`.
import { conflict, defineAgent, ready } from "../dist/index.js";

const child = defineAgent({
  init: () => ({ seen: [] }),
  receive(state, message, ctx) {
    return perform(state, message, ctx);
  },
});

const brittle = defineAgent({
  init() {
    throw new Error("born broken");
  },
  receive() {},
});

function spinFor(ms) {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

/** How an ask ended, as a value that can travel. */
function outcome(promise) {
  return promise.then(
    (answer) => answer,
    (error) => ({ error: error.name, code: error.code, text: error.message, path: error.path }),
  );
}

const verbs = {
  echo: (_state, { value }) => ready(value),
  nothing: () => undefined,
  readyNothing: () => ready(),
  conflict: (_state, { detail }) => conflict(detail),
  fail: (_state, { text }) => {
    throw new Error(text ?? "told to fail");
  },
  failLater: async (_state, { text }) => {
    await null;
    throw new Error(text ?? "told to fail later");
  },
  wrong: () => 42,
  note: (state, { id }, ctx) => {
    state.seen.push(id);
    state.senders?.push(ctx.envelope.sender);
  },
  noteSlowly: async (state, { id, ms }, ctx) => {
    state.seen.push(`begin ${id}`);
    await ctx.timers.sleep(ms ?? 5);
    state.seen.push(`end ${id}`);
  },
  seen: (state) => ready(state.seen),
  count: (state) => ready(state.seen.length),
  /** Says what it waits for, and waits. */
  await: async (_state, { what, ms }, ctx) => {
    ctx.waitsFor(what);
    await ctx.timers.sleep(ms);
    return ready();
  },
  /** Does not yield for so long. */
  spin: (_state, { ms }) => {
    spinFor(ms);
    return ready();
  },
  /** Gives the very object of its state. */
  own: (state) => {
    state.own ??= { list: [1, 2, 3] };
    return ready(state.own);
  },
  /** Keeps the message, changes it, and gives back what it then is. */
  spoil: (state, message) => {
    state.kept = message;
    message.value.spoiled = true;
    return ready(message.value);
  },
  envelope: (_state, _message, ctx) =>
    ready({ ...ctx.envelope, sender: ctx.envelope.sender ?? null }),
  about: (_state, _message, ctx) =>
    ready({ address: ctx.address, self: ctx.self, class: ctx.impedanceClass }),
  sleep: async (_state, { ms }, ctx) => {
    await ctx.timers.sleep(ms);
    return ready("slept");
  },
  /** Waits without minding the deadline. */
  dawdle: async (state, { ms, id }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    state.seen.push(id);
    return ready(id);
  },
  block: (_state, { ms }, ctx) => {
    const endMs = ctx.clock.nowMs() + ms;
    while (ctx.clock.nowMs() < endMs);
  },
  untilAborted: async (state, _message, ctx) => {
    const { signal } = ctx;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    state.seen.push(`aborted ${signal.reason.code}`);
    throw signal.reason;
  },
  ask: async (_state, { to, message, options, afterMs }, ctx) => {
    if (afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, afterMs));
    return ready(await outcome(ctx.ask(to, message, options)));
  },
  tell: (_state, { to, message, options }, ctx) => {
    ctx.tell(to, message, options);
  },
  /** Tells the first what it is told, and the second all notes. */
  tellBoth: (_state, { first, message, second, ids }, ctx) => {
    ctx.tell(first, message);
    for (const id of ids) ctx.tell(second, { do: "note", id });
  },
  tellLater: async (_state, { to, message, options, afterMs }, ctx) => {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    ctx.tell(to, message, options);
  },
  tellMany: (_state, { to, from, count, options, doing }, ctx) => {
    const statuses = {};
    for (let id = from; id < from + count; id++) {
      const { status } = ctx.tell(to, { do: doing ?? "note", id, ms: 1 }, options);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return ready(statuses);
  },
  tellAwaited: async (_state, { to, from, count, options }, ctx) => {
    const statuses = {};
    for (let id = from; id < from + count; id++) {
      const status = await ctx.tell(to, { do: "note", id }, options);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return ready(statuses);
  },
  tryTell: (_state, { to, bytes }, ctx) => {
    try {
      return ready(ctx.tell(to, { do: "echo", value: "x".repeat(bytes ?? 0) }).status);
    } catch (error) {
      return ready({ error: error.name, code: error.code, text: error.message });
    }
  },
  once: (state, { ms, id }, ctx) => {
    state.timer = ctx.timers.once(ms, { do: "note", id });
  },
  every: (state, { ms, id }, ctx) => {
    state.timer = ctx.timers.every(ms, { do: "note", id });
  },
  cancel: (state) => {
    state.timer.cancel();
    state.timer.cancel();
  },
  hugeTimer: (_state, { bytes }, ctx) => {
    try {
      ctx.timers.once(1, { do: "echo", value: "x".repeat(bytes) });
      return ready("set");
    } catch (error) {
      return ready(error.code);
    }
  },
  stashUntil: (state, { id }, ctx) => {
    if (state.open === true) state.seen.push(id);
    else ctx.stash();
    return ready(id);
  },
  stashAndFail: (_state, _message, ctx) => {
    ctx.stash();
    throw new Error("stashed and failed");
  },
  open: (state, _message, ctx) => {
    state.open = true;
    ctx.unstashAll();
  },
  unstash: (_state, _message, ctx) => {
    ctx.unstashAll();
  },
  become: (_state, _message, ctx) => {
    ctx.become({
      receive(state, message, inner) {
        if (message.do === "fail") throw new Error("failed as another");
        if (message.do === "seen") return ready(state.seen);
        state.seen.push(`became ${message.id}`);
        return ready(`other ${inner.address}`);
      },
    });
  },
  spawn: (state, _message, ctx) => {
    state.child = ctx.spawn(child);
    return ready(state.child);
  },
  spawnBrittle: (_state, _message, ctx) => ready(ctx.spawn(brittle)),
  stopChild: (state, _message, ctx) => {
    ctx.stop(state.child);
  },
  stop: (_state, _message, ctx) => {
    ctx.stop();
    return ready("stopping");
  },
  stopLater: async (_state, { ms }, ctx) => {
    await ctx.timers.sleep(ms ?? 1);
    ctx.stop();
  },
  watch: (_state, { who }, ctx) => {
    ctx.watch(who);
  },
  unwatch: (_state, { who }, ctx) => {
    ctx.unwatch(who);
  },
  signals: (state) => ready(state.signals),
  probeAs: (state, { probed }) => {
    state.probed = probed;
  },
  random: (_state, { count }, ctx) => ready(Array.from({ length: count }, () => ctx.random.next())),
  /** Lets its turn end and asks on its own account; the answer is noted. */
  askAside: (state, { to, message }, ctx) => {
    outcome(ctx.ask(to, message)).then((answer) => state.seen.push(answer));
  },
};

function perform(state, message, ctx) {
  const verb = verbs[message.do];
  if (verb === undefined) throw new Error(`unknown verb ${message.do}`);
  return verb(state, message, ctx);
}

export default defineAgent({
  capabilities: ["puppet"],
  init: () => ({ seen: [], signals: [] }),
  receive: perform,
  signal(state, signal) {
    state.signals.push(signal);
  },
  probe(state) {
    if (state.probed === "fails") throw new Error("the other side is gone");
    return state.probed === undefined ? undefined : Promise.resolve(state.probed);
  },
});
