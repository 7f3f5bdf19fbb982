// The HTTP face beyond this machine: TLS 1.3 and a login, or nothing.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, assert, beforeEach, test } from "vitest";
import { COMMANDS } from "../console/commands.ts";
import { readTls } from "../console/http/tls-files.ts";
import { openHttpFace } from "../console/http-face.ts";
import { Gate } from "../console/operator/gate.ts";
import { SoftwareAuthenticator } from "./authenticator.ts";
import { selfSigned } from "./certificate.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { Person } from "./person.ts";

const SMALL = ["--sectors", "3", "--clusters", "2", "--agents", "4", "--no-repl"];

let cwd: string;
let ended: Promise<number> | undefined;
let person: Person;
const made = selfSigned("localhost");

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-tls-"));
  writeFileSync(join(cwd, "cert.pem"), made.cert);
  writeFileSync(join(cwd, "key.pem"), made.key, { mode: 0o600 });
});

afterEach(async () => {
  person?.signals.emit("SIGTERM");
  await ended;
  rmSync(cwd, { recursive: true });
});

async function start(...words: string[]): Promise<URL> {
  person = new Person({ cwd });
  ended = person.run("start", ...SMALL, ...words);
  await person.hears(/mesh ready[^\n]*\n.*dashboard|error:/s);
  return new URL(/dashboard (\S+)/.exec(person.talk)?.[1] ?? assert.fail(person.talk));
}

interface Reply {
  readonly status: number;
  readonly cookie: string;
  readonly text: string;
}

function ask(url: URL, path: string, body?: object): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { origin, port } = url;
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path,
        ca: made.cert,
        servername: "localhost",
        method: body === undefined ? "GET" : "POST",
        headers: { host: url.host, origin, "content-type": "application/json" },
      },
      async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        const [cookie = ""] = response.headers["set-cookie"] ?? [];
        resolve({ status: response.statusCode ?? 0, cookie, text });
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test("beyond this machine the first operator is invited over TLS 1.3, and nobody comes in otherwise", async () => {
  const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
  const url = await start("--http", "0.0.0.0:0", "--http-name", "localhost", ...tls);
  assert.equal(url.protocol, "https:");
  assert.equal(url.hostname, "localhost");
  assert.equal((await ask(url, "/v1/commands/status")).status, 401);
  const invitation =
    new URLSearchParams(url.hash.slice(1)).get("invitation") ?? assert.fail(url.hash);
  const options = await ask(url, "/v1/login/enrol-options", { invitation });
  const credential = new SoftwareAuthenticator(url.origin).create(JSON.parse(options.text));
  const { status, cookie } = await ask(url, "/v1/login/enrol", { invitation, credential });
  assert.equal(status, 200);
  assert.match(
    cookie,
    /^__Host-mesh-30k-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800; Secure$/,
  );

  const old = await new Promise<string>((resolve) => {
    const versions = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
    const socket = connect({
      host: "127.0.0.1",
      port: Number(url.port),
      ca: made.cert,
      ...versions,
    });
    socket.once("secureConnect", () => resolve("taken"));
    socket.once("error", ({ message }) => resolve(message));
  });
  assert.match(old, /protocol version|alert/);
  const plain = await fetch(`http://127.0.0.1:${url.port}/healthz`).then(
    () => "answered",
    () => "refused",
  );
  assert.equal(plain, "refused");
});

test("where a login is required the token opens nothing, unless it is said what", async () => {
  writeFileSync(join(cwd, "token"), "t".repeat(43), { mode: 0o600 });
  const url = await start("--http", "127.0.0.1:0", "--require-login", "--http-token-file", "token");
  assert.match(
    person.talk,
    /#invitation=[\w-]{43} enrols the first operator, once, within 15 minutes/,
  );
  const place = `http://127.0.0.1:${url.port}`;
  const headers = { authorization: `Bearer ${"t".repeat(43)}` };
  const refused = await fetch(`${place}/v1/commands/status`, { headers });
  assert.equal(refused.status, 401);
  assert.match(await refused.text(), /the token opens nothing here: log in/);
  person.signals.emit("SIGTERM");
  await ended;
  const words = ["--require-login", "--http-token-file", "token", "--token-role", "observe"];
  const other = await start("--http", "127.0.0.1:0", ...words);
  const looks = await fetch(new URL("/metrics", other), { headers });
  assert.equal(looks.status, 200);
  assert.match(await looks.text(), /mesh_operator_refusals_total\{reason="token"\} 0/);
  const changes = await fetch(new URL("/v1/commands/mode?action=set&mode=FULL", other), {
    headers,
  });
  assert.include([403, 405], changes.status);
});

