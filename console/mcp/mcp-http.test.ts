// MCP over HTTP as the library's own client sees it, at the HTTP face of a fake mesh.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CallToolResult,
  ElicitRequestSchema,
  type ElicitResult,
} from "@modelcontextprotocol/sdk/types.js";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import type { OperatorAct } from "../../runtime/api/threat-api.ts";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { COMMANDS } from "../commands.ts";
import { HttpServer } from "../http-server.ts";
import { MAX_MCP_SESSIONS, MCP_IDLE_MS } from "./mcp-http.ts";

const TOKEN = "t".repeat(43);
const AGENT = "sector-1/cluster-1/agent-1";
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};

let fake: FakeMesh;
let server: HttpServer;
let nowMs: number;
const clients: Client[] = [];

beforeEach(async () => {
  nowMs = 1_000;
  fake = new FakeMesh();
  server = await HttpServer.open({
    address: { host: "127.0.0.1", port: 0 },
    token: TOKEN,
    commands: COMMANDS,
    mesh: Promise.resolve(fake.mesh),
    nowMs: () => nowMs,
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await server.close();
});

function transportTo(headers: Record<string, string> = {}): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL("/mcp", server.origin), {
    requestInit: { headers: { authorization: `Bearer ${TOKEN}`, ...headers } },
  });
}

/** A client; with `answer` one that can ask its person. */
async function connect(
  transport = transportTo(),
  answer?: (question: string) => ElicitResult,
): Promise<Client> {
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  if (answer !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params.message));
  await client.connect(transport as Transport);
  clients.push(client);
  return client;
}

/** The status with which a client is not let in. */
function refusalOf(transport: StreamableHTTPClientTransport): Promise<number | undefined> {
  return connect(transport).then(
    () => assert.fail("let in"),
    (error: { readonly code?: number }) => error.code,
  );
}

async function call(client: Client, name: string, args: object = {}): Promise<CallToolResult> {
  return (await client.callTool({ name, arguments: { ...args } })) as CallToolResult;
}

/** Posts a message without the library. */
function post(message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL("/mcp", server.origin), {
    method: "POST",
    headers: {
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(message),
  });
}

/** Begins a session and gives its id. */
async function begin(): Promise<string> {
  const response = await post(INITIALIZE);
  assert.equal(response.status, 200);
  await response.text();
  return response.headers.get("mcp-session-id") ?? assert.fail("no session");
}

async function statusIn(session: string): Promise<number> {
  const list = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} };
  const response = await post(list, { "mcp-session-id": session });
  await response.text();
  return response.status;
}

describe("a client over HTTP", () => {
  test("lists the tools, calls one, reads a resource, completes an address", async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    const named = COMMANDS.filter(({ needs }) => needs === "mesh").map(({ name }) => name);
    assert.sameMembers(
      tools.map(({ name }) => name),
      named,
    );
    const { structuredContent } = await call(client, "status");
    assert.deepInclude(structuredContent?.agents, { total: 24 });
    const { contents } = await client.readResource({ uri: `mesh://agent/${AGENT}` });
    assert.deepInclude(JSON.parse((contents[0] as { text: string }).text), { address: AGENT });
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: "mesh://agent/{+address}" },
      argument: { name: "address", value: "sector-1/" },
    });
    assert.lengthOf(completion.values, 2);
  });

  test("that cannot ask changes nothing without the token of a first call, its own one", async () => {
    const [client, stranger] = [await connect(), await connect()];
    const offered = await call(client, "kill", { target: AGENT });
    assert.deepInclude(offered.structuredContent, { done: false });
    const confirmed = { target: AGENT, confirm: offered.structuredContent?.confirm };
    assert.isTrue((await call(stranger, "kill", confirmed)).isError);
    assert.isEmpty(fake.calls);
    assert.isNotTrue((await call(client, "kill", confirmed)).isError);
    assert.deepEqual(fake.calls, [`kill ${AGENT}`]);
  });

  test("that can ask has its person asked", async () => {
    const asked: string[] = [];
    const answers: ElicitResult[] = [
      { action: "decline" },
      { action: "accept", content: { yes: true } },
    ];
    const client = await connect(transportTo(), (question) => {
      asked.push(question);
      return answers[asked.length - 1];
    });
    assert.isTrue((await call(client, "kill", { target: AGENT })).isError);
    assert.isEmpty(fake.calls);
    assert.isNotTrue((await call(client, "kill", { target: AGENT })).isError);
    assert.deepEqual(fake.calls, [`kill ${AGENT}`]);
    assert.match(asked[0], /touches 1 of 24 agents/);
  });

  test("hears of progress, and calls off what it cancels", async () => {
    const client = await connect();
    const heard: string[] = [];
    const { structuredContent } = await call(client, "cascade");
    const cascade = { name: "cascade", arguments: { confirm: structuredContent?.confirm } };
    await client.callTool(cascade, undefined, { onprogress: (p) => heard.push(String(p.message)) });
    assert.match(heard[0], /12/);
    const args = { address: AGENT, message: 1 };
    const { confirm } = (await call(client, "ask", args)).structuredContent ?? {};
    const cancel = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      fake.answer = (_, signal) => {
        signal?.addEventListener("abort", () => resolve());
        cancel.abort(new Error("enough"));
        return new Promise(() => {});
      };
    });
    const ask = { name: "ask", arguments: { ...args, confirm } };
    const asked = client.callTool(ask, undefined, { signal: cancel.signal });
    assert.match(await asked.then(() => "", String), /enough/);
    await aborted;
  });
});

