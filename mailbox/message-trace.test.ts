import { assert, test } from "vitest";
import { MessageTrace, TRACE_BYTES, TRACED } from "./message-trace.ts";

const BASE = 7 * 2 ** 36;

function traces(): readonly [MessageTrace, MessageTrace] {
  const memory = [new SharedArrayBuffer(TRACE_BYTES), new SharedArrayBuffer(TRACE_BYTES)];
  return [new MessageTrace(memory, 0), new MessageTrace(memory, 1)];
}

test("a message is found by any thread, with its cause, until as many have followed as are kept", () => {
  const [main, shard] = traces();
  shard.note(BASE + 1, 5, 6, 3, 1000, BASE + 9, 2, 0);
  const expected = {
    thread: 1,
    sequence: BASE + 1,
    source: 5,
    target: 6,
    lamport: 3,
    createdMs: 1000,
    cause: { thread: 0, sequence: BASE + 9, source: 2 },
  };
  assert.deepEqual(main.find(1, BASE + 1), expected);
  assert.isUndefined(main.find(0, BASE + 1));
  for (let n = 2; n <= TRACED; n++) shard.note(BASE + n, 1, 2, n, n, 0, -1, 0);
  assert.deepEqual(main.find(1, BASE + 1), expected);
  shard.note(BASE + TRACED + 1, 1, 2, 0, 0, 0, -1, 0);
  assert.isUndefined(main.find(1, BASE + 1));
  assert.isUndefined(main.find(1, BASE + 2)?.cause);
});

test("what is no message is not found", () => {
  const [main] = traces();
  for (const sequence of [0, -1, Number.NaN, 1]) assert.isUndefined(main.find(0, sequence));
  assert.isUndefined(main.find(7, 1));
});