test("behind a proxy that speaks TLS the cookie is for TLS alone, and pages of its name are ours", async () => {
  const gate = new Gate({ requireLogin: true });
  const address = { host: "0.0.0.0", port: 0 };
  const plan = { address, tokenFile: undefined, isNamed: true, name: "mesh.example.com" };
  const mesh = Promise.resolve(new FakeMesh().mesh);
  const { server, sentence } = await openHttpFace(plan, COMMANDS, mesh, gate);
  try {
    const url = new URL(/dashboard (\S+)/.exec(sentence)?.[1] ?? assert.fail(sentence));
    assert.equal(url.origin, "https://mesh.example.com");
    const invitation = new URLSearchParams(url.hash.slice(1)).get("invitation") ?? "";
    const post = (path: string, body: object, origin = url.origin): Promise<Reply> =>
      new Promise((resolve, reject) => {
        const headers = { host: url.host, origin, "content-type": "application/json" };
        const { port } = server.address;
        const asked = plainRequest({ port, path, method: "POST", headers }, async (response) => {
          let text = "";
          for await (const chunk of response) text += chunk;
          const [cookie = ""] = response.headers["set-cookie"] ?? [];
          resolve({ status: response.statusCode ?? 0, cookie, text });
        });
        asked.on("error", reject);
        asked.end(JSON.stringify(body));
      });
    const { text } = await post("/v1/login/enrol-options", { invitation });
    const credential = new SoftwareAuthenticator(url.origin).create(JSON.parse(text));
    const enrolled = await post("/v1/login/enrol", { invitation, credential });
    assert.match(enrolled.cookie, /^__Host-mesh-30k-.*; Secure$/);
    assert.equal((await post("/v1/login/options", {}, "https://evil.example")).status, 403);
  } finally {
    await server.close();
  }
});

test("a key that others can read is refused, and a renewed pair is taken when it fits together", () => {
  const [cert, key] = [join(cwd, "cert.pem"), join(cwd, "key.pem")];
  const files = readTls(cert, key);
  assert.isUndefined(files.renewed());
  const next = selfSigned("localhost");
  writeFileSync(cert, `${next.cert}\n`);
  assert.isUndefined(files.renewed());
  writeFileSync(key, `${next.key}\n`);
  assert.equal(files.renewed()?.cert.toString().trim(), next.cert.trim());
  assert.isUndefined(files.renewed());
  rmSync(key);
  assert.isUndefined(files.renewed());
  assert.throws(() => readTls(cert, key), /tls-cert, tls-key: expected .*: ENOENT/);
  writeFileSync(key, next.key, { mode: 0o600 });
  chmodSync(key, 0o644);
  assert.throws(
    () => readTls(cert, key),
    /tls-key: expected a file that only its owner can read, got mode 644/,
  );
});

test("a mesh whose list of operators was broken starts for nobody", () => {
  const dataDir = join(cwd, "data");
  const gate = new Gate({ dataDir });
  gate.logins.operators.enrol("alice", "admin", {
    id: "a",
    publicKey: "b",
    counter: 0,
    aaguid: "",
    transports: [],
    isSynced: false,
    enrolledMs: 0,
  });
  assert.isTrue(new Gate({ dataDir }).logins.isEnrolled);
  writeFileSync(join(dataDir, "operators", "operators.json"), '{"operators": [{"name": 1}]}');
  assert.throws(() => new Gate({ dataDir }), /expected operators, got something else/);
});
