// Agents behind NATS, against a real nats-server and processes that speak its protocol: one in Python, one on a socket.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { NatsServer } from "../bench/nats-server.ts";
import type { Mesh, NatsAgentOptions } from "../index.ts";
import { createMesh, readyValue, SMALL, until } from "./mesh.ts";
import { RawNats } from "./raw-nats.ts";

const ONE = "sector-1/cluster-1/agent-1";
const WORKER = fileURLToPath(new URL("../examples/nats-worker/worker.py", import.meta.url));

let server: NatsServer;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  server = await NatsServer.start();
});

afterAll(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  await server.stop();
});

function start(prefix: string, more: Partial<NatsAgentOptions> = {}): Promise<Mesh> {
  const nats = { url: server.url, prefix, backoffMs: 5, maxBackoffMs: 50, ...more };
  return createMesh({ ...SMALL, agent: { nats } });
}

function startPython(prefix: string): ChildProcess {
  const options = [WORKER, "127.0.0.1", String(server.port), prefix];
  const worker = spawn("python3", options, { stdio: "inherit" });
  workers.push(worker);
  return worker;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved: ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
}

test("a process in Python without a package is forty agents: READY, CONFLICT, and measured", async () => {
  startPython("python");
  await using mesh = await start("python", { presenceMs: 10_000, probe: true });
  // Nobody was heard of yet: it waits for the interpreter, and is no failure.
  const answer = await mesh.ask(ONE, { celsius: 20 }, { timeoutMs: 20_000 });
  assert.equal(readyValue<{ fahrenheit: number }>(answer as never).fahrenheit, 68);
  const hot = await mesh.ask("sector-4/cluster-2/agent-5", { celsius: 90 });
  assert.equal(hot.state, -1);
  if (hot.state === -1) assert.equal(hot.conflict.type, "DATA_CONTRADICTION");
  const { ready } = await mesh.broadcast({ celsius: 37 });
  assert.equal(ready, 40);
  const { impedance } = await mesh.inspect(ONE);
  assert.isAbove(impedance.currentLatencyMs, 0, "the way there is told by the stamps");
  assert.equal(mesh.status().restarts.agents, 0);
});

describe("a message", () => {
  test("is a request at the subject of its agent, with one id for all attempts", async () => {
    const answers: unknown[] = [{ state: 0 }, { code: 503, text: "busy" }, undefined, "", 7];
    const raw = await RawNats.start(server.port, "raw.ask.>", () => answers.shift());
    await using mesh = await start("raw", { timeoutMs: 100 });
    const answer = await mesh.ask("sector-3/cluster-2/agent-5", { order: "tea" });
    assert.isUndefined(readyValue(answer), "an empty answer is READY without a value");
    assert.lengthOf(raw.asked, 4, "not yet, busy and no answer are asked again");
    const [{ subject, json }] = raw.asked;
    assert.equal(subject, "raw.ask.3.2.5");
    assert.equal(json.agent, "sector-3/cluster-2/agent-5");
    assert.deepEqual(json.message, { order: "tea" });
    assert.lengthOf(new Set(raw.asked.map((asked) => JSON.stringify(asked))), 1);
    assert.equal(readyValue(await mesh.ask(ONE, "any JSON")), 7);
    assert.notEqual(raw.asked[4].json.id, json.id);
    raw.stop();
  });

  test("that is refused, or answered at too great length, is a failure of its agent, not asked twice", async () => {
    const raw = await RawNats.start(server.port, "no.ask.>", ({ json }) => {
      if (json.message === "no") return { code: 403, text: "not you" };
      return json.message === "broken" ? "{" : "x".repeat(2_000);
    });
    await using mesh = await start("no", { maxResponseBytes: 1_000 });
    assert.match(await failure(mesh.ask(ONE, "no")), /no\.ask\.1\.1\.1: 403 not you/);
    const [two, three] = ["sector-1/cluster-1/agent-2", "sector-1/cluster-1/agent-3"];
    assert.match(await failure(mesh.ask(two, "broken")), /no JSON/);
    assert.match(await failure(mesh.ask(three, "long")), /2000 bytes, more than 1000/);
    assert.lengthOf(raw.asked, 3);
    raw.stop();
  });

  test("without a deadline is given up after its attempts where somebody listens and says nothing", async () => {
    const raw = await RawNats.start(server.port, "mute.ask.>", () => undefined);
    await using mesh = await start("mute", { timeoutMs: 20, attempts: 3 });
    mesh.tell(ONE, "anybody?");
    await until("the incident", () =>
      mesh.incidents().some(({ error }) => error.includes("in 3 attempts")),
    );
    raw.stop();
  });

  test("is not sent while the process of its agent has not said that it is there", async () => {
    const raw = await RawNats.start(server.port, "shy.ask.>", () => "1");
    await using mesh = await start("shy", { presenceMs: 300 });
    const [near, far] = [ONE, "sector-2/cluster-1/agent-1"];
    const silent = await mesh.ask(near, "are you there?", { timeoutMs: 100 });
    assert.equal(silent.state, 0);
    assert.lengthOf(raw.asked, 0);
    const beat = setInterval(() => raw.publish("shy.here.2"), 50);
    assert.equal(readyValue(await mesh.ask(far, "and you?")), 1);
    assert.equal((await mesh.ask(near, "still not?", { timeoutMs: 100 })).state, 0);
    assert.deepEqual([...new Set(raw.asked.map(({ subject }) => subject))], ["shy.ask.2.1.1"]);
    clearInterval(beat);
    raw.stop();
  });
});

