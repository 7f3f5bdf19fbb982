import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../test/fake-mesh.ts";
import { COMMANDS } from "./commands.ts";
import { HttpServer } from "./http-server.ts";

const TOKEN = "t".repeat(43);
const AGENT = "sector-1/cluster-1/agent-1";

let fake: FakeMesh;
let server: HttpServer;
let nowMs = 0;
const servers: HttpServer[] = [];

beforeEach(async () => {
  nowMs = 1_000;
  fake = new FakeMesh();
  server = await open();
});

afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
});

async function open(
  mesh: Promise<FakeMesh["mesh"]> = Promise.resolve(fake.mesh),
  host = "127.0.0.1",
): Promise<HttpServer> {
  const address = { host, port: 0 };
  const made = await HttpServer.open({
    address,
    token: TOKEN,
    commands: COMMANDS,
    mesh,
    nowMs: () => nowMs,
  });
  servers.push(made);
  return made;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Json;
}

interface Json {
  readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
  readonly [key: string]: unknown;
}

/** Asks with every header as it is given, Host included; `fetch` would not let us. */
function ask(
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string | Buffer;
    readonly token?: string | undefined;
    readonly at?: HttpServer;
  } = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body, at = server } = options;
  const token = "token" in options ? options.token : TOKEN;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { port } = at.address;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: "127.0.0.1", port, path, method, headers: { ...authorization, ...headers } },
      (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          let json: Json = {};
          try {
            json = JSON.parse(text) as Json;
          } catch {
            // Not every answer is JSON.
          }
          resolve({ status, headers: response.headers, text, json });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function post(command: string, args: unknown, headers = {}): Promise<Answer> {
  return ask(`/v1/commands/${command}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof args === "string" ? args : JSON.stringify(args),
  });
}

describe("commands", () => {
  test("each of a mesh has a route, each of a person has none", async () => {
    const listed = (await ask("/v1/commands")).json as unknown as { name: string }[];
    const named = COMMANDS.filter(({ needs }) => needs === "mesh").map(({ name }) => name);
    assert.deepEqual(
      listed.map(({ name }) => name),
      named,
    );
    assert.equal((await post("start", {})).status, 404);
    assert.equal((await post("help", {})).status, 404);
  });

  test("a command answers what --json prints", async () => {
    const { status, json, headers } = await post("status", {});
    assert.equal(status, 200);
    assert.deepInclude(json, { mode: "FULL", lastCascadeMs: null, workers: 2 });
    assert.equal(headers["mesh-failed"], undefined);
    assert.equal(headers["cache-control"], "no-store");
  });

  test("arguments reach the command: from a body, from a query", async () => {
    await post("tell", { address: AGENT, message: { add: 2 }, priority: 3 });
    assert.deepEqual(fake.calls, [`tell ${AGENT} {"add":2} {"priority":3}`]);
    const { json } = await ask("/v1/commands/agents?class=gpu&limit=1&slow");
    assert.lengthOf(json as unknown as unknown[], 1);
    assert.deepInclude((json as unknown as Json[])[0], { agentClass: "CLASS_D_GPU" });
  });

  test("a command that ran and missed what was wanted says so", async () => {
    fake.outcome = () => ({ ready: 1, transit: 23 });
    const { status, headers, json } = await post("cascade", {});
    assert.equal(status, 200);
    assert.equal(headers["mesh-failed"], "true");
    assert.equal(json.achieved, 0);
  });

  test("what changes the mesh takes POST only", async () => {
    const got = await ask(`/v1/commands/kill?target=${AGENT}`);
    assert.equal(got.status, 405);
    assert.equal(got.headers.allow, "POST");
    assert.deepEqual(fake.calls, []);
    // With other arguments the same command may only look.
    assert.equal((await ask("/v1/commands/dead-letters")).status, 200);
    assert.equal((await ask("/v1/commands/dead-letters?action=replay&id=1")).status, 405);
    const dry = await ask(`/v1/commands/kill?target=${AGENT}&dryRun`);
    assert.deepInclude(dry.json, { dryRun: true, command: "kill" });
    assert.deepEqual(fake.calls, []);
    assert.equal((await ask("/v1/commands/status", { method: "PUT" })).status, 405);
    assert.equal((await ask("/healthz", { method: "DELETE" })).status, 405);
  });

  test("whoever accepts a stream hears of progress, then of the data", async () => {
    const lines = await post("cascade", {}, { accept: "application/x-ndjson" });
    const documents = lines.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    assert.match(String(documents[0].progress), /12 of 24 agents READY/);
    assert.deepInclude(documents.at(-1)?.data as Json, { command: "cascade", ready: 24 });
    const events = await post("cascade", {}, { accept: "text/event-stream" });
    assert.equal(events.headers["content-type"], "text/event-stream; charset=utf-8");
    assert.match(events.text, /^event: progress\ndata: ".*"\n\nevent: data\ndata: \{.*\}\n\n$/);
    fake.outcome = () => Promise.reject(new Error("torn"));
    const torn = await post("cascade", {}, { accept: "application/x-ndjson" });
    assert.match(torn.text, /\{"error":\{"code":"CONSOLE_FAILURE","message":"torn"\}\}\n$/);
  });

  test("a caller who goes calls its command off", async () => {
    let aborted = (): void => {};
    const called = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    fake.answer = (_, signal) => {
      signal?.addEventListener("abort", () => aborted());
      return new Promise(() => {});
    };
    const { port } = server.address;
    const path = `/v1/commands/ask?token=${TOKEN}`;
    const sent = httpRequest({ host: "127.0.0.1", port, path, method: "POST" });
    sent.on("error", () => {});
    sent.setHeader("content-type", "application/json");
    sent.end(JSON.stringify({ address: AGENT, message: 1 }));
    setTimeout(() => sent.destroy(), 50);
    await called;
  });

  test("more than 64 under way are turned away, and served again after", async () => {
    const releases: (() => void)[] = [];
    fake.answer = () =>
      new Promise((resolve) => {
        releases.push(() => resolve({ state: 1, value: 1 }));
      });
    const waiting = Array.from({ length: 64 }, () => post("ask", { address: AGENT, message: 1 }));
    while (releases.length < 64) await new Promise((resolve) => setTimeout(resolve, 2));
    const busy = await post("status", {});
    assert.equal(busy.status, 503);
    assert.equal(busy.headers["retry-after"], "1");
    for (const release of releases) release();
    await Promise.all(waiting);
    assert.equal((await post("status", {})).status, 200);
  });
});

describe("bad input", () => {
  const AT = `/v1/commands`;
  const json = { "content-type": "application/json" };
  const cases: readonly [
    name: string,
    path: string,
    options: Parameters<typeof ask>[1],
    status: number,
    field: string | undefined,
  ][] = [
    ["an unknown path", "/v2", {}, 404, undefined],
    ["a folder above", "/dashboard/../package.json", {}, 404, undefined],
    ["a file of the dashboard that is none", "/dashboard/wire.ts", {}, 404, undefined],
    ["an unknown command", `${AT}/kil`, { method: "POST" }, 404, "command"],
    ["a member of every object", `${AT}/constructor`, { method: "POST" }, 404, "command"],
    ["a wrong number in a query", `${AT}/agents?limit=0`, {}, 400, "limit"],
    ["an unknown argument in a query", `${AT}/agents?size=1`, {}, 400, "size"],
    ["an argument given twice", `${AT}/agents?limit=1&limit=2`, {}, 400, "limit"],
    ["a missing argument", `${AT}/inspect`, {}, 400, "address"],
    ["an address that nobody has", `${AT}/inspect?address=sector-9`, {}, 404, "address"],
    ["not JSON", `${AT}/tell`, { method: "POST", headers: json, body: "{" }, 400, "body"],
    ["a list", `${AT}/tell`, { method: "POST", headers: json, body: "[]" }, 400, "body"],
    ["null", `${AT}/tell`, { method: "POST", headers: json, body: "null" }, 400, "body"],
    [
      "bytes that are no UTF-8",
      `${AT}/tell`,
      { method: "POST", headers: json, body: Buffer.from([0x7b, 0xff, 0x7d]) },
      400,
      "body",
    ],
    [
      "a prototype as an argument",
      `${AT}/tell`,
      { method: "POST", headers: json, body: '{"__proto__":1}' },
      400,
      "__proto__",
    ],
    [
      "another type of body",
      `${AT}/tell`,
      { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" },
      415,
      "content-type",
    ],
    [
      "arguments that do not go together",
      `${AT}/cascade`,
      { method: "POST", headers: json, body: '{"hold":true,"noHold":true}' },
      400,
      "noHold",
    ],
    [
      "a body that is too long",
      `${AT}/tell`,
      { method: "POST", headers: json, body: `"${"x".repeat(1_048_576)}"` },
      413,
      "body",
    ],
    [
      "a body that is too long and does not say so",
      `${AT}/tell`,
      {
        method: "POST",
        headers: { ...json, "transfer-encoding": "chunked" },
        body: `"${"x".repeat(1_048_576)}"`,
      },
      413,
      "body",
    ],
    ["a path that is too long", `/${"x".repeat(9_000)}`, {}, 414, "url"],
    ["a path that is a URL", "http://127.0.0.1/healthz", {}, 400, "url"],
    ["a socket that is asked for in HTTP", "/v1/feed", {}, 426, "upgrade"],
  ];
  for (const [name, path, options, status, field] of cases) {
    test(`${name}: ${status}`, async () => {
      const answer = await ask(path, options);
      assert.equal(answer.status, status, answer.text.slice(0, 300));
      assert.equal(answer.json.error?.field, field);
      assert.isString(answer.json.error?.message);
      assert.deepEqual(fake.calls, []);
    });
  }

  test("bytes that are no HTTP end that connection only", async () => {
    const socket = connect(server.address.port, "127.0.0.1");
    socket.end("\u0016\u0003\u0001nonsense\r\n\r\n");
    const text = await new Promise<string>((resolve) => {
      let all = "";
      socket.on("data", (chunk) => {
        all += chunk;
      });
      socket.on("close", () => resolve(all));
    });
    assert.match(text, /^HTTP\/1.1 400 /);
    assert.equal((await ask("/healthz")).status, 200);
  });
});

describe("who may ask", () => {
  test("without the token only that the process is there, and the page that asks for it", async () => {
    for (const path of ["/healthz", "/readyz", "/openapi.json", "/", "/dashboard/main.js"]) {
      assert.equal((await ask(path, { token: undefined })).status, 200, path);
    }
    for (const path of ["/metrics", "/v1/commands", "/v1/commands/status"]) {
      const none = await ask(path, { token: undefined });
      assert.equal(none.status, 401, path);
      assert.equal(none.json.error?.field, "authorization");
      assert.match(String(none.headers["www-authenticate"]), /^Bearer /);
      assert.equal((await ask(path, { token: "t".repeat(42) })).status, 401);
      assert.equal((await ask(path, { token: `${"t".repeat(42)}x` })).status, 401);
      assert.equal((await ask(`${path}?token=${TOKEN}`, { token: undefined })).status, 200);
    }
    const post401 = await ask("/v1/commands/kill", { method: "POST", token: undefined });
    assert.equal(post401.status, 401);
  });

  const hosts: readonly [host: string, status: number][] = [
    ["127.0.0.1", 200],
    ["localhost:7300", 200],
    ["[::1]:7300", 200],
    ["LOCALHOST", 200],
    ["mesh.example", 403],
    ["127.0.0.1.example.com", 403],
    ["127.0.0.1@evil.example", 403],
    ["192.168.0.7", 403],
    ["localhost.", 403],
    ["[::1", 403],
  ];
  for (const [host, status] of hosts) {
    test(`Host ${JSON.stringify(host)}: ${status}`, async () => {
      const answer = await ask("/v1/commands/status", { headers: { host } });
      assert.equal(answer.status, status);
      if (status === 403) assert.equal(answer.json.error?.field, "host");
    });
  }

  test("pages of other origins are not answered, whatever they know", async () => {
    const { origin } = server;
    const host = origin.slice("http://".length);
    const at = "/v1/commands/status";
    assert.equal((await ask(at, { headers: { host, origin } })).status, 200);
    const port = Number(host.split(":")[1]) + 1;
    for (const other of [
      "http://evil.example",
      "null",
      `http://127.0.0.1:${port}`,
      `https://${host}`,
    ]) {
      const answer = await ask(at, { headers: { host, origin: other } });
      assert.equal(answer.status, 403, other);
      assert.equal(answer.json.error?.field, "origin");
    }
    const cross = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
    assert.equal((await ask(at, { headers: cross })).status, 403);
    const link = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    assert.equal((await ask("/", { headers: link })).status, 200);
    assert.notProperty((await ask(at)).headers, "access-control-allow-origin");
  });

  test("one that listens beyond this machine is found by numbers, not by names", async () => {
    const wide = await open(undefined, "0.0.0.0");
    for (const [host, status] of [
      ["192.168.0.7:7300", 200],
      ["localhost", 200],
      ["rebound.example", 403],
    ] as const) {
      assert.equal((await ask("/healthz", { headers: { host }, at: wide })).status, status, host);
    }
  });
});

