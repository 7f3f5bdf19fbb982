import { afterEach, assert, beforeEach, test } from "vitest";
import { Host } from "../test/host.ts";
import type { Person } from "../test/person.ts";

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
});

const host = new Host();
let client: Person;
let ended: Promise<number>;

beforeEach(async () => {
  await host.open();
  client = host.guest();
  ended = client.run("mcp");
  await client.hears(/serving the mesh of process \d+/);
});

afterEach(() => host.close());

test("stdout has the protocol and nothing else; the end of stdin ends it with 0", async () => {
  client.type(INITIALIZE);
  await client.hears(/"id":1/);
  client.stdin.end();
  assert.equal(await ended, 0);
  const { id, result } = JSON.parse(client.out);
  assert.equal(id, 1);
  assert.deepInclude(result.serverInfo, { name: "mesh-30k" });
  assert.hasAllKeys(result.capabilities, ["tools", "resources", "completions"]);
});

test("a line that is no message is said on stderr, and the next one is answered", async () => {
  client.type("status", INITIALIZE);
  await client.hears(/"id":1/);
  assert.match(client.talk, /mcp: .*not valid JSON/);
  client.stdin.end();
  assert.equal(await ended, 0);
});

test("a request that does not end is not collected for ever: exit code 1", async () => {
  client.stdin.write("x".repeat(11 * 1_048_576));
  assert.equal(await ended, 1);
  assert.match(client.talk, /mcp: .*exceeded maximum size[\s\S]*cannot be served further/);
});

test("the end of the mesh ends it with 69", async () => {
  await host.close();
  assert.equal(await ended, 69);
  assert.match(client.talk, /the mesh has closed the connection/);
});
