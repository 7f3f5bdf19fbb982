// Agents that are language models, against an endpoint on this machine that streams at measured rates.
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import type { Answer, LlmAgentOptions, LlmAnswer, Mesh } from "../index.ts";
import { type ChatServer, measuredRequests, startChatServer } from "./chat-server.ts";
import { createMesh, readyValue, SMALL, until } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";

function start(url: string, more: Partial<LlmAgentOptions> = {}): Promise<Mesh> {
  const llm = { url, model: "llama", apiKey: "known", backoffMs: 20, maxBackoffMs: 50, ...more };
  return createMesh({ ...SMALL, agent: { llm } });
}

function ask(mesh: Mesh, agent: string, message: unknown): Promise<Answer<LlmAnswer>> {
  return mesh.ask<unknown, LlmAnswer>(agent as never, message, { timeoutMs: 20_000 });
}

describe("a message to a language model", () => {
  let chat: ChatServer;
  let mesh: Mesh;
  beforeAll(async () => {
    chat = await startChatServer();
    mesh = await start(chat.url, { system: "Be brief.", price: { input: 2, output: 10 } });
  });
  afterAll(async () => {
    await mesh.stop();
    await chat[Symbol.asyncDispose]();
  });

  test("is a streamed completion, whose tokens and cost are counted", async () => {
    const answer = readyValue(await ask(mesh, ONE, { prompt: "say 4 words", maxTokens: 9 }));
    const [{ json, authorization }] = chat.calls;
    assert.equal(authorization, "Bearer known");
    assert.deepEqual(json.messages, [
      { role: "system", content: "Be brief." },
      { role: "user", content: "say 4 words" },
    ]);
    assert.deepInclude(json, { model: "llama", max_tokens: 9, stream: true });
    assert.equal(answer.text, "word word word word");
    assert.deepInclude(answer, { finish: "stop", promptTokens: 5, completionTokens: 4 });
    assert.approximately(answer.usd, (5 * 2 + 4 * 10) / 1e6, 1e-9);
    const [{ firstTokenMs, tokenMs }] = measuredRequests("anyscale_70b");
    assert.isAtLeast(answer.firstTokenMs, firstTokenMs - 2);
    assert.isAtLeast(answer.totalMs, firstTokenMs + 3 * Math.floor(tokenMs) - 2);
    const cut = readyValue(await ask(mesh, ONE, { prompt: "say 9 words", maxTokens: 2 }));
    assert.deepInclude(cut, { finish: "length", completionTokens: 2 });
  });

  test("that cannot be taken is a CONFLICT", async () => {
    chat.intercept = (response) => {
      response.writeHead(400).end('{"error":{"message":"too long a context"}}');
      return true;
    };
    const answer = await ask(mesh, ONE, "anything");
    assert.equal(answer.state, -1);
    if (answer.state === -1) assert.match(String(answer.conflict.received), /too long a context/);
  });

  test("is begun anew when the stream breaks off", async () => {
    const before = chat.calls.length;
    chat.intercept = (response) => {
      if (chat.calls.length > before + 1) return false;
      response.writeHead(200);
      response.write('data: {"choices":[{"delta":{"content":"half of"}}]}\n\n');
      setTimeout(() => response.destroy(), 5);
      return true;
    };
    assert.equal(readyValue(await ask(mesh, ONE, "again")).text, "word word word");
  });

  test("waits, on all threads, when the endpoint has told one of them to wait", async () => {
    const before = chat.calls.length;
    const pauseMs = 1000;
    let saidMs = 0;
    chat.intercept = (response) => {
      if (saidMs > 0) return false;
      saidMs = performance.now();
      response.writeHead(429, { "retry-after": String(pauseMs / 1000) }).end();
      return true;
    };
    const first = ask(mesh, ONE, "me first");
    await until("the word of it", () => saidMs > 0);
    await until("the pause", async () =>
      (await mesh.why(ONE)).current?.waitsFor?.includes("too many calls"),
    );
    const rest = mesh.select("llm").map((agent) => ask(mesh, mesh.address(agent), "me too"));
    for (const answer of await Promise.all([first, ...rest])) assert.equal(answer.state, 1);
    const later = chat.calls.slice(before + 1);
    assert.lengthOf(later, 41);
    const earliestMs = Math.min(...later.map(({ atMs }) => atMs)) - saidMs;
    assert.isAtLeast(earliestMs, pauseMs - 5);
  });
});

test("budgets hold though agents of all threads race for them", async () => {
  await using chat = await startChatServer(10);
  // What a call may use at most: 11 bytes and the framing of the prompt, and 8 of the answer. It uses 6.
  const most = 11 + 4 + 32 + 8;
  const budget = { mesh: { tokens: most + 6 * 6 }, cluster: { tokens: most + 6 } };
  await using mesh = await start(chat.url, { budget });
  const prompt = { prompt: "say 3 words", maxTokens: 8 };
  const agents = mesh.select("llm");
  assert.lengthOf(agents, 40);
  const answers = await Promise.all(agents.map((agent) => ask(mesh, mesh.address(agent), prompt)));
  const ready = answers.filter(({ state }) => state === 1).length;
  const conflicts = answers.flatMap((answer) => (answer.state === -1 ? [answer.conflict] : []));
  assert.equal(ready + conflicts.length, 40);
  // Calls wait for what siblings give back: nothing that would have been allowed was refused.
  assert.equal(ready, 7);
  assert.isAtMost(chat.billed(), budget.mesh.tokens);
  const byCluster = new Map<string, number>();
  for (const [i, { state }] of answers.entries()) {
    const cluster = mesh.address(agents[i]).replace(/\/agent-\d+$/, "");
    byCluster.set(cluster, (byCluster.get(cluster) ?? 0) + (state === 1 ? 6 : 0));
  }
  assert.isAtMost(Math.max(...byCluster.values()), budget.cluster.tokens);
  const whose = new Set(
    conflicts.map(({ expected }) => /budget of (\S+):/.exec(String(expected))?.[1]),
  );
  assert.isTrue(whose.has("mesh"), [...whose].join());
});

test("what a dead worker's call held is spent, and its message is answered", async () => {
  await using chat = await startChatServer(20);
  const most = 6 + 4 + 32 + 8;
  await using mesh = await start(chat.url, { budget: { mesh: { tokens: 2 * most } } });
  chat.intercept = () => chat.calls.length === 1;
  const answer = ask(mesh, ONE, { prompt: "expect", maxTokens: 8 });
  await until("the call", () => chat.calls.length === 1);
  await mesh.kill("worker-1");
  assert.equal(readyValue(await answer).text, "word word word");
  // The first call may have been billed in full, so that less than another one is left.
  const refused = await ask(mesh, "sector-4/cluster-2/agent-5", { prompt: "expect", maxTokens: 8 });
  assert.equal(refused.state, -1);
});

test.each([
  [{ model: "m" }, "agent.llm.url: expected the base of an API"],
  [{ url: "http://a" }, "agent.llm.model: expected a model"],
  [
    { url: "http://a", model: "m", budget: { mesh: { eur: 1 } } },
    "agent.llm.budget.mesh: expected",
  ],
  [
    { url: "http://a", model: "m", price: { input: -1 } },
    "agent.llm.price.input: expected a number",
  ],
])("options that are wrong are named: %j", async (llm, sentence) => {
  const error = await createMesh({ ...SMALL, agent: { llm: llm as never } }).catch((e: Error) => e);
  assert.include((error as Error).message, sentence);
});