describe("limits", () => {
  test("more requests than the rate allows are told when to come again", async () => {
    for (let i = 0; i < 400; i++) assert.equal((await ask("/healthz")).status, 200);
    const late = await ask("/healthz");
    assert.equal(late.status, 429);
    assert.equal(late.headers["retry-after"], "1");
    nowMs += 1_000;
    assert.equal((await ask("/healthz")).status, 200);
  });

  test("wrong tokens are counted, and the right one has to wait with them", async () => {
    for (let i = 0; i < 20; i++) {
      assert.equal((await ask("/metrics", { token: "x" })).status, 401);
    }
    assert.equal((await ask("/metrics", { token: "x" })).status, 429);
    assert.equal((await ask("/metrics")).status, 429);
    assert.equal((await ask("/healthz")).status, 200);
    nowMs += 1_000;
    assert.equal((await ask("/metrics")).status, 200);
  });

  test("of 128 connections that say nothing the next is closed", async () => {
    const { port } = server.address;
    const sockets = Array.from({ length: 128 }, () => connect(port, "127.0.0.1"));
    await Promise.all(sockets.map((socket) => new Promise((r) => socket.once("connect", r))));
    // Accepted in order: when one more has been answered by a close, all before it were taken.
    const over = connect(port, "127.0.0.1");
    over.on("error", () => {});
    await new Promise((resolve) => over.once("close", resolve));
    for (const socket of sockets) socket.destroy();
  });
});

