// Remote agents of A2A as agents of a mesh, against the SDK's own server on this machine.
import { type Message, TaskState } from "@a2a-js/sdk";
import { assert, describe, test } from "vitest";
import type { A2aAgentOptions, Mesh } from "../index.ts";
import { type Step, startA2aServer } from "./a2a-server.ts";
import { createMesh, readyValue, SMALL, until } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";
const WORKING: Step = { state: TaskState.TASK_STATE_WORKING };
const done = (data: unknown): Step => ({ state: TaskState.TASK_STATE_COMPLETED, data });

function start(url: string, more: Partial<A2aAgentOptions> = {}): Promise<Mesh> {
  const a2a = { url, backoffMs: 5, maxBackoffMs: 20, ...more };
  return createMesh({ ...SMALL, agent: { a2a } });
}

function said(message: Message): unknown {
  return message.parts[0].content?.value;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved: ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
}

describe("a message to a remote agent of A2A", () => {
  test("is sent, its task followed to its end, and READY with its artifact", async () => {
    await using remote = await startA2aServer((message) => [
      WORKING,
      { ...done({ heard: said(message) }), afterMs: 60 },
    ]);
    await using mesh = await start(remote.url, {
      headers: { authorization: "Bearer of-the-test" },
    });
    const answer = await mesh.ask("sector-2/cluster-1/agent-3", { order: "tea" });
    assert.deepEqual(readyValue(answer), { heard: { order: "tea" } });
    assert.lengthOf(remote.messages, 1);
    const [{ messageId, metadata }] = remote.messages;
    assert.match(messageId, /^msg_/);
    assert.equal(metadata?.agent, "sector-2/cluster-1/agent-3");
    assert.isAtLeast(remote.headers.length, 3, "the card, the message, the task");
    for (const { authorization } of remote.headers)
      assert.equal(authorization, "Bearer of-the-test");
    assert.deepEqual(readyValue(await mesh.ask(ONE, "text")), { heard: "text" });
    assert.equal((await mesh.broadcast("all")).ready, 40);
    assert.isAtMost(remote.cards(), 2, "one fetch of the card speaks for all agents of a thread");
  });

  test("that fails, is canceled or rejected is a CONFLICT, recorded as one", async () => {
    const ends: Record<string, TaskState> = {
      failed: TaskState.TASK_STATE_FAILED,
      canceled: TaskState.TASK_STATE_CANCELED,
      rejected: TaskState.TASK_STATE_REJECTED,
    };
    await using remote = await startA2aServer((message) => {
      const end = String(said(message));
      return [WORKING, { state: ends[end], text: `it was ${end}` }];
    });
    await using mesh = await start(remote.url);
    for (const end of Object.keys(ends)) {
      const answer = await mesh.ask(ONE, end);
      assert.equal(answer.state, -1);
      if (answer.state !== -1) continue;
      assert.deepEqual(answer.conflict.received, { [end]: `it was ${end}` });
      const type = end === "rejected" ? "CAPABILITY_MISMATCH" : "DATA_CONTRADICTION";
      assert.equal(answer.conflict.type, type);
    }
    await until("three conflicts", () => mesh.conflicts.counts().told === 3);
  });

  test("that needs input is TRANSIT at its deadline, and people see what it waits for", async () => {
    await using remote = await startA2aServer(() => [
      { state: TaskState.TASK_STATE_INPUT_REQUIRED, text: "which colour?" },
    ]);
    await using mesh = await start(remote.url);
    const answer = mesh.ask(ONE, "paint it", { timeoutMs: 1_500 });
    await until("what it waits for", async () =>
      JSON.stringify(await mesh.why(ONE)).includes("needs input: which colour?"),
    );
    assert.equal((await answer).state, 0);
    assert.lengthOf(remote.messages, 1, "it is asked for its task, and not sent again");
    assert.equal(mesh.status().restarts.agents, 0);
  });

  test("is sent again under its key after trouble, and when its task was forgotten", async () => {
    let left = 1;
    await using remote = await startA2aServer(() => (left-- > 0 ? [WORKING] : [done("second")]));
    remote.trouble.push(503, 429);
    await using mesh = await start(remote.url);
    const answer = mesh.ask(ONE, "patience");
    await until("the task", () => remote.messages.length === 1);
    remote.forget();
    assert.equal(readyValue(await answer), "second");
    assert.lengthOf(remote.messages, 2);
    assert.equal(remote.messages[0].messageId, remote.messages[1].messageId);
  });

  test("is TRANSIT while nobody is there; without a deadline it fails after its attempts", async () => {
    const nobody = await startA2aServer(() => []);
    await nobody[Symbol.asyncDispose]();
    await using mesh = await start(nobody.url, { attempts: 3 });
    assert.equal((await mesh.ask(ONE, "anybody?", { timeoutMs: 150 })).state, 0);
    assert.equal(mesh.status().restarts.agents, 0);
    mesh.tell(ONE, "anybody?");
    await until("the incident", () =>
      mesh.incidents().some(({ error }) => error.includes("not done: http://127.0.0.1")),
    );
  });

  test("whose answer is too long is a failure of its agent", async () => {
    await using remote = await startA2aServer(() => [done("x".repeat(9_000))]);
    await using mesh = await start(remote.url, { maxResponseBytes: 5_000 });
    assert.match(await failure(mesh.ask(ONE, "long")), /max size|too long/i);
    assert.lengthOf(remote.messages, 1);
  });
});

test.each([
  [{ url: "ftp://a" }, "agent.a2a.url: expected an http or https URL"],
  [{}, "agent.a2a.url: expected"],
  [{ url: "http://a", attempts: 0 }, "agent.a2a.attempts: expected a whole number from 1"],
  [{ url: "http://a", card: "x" }, "agent.a2a: expected members among url, headers"],
])("options that are wrong are named: %j", async (a2a, sentence) => {
  const error = await failure(createMesh({ ...SMALL, agent: { a2a: a2a as never } }));
  assert.include(error, sentence);
});
