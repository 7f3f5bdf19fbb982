// What an agent is at, and what keeps it: asked of real threads, one of them blocked.
import { assert, expect, test } from "vitest";
import { call, startMesh } from "./mesh.ts";

const FIRST = "sector-1/cluster-1/agent-1";
const SECOND = "sector-1/cluster-1/agent-2";
const ELSEWHERE = "sector-3/cluster-1/agent-1";

/** Asks again until it is so: a message takes its time to arrive. */
async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("tells an agent's message, what it says it waits for, and what waits in its mailbox", async () => {
  await using mesh = await startMesh("puppet");
  assert.isUndefined((await mesh.why(FIRST)).current);
  mesh.tell(FIRST, { do: "await", what: "GPU memory allocation", ms: 20_000 });
  mesh.tell(FIRST, { do: "note", id: "next one" });
  const why = await until(
    () => mesh.why(FIRST),
    ({ queue, current }) => queue.depth === 1 && current?.waitsFor !== undefined,
  );
  assert.equal(why.current?.waitsFor, "GPU memory allocation");
  assert.include(why.current?.message, "do: 'await'");
  assert.isTrue(why.current?.suspended);
  assert.include(why.queue.head, "next one");
  assert.isTrue(why.workerAnswers);
  assert.isUndefined(why.stack);
  await mesh.restart(FIRST);
  const after = await until(
    () => mesh.why(FIRST),
    ({ current }) => current === undefined,
  );
  assert.equal(after.queue.depth, 0);
});

test("what a turn said it waits for is forgotten with the turn", async () => {
  await using mesh = await startMesh("puppet");
  mesh.tell(FIRST, { do: "await", what: "a moment", ms: 1 });
  mesh.tell(FIRST, { do: "noteSlowly", id: "after", ms: 20_000 });
  const why = await until(
    () => mesh.why(FIRST),
    ({ current }) => current?.message?.includes("after") === true,
  );
  assert.isUndefined(why.current?.waitsFor);
  await mesh.restart(FIRST);
});

test("names whom it waits on, and whom that one waits on", async () => {
  await using mesh = await startMesh("puppet");
  mesh.tell(FIRST, {
    do: "ask",
    to: SECOND,
    message: {
      do: "ask",
      to: ELSEWHERE,
      message: { do: "await", what: "the world", ms: 20_000 },
    },
  });
  const why = await until(
    () => mesh.why(FIRST),
    ({ current }) => current?.waitsOn.length === 2,
  );
  assert.deepEqual(why.current?.waitsOn, [SECOND, ELSEWHERE]);
  await mesh.restart(ELSEWHERE);
});

test("of a blocked worker it names whose turn holds it, with its stack", async () => {
  await using mesh = await startMesh("puppet", { watchdogMs: 60_000 });
  const spinning = call(mesh, FIRST, { do: "spin", ms: 4000 });
  const why = await until(
    () => mesh.why(SECOND),
    ({ stack }) => stack?.some((line) => line.startsWith("at spinFor (")) === true,
  );
  assert.equal(why.blockedBy?.address, FIRST);
  assert.isFalse(why.workerAnswers);
  assert.isTrue((await mesh.why(ELSEWHERE)).workerAnswers);
  await spinning;
  const after = await until(
    () => mesh.why(SECOND),
    ({ workerAnswers }) => workerAnswers,
  );
  assert.isUndefined(after.blockedBy);
});

test("refuses what is no agent", async () => {
  await using mesh = await startMesh("puppet");
  await expect(mesh.why("sector-1")).rejects.toThrow(
    /no actor "sector-1": expected the address of an agent/,
  );
});
