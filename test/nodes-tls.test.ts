// Nodes over a real nats-server that asks each for a certificate: deploy/nats.conf, with the certificates of `certs`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, test } from "vitest";
import type { Mesh } from "../index.ts";
import { TierCertificates } from "../runtime/trust/tier-certificates.ts";
import { startMesh } from "./mesh.ts";
import { startTlsServer, type TlsServer } from "./tls-server.ts";

const root = mkdtempSync(join(tmpdir(), "mesh-nodes-tls-"));
let own: string;
let foreign: string;
let server: TlsServer;

async function certificates(name: string): Promise<string> {
  const store = new TierCertificates(join(root, name), {});
  await store.init([
    { name: "server", tier: "server", hosts: ["localhost", "127.0.0.1"], days: 30 },
    { name: "node-1", tier: "node", hosts: [], days: 30 },
  ]);
  return store.folder;
}

beforeAll(async () => {
  [own, foreign] = await Promise.all([certificates("own"), certificates("foreign")]);
  server = await startTlsServer(own, root);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function node(name: string, tls: { ca: string; cert?: string; key?: string }): Promise<Mesh> {
  return startMesh("wary", {
    topology: { sectors: 2, clustersPerSector: 1, agentsPerCluster: 2 },
    workers: 1,
    dataDir: join(root, name),
    nodes: { join: `tls://localhost:${server.port}`, name, tls },
  });
}

test("a node with a certificate of the mesh joins; one without, or with a foreign one, does not", async () => {
  const pem = (folder: string): { cert: string; key: string } => {
    const file = join(folder, "node-1.pem");
    return { cert: file, key: file };
  };
  const ca = join(own, "ca.pem");
  const mesh = await node("a", { ca, ...pem(own) });
  assert.equal(mesh.status().state, "running");
  const refused = (name: string, tls: Parameters<typeof node>[1]): Promise<string> =>
    node(name, tls).then(
      async (joined) => {
        await joined.stop();
        return "it joined";
      },
      (error) => String(error.message),
    );
  // At once: a server that hangs up is a silence to its client, which waits for its time to pass.
  const [without, of, at] = await Promise.all([
    refused("b", { ca }),
    refused("c", { ca, ...pem(foreign) }),
    refused("d", { ca: join(foreign, "ca.pem"), ...pem(own) }),
  ]);
  for (const sentence of [without, of])
    assert.match(sentence, /^nodes\.join: tls:.*(timeout|certificate)/i);
  assert.match(at, /^nodes\.join: tls:.*(verify|self-signed)/);
  assert.equal(mesh.status().state, "running");
  await mesh.stop();
}, 60_000);