describe("life", () => {
  test("before there is a mesh it is healthy and not ready", async () => {
    let ready = (_: FakeMesh["mesh"]): void => {};
    const booting = await open(
      new Promise((resolve) => {
        ready = resolve;
      }),
    );
    assert.equal((await ask("/healthz", { at: booting })).status, 200);
    const not = await ask("/readyz", { at: booting });
    assert.equal(not.status, 503);
    assert.deepEqual(not.json, { ready: false, state: "starting" });
    const early = await ask("/v1/commands/status", { at: booting });
    assert.equal(early.status, 503);
    assert.equal(early.json.error?.code, "CONSOLE_STARTING");
    ready(fake.mesh);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await ask("/readyz", { at: booting })).status, 200);
    fake.status_ = { state: "stopping" };
    assert.deepInclude((await ask("/readyz", { at: booting })).json, { ready: false });
  });

  test("closing calls off what is under way, and the port is free", async () => {
    fake.answer = () => new Promise(() => {});
    const waiting = post("ask", { address: AGENT, message: 1 });
    const ended = waiting.then(
      ({ status }) => status,
      () => "cut",
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { port } = server.address;
    await server.close();
    assert.include([500, "cut"], await ended);
    const again = await HttpServer.open({
      address: { host: "127.0.0.1", port },
      token: TOKEN,
      commands: COMMANDS,
      mesh: Promise.resolve(fake.mesh),
    });
    servers.push(again);
  });

  test("assets have tags, a policy that lets nothing in, and are not sent twice", async () => {
    const page = await ask("/", { token: undefined });
    assert.match(String(page.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    assert.notInclude(page.text, TOKEN);
    assert.notMatch(page.text, /https?:\/\//);
    const tag = String(page.headers.etag);
    const same = await ask("/", { headers: { "if-none-match": tag } });
    assert.equal(same.status, 304);
    assert.equal(same.text, "");
    const head = await ask("/", { method: "HEAD" });
    assert.equal(head.text, "");
    assert.equal(head.headers["content-length"], page.headers["content-length"]);
  });
});
