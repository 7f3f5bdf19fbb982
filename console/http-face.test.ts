import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../test/fake-mesh.ts";
import { Person } from "../test/person.ts";
import { COMMANDS } from "./commands.ts";
import { openHttpFace } from "./http-face.ts";

const SMALL = ["--sectors", "3", "--clusters", "2", "--agents", "4", "--no-repl"];
const URL_SAID = /dashboard (http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)/;

let cwd: string;
let blockers: Server[] = [];
let running: { person: Person; ended: Promise<number> }[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-http-"));
});

afterEach(async () => {
  for (const { person, ended } of running) {
    person.signals.emit("SIGTERM");
    await ended;
  }
  for (const server of blockers) await new Promise((resolve) => server.close(resolve));
  running = [];
  blockers = [];
});

/** A port that is taken. */
async function takenPort(): Promise<number> {
  const server = createServer();
  blockers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

async function start(...words: string[]): Promise<Person> {
  const person = new Person({ cwd });
  running.push({ person, ended: person.run("start", ...SMALL, ...words) });
  await person.hears(/mesh ready[^\n]*\n.*dashboard|error:/s);
  return person;
}

describe("start", () => {
  test("serves the dashboard where it says, for whoever has the token of its URL", async () => {
    const person = await start("--http", "127.0.0.1:0");
    const url = new URL(URL_SAID.exec(person.talk)?.[1] ?? assert.fail(person.talk));
    const token = url.searchParams.get("token") ?? "";
    assert.equal(Buffer.from(token, "base64url").length, 32);
    const headers = { authorization: `Bearer ${token}` };
    const status = await fetch(new URL("/v1/commands/status", url), { headers });
    assert.equal(((await status.json()) as { agents: { total: number } }).agents.total, 24);
    person.signals.emit("SIGTERM");
    await running[0].ended;
    const gone = await fetch(url).then(
      () => "there",
      () => "gone",
    );
    assert.equal(gone, "gone");
  });

  test("takes its token from a file, the same at each start", async () => {
    const file = join(cwd, "token");
    const token = "a".repeat(40);
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    const person = await start("--http", "127.0.0.1:0", "--http-token-file", "token");
    assert.include(person.talk, `token=${token}`);
  });

  test("an address that was named and is taken is an error, before anything boots", async () => {
    const port = await takenPort();
    const person = new Person({ cwd });
    assert.equal(await person.run("start", ...SMALL, "--http", `127.0.0.1:${port}`), 1);
    assert.include(person.talk, `http: 127.0.0.1:${port} is taken: name another with --http`);
    assert.isEmpty(person.meshes);
  });

  test("of the default another port will do, and it says so", async () => {
    const port = await takenPort();
    const plan = { address: { host: "127.0.0.1", port }, tokenFile: undefined, isNamed: false };
    const mesh = Promise.resolve(new FakeMesh().mesh);
    const { server, sentence } = await openHttpFace(plan, COMMANDS, mesh);
    try {
      assert.match(sentence, new RegExp(`^port ${port} is taken; dashboard http://127.0.0.1:`));
      assert.notEqual(server.address.port, port);
      assert.equal((await fetch(`${server.origin}/healthz`)).status, 200);
    } finally {
      await server.close();
    }
  });

  test("serves nothing beyond this machine without a certificate", async () => {
    const person = new Person({ cwd });
    assert.equal(await person.run("start", ...SMALL, "--http", "0.0.0.0:0"), 2);
    assert.match(
      person.talk,
      /http: expected --tls-cert and --tls-key with "0\.0\.0\.0".* nothing is served there but over TLS 1\.3/,
    );
    assert.equal(await person.run("start", ...SMALL, "--tls-cert", "nowhere.pem"), 2);
    assert.match(person.talk, /tls-cert: expected an existing file, got "nowhere\.pem"/);
  });

  test("serves nothing when it is turned off, and for a script unless it is asked for", async () => {
    const off: readonly string[][] = [
      ["--for", "1ms", "--no-http"],
      ["--for", "1ms", "--http", "off"],
      ["--run", "status"],
    ];
    for (const words of off) {
      // As without the tests' own setting: on by default.
      const person = new Person({ cwd, env: { MESH_HTTP: "" } });
      assert.equal(await person.run("start", ...SMALL, ...words), 0);
      assert.notMatch(person.talk, /dashboard/, words.join(" "));
    }
    const asked = new Person({ cwd });
    await asked.run("start", ...SMALL, "--run", "status", "--http", "127.0.0.1:0");
    assert.match(asked.talk, URL_SAID);
    const standard = new Person({ cwd, env: { MESH_HTTP: "" } });
    await standard.run("start", ...SMALL, "--for", "1ms");
    assert.match(standard.talk, URL_SAID);
  });

  test("an address that is none is named, with what was expected", async () => {
    const person = new Person({ cwd });
    assert.equal(await person.run("start", "--http", "127.0.0.1"), 2);
    assert.match(person.talk, /http: expected host:port such as .*, got "127.0.0.1" \(--http\)/);
  });
});