test("a server that dies is TRANSIT, quarantines nobody, and what was told arrives when it is back", async () => {
  const own = await NatsServer.start();
  try {
    await using mesh = await start("outage", { url: own.url, attempts: 1 });
    let raw = await RawNats.start(own.port, "outage.ask.>", () => "1");
    assert.equal((await mesh.broadcast("before")).ready, 40);
    raw.stop();
    // Nobody listens any more.
    assert.equal((await mesh.ask(ONE, "no process", { timeoutMs: 100 })).state, 0);
    await own.kill();
    assert.equal((await mesh.ask(ONE, "no server", { timeoutMs: 100 })).state, 0);
    mesh.tell(ONE, "patience");
    await until("it waits", async () =>
      JSON.stringify(await mesh.why(ONE)).includes("the NATS server does not answer"),
    );
    await own.start();
    raw = await RawNats.start(own.port, "outage.ask.>", () => "1");
    await until("what was told", () => raw.asked.some(({ json }) => json.message === "patience"));
    assert.equal((await mesh.broadcast("after")).ready, 40);
    assert.equal(mesh.status().restarts.agents, 0);
    raw.stop();
  } finally {
    await own.stop();
  }
});

test.each([
  [{ url: "http://a" }, "agent.nats.url: expected URLs of NATS servers"],
  [{ url: [] }, "agent.nats.url: expected URLs of NATS servers"],
  [{ url: "nats://a", prefix: "a.*" }, "agent.nats.prefix: expected names of letters"],
  [{ url: "nats://a", presenceMs: 1 }, "agent.nats.presenceMs: expected a whole number from 10"],
  [{ url: "nats://a", probe: 1 }, "agent.nats.probe: expected true or false"],
  [{ url: "nats://a", token: { env: "NOT_SET" } }, "agent.nats.token: expected a variable that"],
  [{ url: "nats://a", tls: { pem: "x" } }, "agent.nats.tls: expected members among ca, cert, key"],
  [{ url: "nats://a", subject: "x" }, "agent.nats: expected members among url, prefix"],
])("options that are wrong are named: %j", async (nats, sentence) => {
  const error = await failure(createMesh({ ...SMALL, agent: { nats: nats as never } }));
  assert.include(error, sentence);
});
