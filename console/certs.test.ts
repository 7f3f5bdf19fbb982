import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import Module from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { TierCertificates, type TierRequest } from "../runtime/trust/tier-certificates.ts";
import { Person } from "../test/person.ts";
import { pingServer, startTlsServer, type TlsServer } from "../test/tls-server.ts";

const root = mkdtempSync(join(tmpdir(), "mesh-certs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SERVER: TierRequest = { name: "server", tier: "server", hosts: ["localhost"], days: 30 };
const NODE: TierRequest = { name: "node-1", tier: "node", hosts: [], days: 30 };

async function refusal(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => "it got in",
    (error) => String(error.message ?? error),
  );
}

/** A folder with an authority, a server's and a node's certificate. */
async function made(name: string): Promise<TierCertificates> {
  const store = new TierCertificates(join(root, name), {});
  await store.init([SERVER, NODE]);
  return store;
}

describe("with a real nats-server that verifies", () => {
  let mine: TierCertificates;
  let foreign: TierCertificates;
  let server: TlsServer;
  const file = (store: TierCertificates, name: string): string => join(store.folder, `${name}.pem`);

  beforeAll(async () => {
    [mine, foreign] = await Promise.all([made("mine"), made("foreign")]);
    server = await startTlsServer(mine.folder, root);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test("a node gets in by its certificate", async () => {
    await pingServer(server.port, { own: file(mine, "node-1"), ca: file(mine, "ca") });
  });

  test("nobody gets in without one, by a foreign one, or by one that vouches for itself", async () => {
    const ca = file(mine, "ca");
    assert.notEqual(await refusal(pingServer(server.port, { ca })), "it got in");
    const own = file(foreign, "node-1");
    assert.notEqual(await refusal(pingServer(server.port, { own, ca })), "it got in");
  });

  test("a node does not speak to a foreign server, nor to one under another name", async () => {
    const own = file(mine, "node-1");
    const other = await refusal(pingServer(server.port, { own, ca: file(foreign, "ca") }));
    assert.match(other, /unable to verify|self-signed|signature/);
    const wrong = pingServer(server.port, { own, ca: file(mine, "ca"), host: "elsewhere" });
    assert.match(await refusal(wrong), /does not match/);
  });

  test("what is renewed and what was before both hold, and so through a change of the authority", async () => {
    const ca = file(mine, "ca");
    const old = join(root, "old-node.pem");
    copyFileSync(file(mine, "node-1"), old);
    await mine.rotate("all", undefined);
    await server.reload();
    for (const own of [old, file(mine, "node-1")]) await pingServer(server.port, { own, ca });
    const before = join(root, "old-ca.pem");
    copyFileSync(ca, before);
    await mine.rotateAuthority();
    // Handed out to the server first: it trusts both, and shows what both trust.
    await server.reload();
    await pingServer(server.port, { own: old, ca: before });
    await mine.rotate("all", undefined);
    // A node that has the new one already, at a server that has not been told yet.
    await pingServer(server.port, { own: file(mine, "node-1"), ca });
    await server.reload();
    for (const own of [old, file(mine, "node-1")]) await pingServer(server.port, { own, ca });
    assert.match(
      await refusal(pingServer(server.port, { own: old, ca: before })),
      /verify|self-signed/,
    );
  });
});

test("a certificate says who it is, for what it is, and ends in a month; keys are their owner's alone", async () => {
  const { folder } = await made("looked-at");
  const leaf = new X509Certificate(readFileSync(join(folder, "node-1.pem")));
  const server = new X509Certificate(readFileSync(join(folder, "server.pem")));
  const ca = new X509Certificate(readFileSync(join(folder, "ca.pem")));
  assert.isTrue(ca.ca);
  assert.isFalse(leaf.ca);
  assert.isTrue(leaf.verify(ca.publicKey));
  assert.equal(leaf.subjectAltName, "URI:spiffe://mesh-30k/node/node-1");
  assert.equal(server.subjectAltName, "DNS:localhost, URI:spiffe://mesh-30k/server/server");
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.deepEqual(server.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  const days = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / 86_400_000;
  assert.closeTo(days, 30, 0.01);
  for (const name of readdirSync(folder))
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  assert.notInclude(readFileSync(join(folder, "ca.key.sealed"), "latin1"), "PRIVATE KEY");
});

test("what is due is renewed, what is not is left, and an authority that nothing needs is let go", async () => {
  const store = new TierCertificates(join(root, "due"), {});
  await store.init([SERVER, { ...NODE, days: 1 }]);
  assert.isEmpty(await store.rotate(undefined, undefined));
  await store.rotateAuthority();
  await store.rotateAuthority();
  // The second one never signed anything.
  assert.lengthOf(
    store.list().filter(({ tier }) => tier === "ca"),
    2,
  );
  const [{ fingerprint }] = store.list().filter(({ name }) => name === "node-1");
  assert.deepEqual(await store.rotate("node-1", undefined), ["node-1"]);
  const [after] = store.list().filter(({ name }) => name === "node-1");
  assert.notEqual(after.fingerprint, fingerprint);
  assert.closeTo(after.notAfterMs - after.notBeforeMs, 86_400_000 + 300_000, 2_000);
});

test("what cannot be is refused with its field, its value and what was expected", async () => {
  const store = await made("refusing");
  assert.match(await refusal(store.init([])), /has an authority already/);
  assert.match(await refusal(store.issue(NODE)), /node-1: has a certificate already/);
  assert.match(await refusal(store.issue({ ...NODE, name: "../x" })), /name: expected .*"\.\.\/x"/);
  assert.match(await refusal(store.issue({ ...NODE, name: "ca" })), /name: expected .*not ca/);
  assert.match(
    await refusal(store.issue({ ...NODE, name: "n", days: 0 })),
    /days: expected .*, got 0/,
  );
  assert.match(
    await refusal(store.issue({ ...SERVER, name: "s", hosts: ["a b"] })),
    /hosts: .*"a b"/,
  );
  assert.match(await refusal(store.issue({ ...SERVER, name: "s", hosts: [] })), /hosts: expected/);
  assert.match(
    await refusal(store.rotate("nobody", undefined)),
    /name: expected all, ca, .*node-1/,
  );
  const none = new TierCertificates(join(root, "empty"), {});
  assert.match(await refusal(none.issue(NODE)), /certs init makes one/);
  chmodSync(join(root, "refusing", "keys", "seal.key"), 0o644);
  assert.match(await refusal(store.issue({ ...NODE, name: "n" })), /expected mode 0600/);
});

test("without the package that makes them, the error says what to install", async () => {
  const hidden = Module as unknown as { _load(name: string, ...more: unknown[]): unknown };
  const load = hidden._load;
  hidden._load = function (name, ...more) {
    if (name === "@peculiar/x509") throw new Error(`Cannot find module '${name}'`);
    return load.call(this, name, ...more);
  };
  try {
    const store = new TierCertificates(join(root, "absent"), {});
    assert.match(await refusal(store.init([NODE])), /npm install @peculiar\/x509/);
  } finally {
    hidden._load = load;
  }
});

describe("certs, as people use it where no mesh runs", () => {
  const dataDir = join(root, "said");
  const certs = async (...argv: string[]): Promise<{ code: number; out: string; talk: string }> => {
    const person = new Person({ cwd: root });
    const code = await person.run("certs", ...argv, "--data", dataDir);
    return { code, out: person.out, talk: person.talk };
  };

  test("they are made, listed, issued and renewed, and first only shown what would be", async () => {
    const dry = await certs("init", "--dry-run");
    assert.match(dry.out, /Would make ca, server, orchestrator, node-1 in .*nothing was done/);
    assert.isFalse(existsSync(dataDir));
    const init = await certs("init", "--hosts", "nats,127.0.0.1");
    assert.equal(init.code, 0, init.talk);
    assert.match(init.out, /Made ca, server, orchestrator, node-1 in /);
    assert.match((await certs("issue", "node-2")).out, /Made node-2/);
    assert.match((await certs("rotate")).out, /None is due/);
    assert.match((await certs("rotate", "node-2", "--dry-run")).out, /Would renew node-2/);
    assert.match((await certs("rotate", "node-2")).out, /Renewed node-2/);
    const { out } = await certs("list", "--json");
    const { certificates } = JSON.parse(out) as { certificates: Record<string, unknown>[] };
    assert.deepEqual(
      certificates.map(({ name, tier, hosts, state }) => [name, tier, hosts, state]),
      [
        ["ca", "ca", [], "valid"],
        ["node-1", "node", [], "valid"],
        ["node-2", "node", [], "valid"],
        ["orchestrator", "orchestrator", [], "valid"],
        ["server", "server", ["nats", "127.0.0.1"], "valid"],
      ],
    );
    assert.match((await certs()).out, /^NAME +TIER +HOSTS/);
  });

  for (const [argv, why] of [
    [["issue"], /issue: expected a name/],
    [["list", "x"], /list: expected no name, got "x"/],
    [["rotate", "--tier", "node"], /--tier is for issue/],
    [["rotate", "--hosts", "a"], /--hosts is for init and issue/],
    [["rotate", "ca", "--days", "3"], /--days is for/],
    [["issue", "n", "--days", "1000"], /days: .*825/],
  ] as const) {
    test(`certs ${argv.join(" ")} is refused`, async () => {
      const { code, talk } = await certs(...argv);
      assert.equal(code, 2, talk);
      assert.match(talk, why);
    });
  }
});
