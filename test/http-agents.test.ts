// Agents behind HTTP, against a web service on this machine.
import { createHmac, generateKeyPairSync, verify } from "node:crypto";
import { assert, describe, test } from "vitest";
import type { HttpAgentOptions, Mesh } from "../index.ts";
import { createMesh, readyValue, SMALL, until } from "./mesh.ts";
import { type Heard, say, startOtherSide } from "./other-side.ts";

const ONE = "sector-1/cluster-1/agent-1";
const SECRET = "known to both sides only";

function start(url: string, more: Partial<HttpAgentOptions> = {}): Promise<Mesh> {
  return createMesh({
    ...SMALL,
    agent: { http: { url, backoffMs: 5, maxBackoffMs: 20, ...more } },
  });
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved: ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
}

describe("a message to an agent behind HTTP", () => {
  test("is one signed POST with an idempotency key, and READY with what is answered", async () => {
    await using other = await startOtherSide((_, response) => say(response, 200, { tea: "hot" }));
    await using mesh = await start(`${other.url}/s{sector}/c{cluster}/{agent}?of={address}`, {
      secret: SECRET,
      headers: { "x-fleet": "north" },
    });
    const answer = await mesh.ask("sector-2/cluster-1/agent-3", { order: "tea" });
    assert.deepEqual(readyValue(answer), { tea: "hot" });
    const [{ method, path, headers, body, json }] = other.heard;
    assert.equal(method, "POST");
    assert.equal(path, "/s2/c1/3?of=sector-2/cluster-1/agent-3");
    assert.equal(headers["x-fleet"], "north");
    assert.equal(json.agent, "sector-2/cluster-1/agent-3");
    assert.deepEqual(json.message, { order: "tea" });
    assert.equal(json.id, headers["idempotency-key"]);
    assert.equal(headers["webhook-id"], headers["idempotency-key"]);
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const mac = createHmac("sha256", SECRET).update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${mac}`);
  });

  test("is signed with Ed25519 where the secret is such a key", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const { d = "" } = privateKey.export({ format: "jwk" });
    const seed = `whsk_${Buffer.from(d, "base64url").toString("base64")}`;
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    await using other = await startOtherSide((_, response) => say(response, 204));
    for (const secret of [seed, pem]) {
      await using mesh = await start(other.url, { secret });
      readyValue(await mesh.ask(ONE, 1));
      const { headers, body } = other.heard.at(-1) as Heard;
      const [version, base64] = String(headers["webhook-signature"]).split(",");
      const signed = Buffer.from(
        `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`,
      );
      assert.equal(version, "v1a");
      assert.isTrue(verify(null, signed, publicKey, Buffer.from(base64, "base64")));
    }
  });

  test("is sent again with the same key and body while the other side has trouble", async () => {
    const trouble = [
      (response: Parameters<typeof say>[0]) => response.destroy(),
      (response: Parameters<typeof say>[0]) => say(response, 503),
      (response: Parameters<typeof say>[0]) => say(response, 429, {}, { "retry-after": "0.01" }),
      (response: Parameters<typeof say>[0]) => say(response, 202),
      (response: Parameters<typeof say>[0]) => say(response, 200, { state: 0 }),
    ];
    const effects = new Set<string>();
    await using other = await startOtherSide(({ json }, response) => {
      effects.add(json.id);
      const step = trouble.shift();
      if (step === undefined) say(response, 200, { state: 1, value: "done" });
      else step(response);
    });
    await using mesh = await start(other.url);
    assert.equal(readyValue(await mesh.ask(ONE, "once")), "done");
    assert.lengthOf(other.heard, 6);
    assert.equal(effects.size, 1);
    assert.lengthOf(new Set(other.heard.map(({ body }) => body)), 1);
    assert.equal(readyValue(await mesh.ask(ONE, "once")), "done");
    assert.equal(effects.size, 2, "another message of the same text has another key");
  });

  test("keeps its key when the worker dies that waits for the answer", async () => {
    await using other = await startOtherSide((_, response) => {
      if (other.heard.length > 1) say(response, 200, "second");
    });
    await using mesh = await start(other.url);
    const answer = mesh.ask(ONE, "patience");
    await until("the first delivery", () => other.heard.length === 1);
    await mesh.kill("worker-1");
    assert.equal(readyValue(await answer), "second");
    assert.equal(other.heard[0].json.id, other.heard[1].json.id);
  });
});

describe("an answer", () => {
  test("of 409, 422 or state -1 is a CONFLICT, and recorded as one", async () => {
    const detail = { type: "TEMPORAL_PARADOX", expected: 1, received: 2 };
    const answers: [number, unknown][] = [
      [409, detail],
      [200, { state: -1, conflict: detail }],
      [422, { field: "colour" }],
    ];
    await using other = await startOtherSide((_, response) => {
      const [status, json] = answers[other.heard.length - 1];
      say(response, status, json);
    });
    await using mesh = await start(other.url);
    for (const expected of [
      detail,
      detail,
      { type: "DATA_CONTRADICTION", received: { field: "colour" } },
    ]) {
      const answer = await mesh.ask(ONE, {});
      assert.equal(answer.state, -1);
      if (answer.state === -1)
        assert.deepEqual(answer.conflict, expected as typeof answer.conflict);
    }
    await until("three conflicts", () => mesh.conflicts.counts().told === 3);
  });

  test("that says no, leads elsewhere or is too long is a failure of the agent, not asked twice", async () => {
    await using other = await startOtherSide(({ json }, response) => {
      if (json.message === "no") say(response, 403, { reason: "not you" });
      else if (json.message === "elsewhere") say(response, 302, {}, { location: "/other" });
      else say(response, 200, "x".repeat(2000));
    });
    await using mesh = await start(other.url, { maxResponseBytes: 1000 });
    const [two, three] = ["sector-1/cluster-1/agent-2", "sector-1/cluster-1/agent-3"];
    assert.match(await failure(mesh.ask(ONE, "no")), /403 \{"reason":"not you"\}/);
    assert.match(await failure(mesh.ask(two, "elsewhere")), /: 302/);
    assert.match(await failure(mesh.ask(three, "long")), /max size/i);
    assert.lengthOf(other.heard, 3);
  });

  test("that does not come is TRANSIT at the deadline, and costs the agent nothing", async () => {
    await using other = await startOtherSide(({ json }, response) => {
      if (json.message === "well") say(response, 200, "well");
      else if (json.message === "later") say(response, 202);
    });
    const nobody = await startOtherSide(() => {});
    await nobody[Symbol.asyncDispose]();
    await using mesh = await start(other.url, { timeoutMs: 50 });
    await using dead = await start(nobody.url);
    const short = { timeoutMs: 200 };
    const silent = mesh.ask(ONE, "silence", short);
    const later = mesh.ask("sector-3/cluster-1/agent-1", "later", short);
    assert.equal((await silent).state, 0);
    assert.equal((await later).state, 0);
    assert.equal((await dead.ask(ONE, "anybody?", short)).state, 0);
    assert.equal(readyValue(await mesh.ask(ONE, "well")), "well");
    for (const each of [mesh, dead]) assert.equal(each.status().restarts.agents, 0);
    // Without a deadline somebody has to hear of it.
    await using hasty = await start(nobody.url, { attempts: 3 });
    hasty.tell(ONE, "anybody?");
    await until("the incident", () =>
      hasty.incidents().some(({ error }) => error.includes("in 3 attempts")),
    );
  });
});

test("connections are kept and bounded", async () => {
  await using other = await startOtherSide((_, response) =>
    setTimeout(() => say(response, 200), 2),
  );
  await using mesh = await start(other.url, { connections: 3 });
  for (let round = 0; round < 3; round++) {
    const { ready } = await mesh.broadcast("hello");
    assert.equal(ready, 40);
  }
  assert.lengthOf(other.heard, 120);
  assert.isAtMost(other.connections(), 6, "three on each of two threads");
});

test("stamps tell the way there and the work apart, whatever the other clock says", async () => {
  const aheadMs = 3_600_000;
  await using other = await startOtherSide(async ({ json }, response) => {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    if (json.message === "slow") await pause(60);
    const receivedMs = Date.now() + aheadMs;
    if (json.message === "slow") await pause(30);
    say(response, 200, { state: 1, receivedMs, answeredMs: Date.now() + aheadMs });
  });
  await using mesh = await start(other.url);
  // Fast both ways: from these the thread has the other side's clock.
  for (let i = 0; i < 5; i++) readyValue(await mesh.ask("sector-1/cluster-1/agent-2", "fast"));
  readyValue(await mesh.ask(ONE, "slow"));
  const { impedance } = await mesh.inspect(ONE);
  // Half of the round trip would be 30.
  assert.isAbove(impedance.currentLatencyMs, 45, JSON.stringify(impedance));
  assert.isAbove(impedance.currentProcessingMs, 20, JSON.stringify(impedance));
});

test("probes are asked once a thread, and tell T by the other side's clock", async () => {
  const aheadMs = 3_600_000;
  await using other = await startOtherSide((_, response) => {
    const nowMs = Date.now() + aheadMs;
    say(response, 200, { state: 1, receivedMs: nowMs, answeredMs: nowMs });
  });
  await using mesh = await start(other.url, { probeUrl: `${other.url}/health` });
  await until("probes", () => other.heard.length >= 2);
  await mesh.scatterGather({ payload: "go", at: "in 300ms" });
  const probes = other.heard.filter(({ method }) => method === "GET");
  assert.isBelow(probes.length, 20, "one speaks for all of a thread");
  const { operation } = (other.heard.findLast(({ json }) => json?.operation) as Heard).json;
  assert.approximately(operation.arrivalMs - Date.now(), aheadMs, 60_000);
});

test.each([
  [{ url: "ftp://example.org" }, "agent.http.url: expected an http or https URL"],
  [{}, "agent.http.url: expected where to POST, got undefined"],
  [{ url: "http://a", secret: "short" }, "agent.http.secret: expected a secret of at least 16"],
  [{ url: "http://a", secret: "whsk_AAAA" }, "agent.http.secret: expected an Ed25519 key"],
  [{ url: "http://a", secret: { env: "NOT_SET" } }, "agent.http.secret: expected a variable that"],
  [{ url: "http://a", timeoutMs: 0 }, "agent.http.timeoutMs: expected a whole number from 1"],
  [{ url: "http://a", retries: 3 }, "agent.http: expected members among url, secret"],
])("options that are wrong are named: %j", async (http, sentence) => {
  const error = await failure(createMesh({ ...SMALL, agent: { http: http as never } }));
  assert.include(error, sentence);
});

test.each([
  [{ htp: {} }, "agent: expected"],
  [{ http: { url: "http://a" }, trace: {} }, "agent: expected one kind"],
  [{ CLASS_A_EDGE: { trace: {} } }, "agent.CLASS_B_SERVERLESS: expected agents of this class"],
])("agents that are none are named: %j", async (agent, sentence) => {
  const error = await failure(createMesh({ ...SMALL, agent: agent as never }));
  assert.include(error, sentence);
});
