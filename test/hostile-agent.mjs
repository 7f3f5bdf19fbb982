// An agent that nobody should trust, and does the worst that it is told.
import { readFileSync, writeFileSync, writeSync } from "node:fs";

/** Onto the pipe itself, past all that stands before it. */
const raw = (bytes) => writeSync(3, bytes);
const frame = (text) => {
  const bytes = Buffer.from(text, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const attempt = (task) => {
  try {
    return task() ?? "done";
  } catch (error) {
    return error.code ?? error.message;
  }
};

const verbs = {
  echo: ({ value }) => value,
  count: (_message, state) => ++state.count,
  exit: () => process.exit(3),
  loop: () => {
    for (;;);
  },
  never: () => new Promise(() => {}),
  fail: () => {
    throw new Error("told to fail");
  },
  heap: () => {
    for (const kept = []; ; ) kept.push(new Array(1e5).fill(Math.random()));
  },
  buffers: async () => {
    for (const kept = []; ; ) {
      kept.push(Buffer.alloc(16 << 20, 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
  garbage: async () => {
    raw(frame("\xc1\xff\xd4garbage"));
    await new Promise(() => {});
  },
  huge: async () => {
    raw(Buffer.from([0xff, 0xff, 0xff, 0x7f, 1, 2, 3]));
    await new Promise(() => {});
  },
  // { kind: "tell", turn: 999999, to: 0, message: 1 }, as msgpack: in a turn that is nobody's.
  forge: async () => {
    raw(frame("\x84\xa4kind\xa4tell\xa4turn\xce\x00\x0f\x42\x3f\xa2to\x00\xa7message\x01"));
    await new Promise(() => {});
  },
  flood: async (_message, _state, ctx) => {
    for (let i = 0; ; i++) {
      ctx.log.info({}, "x".repeat(900));
      if (i % 100 === 0) await null;
    }
  },
  env: () => ({ ...process.env }),
  files: ({ path }) => ({
    read: attempt(() => readFileSync(path, "utf8")),
    write: attempt(() => writeFileSync(`${path}.own`, "mine")),
    passwords: attempt(() => readFileSync("/etc/shadow", "utf8")),
    spawn: attempt(() => process.binding("spawn_sync")),
  }),
  child: async () => {
    const { spawnSync } = await import("node:child_process");
    return attempt(() => spawnSync("/bin/true").status);
  },
  thread: async () => {
    const { Worker } = await import("node:worker_threads");
    return attempt(() => new Worker("", { eval: true }) && "started");
  },
  tell: ({ to, message, options }, _state, ctx) => ctx.tell(to, message, options).status,
  ask: ({ to, message }, _state, ctx) => ctx.ask(to, message),
  wrong: () => 42n,
};

export default {
  init: () => ({ count: 0 }),
  async receive(state, message, ctx) {
    return { state: 1, value: await verbs[message.do](message, state, ctx) };
  },
};