describe("who may not", () => {
  test("a wrong token is answered with 401, none too", async () => {
    for (const authorization of [`Bearer ${"x".repeat(43)}`, ""]) {
      assert.equal(await refusalOf(transportTo({ authorization })), 401);
    }
  });

  test("a page of another origin is answered with 403, with the right token too", async () => {
    const transport = transportTo({ origin: "http://evil.example" });
    assert.equal(await refusalOf(transport), 403);
    const own = await post(INITIALIZE, { origin: server.origin });
    assert.equal(own.status, 200);
  });
});

describe("a session", () => {
  test("is ended by its client, and is then not found", async () => {
    const transport = transportTo();
    await connect(transport);
    const { sessionId = "" } = transport;
    assert.equal(await statusIn(sessionId), 200);
    await transport.terminateSession();
    assert.equal(await statusIn(sessionId), 404);
    assert.equal(await statusIn("made-up"), 404);
  });

  test("that is idle for half an hour ends; one that listens does not", async () => {
    const idle = await begin();
    const listening = await begin();
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      accept: "text/event-stream",
      "mcp-session-id": listening,
    };
    const leave = new AbortController();
    const { signal } = leave;
    const stream = await fetch(new URL("/mcp", server.origin), { headers, signal });
    assert.equal(stream.status, 200);
    nowMs += MCP_IDLE_MS - 1;
    assert.equal(await statusIn(idle), 200);
    nowMs += MCP_IDLE_MS;
    assert.equal(await statusIn(idle), 404);
    assert.equal(await statusIn(listening), 200);
    leave.abort();
  });

  test("makes room for another when there are too many, if it has been idle longest", async () => {
    const sessions: string[] = [];
    for (let i = 0; i < MAX_MCP_SESSIONS; i++) {
      nowMs++;
      sessions.push(await begin());
    }
    nowMs++;
    // What is no initialize begins nothing, and puts nobody out.
    const list = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} };
    assert.equal((await post(list)).status, 400);
    assert.equal(await statusIn(sessions[0]), 200);
    await begin();
    assert.equal(await statusIn(sessions[0]), 200);
    assert.equal(await statusIn(sessions[1]), 404);
    assert.equal(await statusIn(sessions[2]), 200);
  });

  test("when all are at work the next is told to come again, and what ends makes room", async () => {
    const leave = new AbortController();
    const { signal } = leave;
    for (let i = 0; i < MAX_MCP_SESSIONS; i++) {
      const session = await begin();
      const headers = {
        authorization: `Bearer ${TOKEN}`,
        accept: "text/event-stream",
        "mcp-session-id": session,
      };
      await fetch(new URL("/mcp", server.origin), { headers, signal });
    }
    const busy = await post(INITIALIZE);
    assert.equal(busy.status, 503);
    assert.equal(busy.headers.get("retry-after"), "5");
    leave.abort();
    while ((await post(INITIALIZE)).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("ends with the server, with what it has under way", async () => {
    const client = await connect();
    const args = { address: AGENT, message: 1 };
    const { confirm } = (await call(client, "ask", args)).structuredContent ?? {};
    const begun = new Promise<AbortSignal | undefined>((resolve) => {
      fake.answer = (_, signal) => {
        resolve(signal);
        return new Promise(() => {});
      };
    });
    const asked = call(client, "ask", { ...args, confirm }).then(
      ({ isError }) => isError,
      () => true,
    );
    const signal = await begun;
    await server.close();
    assert.isTrue(signal?.aborted);
    await client.close();
    assert.isTrue(await asked);
  });
});

test("a command comes from where it was sent, whoever began the session", async () => {
  const origins: string[] = [];
  Object.assign(fake.threats, {
    act: ({ who }: OperatorAct) => origins.push(`${who.name} ${who.origin} ${who.local}`),
  });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-session-id": await begin(),
  };
  for (const localAddress of ["127.0.0.1", "127.0.0.2"]) {
    const asked = request(new URL("/mcp", server.origin), {
      method: "POST",
      headers,
      localAddress,
    });
    const params = { name: "status", arguments: {} };
    asked.end(JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params }));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    assert.include(await text(response), "structuredContent");
  }
  assert.deepEqual(origins, ["token http 127.0.0.1 false", "token http 127.0.0.2 false"]);
});

describe("limits", () => {
  test("a request that is too long, and one that is no message, are refused as such", async () => {
    const long = { ...INITIALIZE, padding: "x".repeat(1_048_576) };
    assert.equal((await post(long)).status, 413);
    assert.equal((await post({ no: "message" })).status, 400);
    assert.equal((await post(INITIALIZE, { "content-type": "text/plain" })).status, 415);
    const put = { method: "PUT", headers: { authorization: `Bearer ${TOKEN}` } };
    const refused = await fetch(new URL("/mcp", server.origin), put);
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.get("allow"), "GET, POST, DELETE");
    const lost = { headers: { authorization: `Bearer ${TOKEN}`, accept: "text/event-stream" } };
    assert.equal((await fetch(new URL("/mcp", server.origin), lost)).status, 400);
  });

  test("the commands of all sessions count with those of the other routes", async () => {
    const releases: (() => void)[] = [];
    fake.answer = () =>
      new Promise((resolve) => releases.push(() => resolve({ state: 1, value: 1 })));
    const asks = Array.from({ length: 64 }, () =>
      fetch(new URL("/v1/commands/ask", server.origin), {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ address: AGENT, message: 1 }),
      }),
    );
    while (releases.length < 64) await new Promise((resolve) => setTimeout(resolve, 2));
    const client = await connect();
    const busy = await call(client, "status");
    assert.deepInclude(busy.structuredContent?.error, { code: "CONSOLE_BUSY" });
    for (const release of releases) release();
    for (const { status } of await Promise.all(asks)) assert.equal(status, 200);
    assert.isNotTrue((await call(client, "status")).isError);
  });
});
