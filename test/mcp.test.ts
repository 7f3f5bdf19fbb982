// `mesh-30k mcp` as an MCP client starts it: the bin file, the built package, a real mesh in another process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, assert, beforeEach, test } from "vitest";

const BIN = fileURLToPath(new URL("../runtime/index.js", import.meta.url));
const PUPPETS = fileURLToPath(new URL("puppet-agent.mjs", import.meta.url));
const SIZE = ["--sectors", "2", "--clusters", "2", "--agents", "3", "--workers", "1"];
const AGENT = "sector-1/cluster-1/agent-1";

let cwd: string;
let env: Record<string, string>;
const children: ChildProcess[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-mcp-"));
  env = { PATH: String(process.env.PATH), XDG_STATE_HOME: cwd, MESH_SOURCE: "0" };
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(...words: string[]): ChildProcess {
  const child = spawn(process.execPath, [BIN, ...words], { cwd, env, stdio: "pipe" });
  children.push(child);
  return child;
}

/** What it says on stderr up to a match; goes on listening: a closed stderr would end it. */
async function hears(child: ChildProcess, pattern: RegExp): Promise<string> {
  let said = "";
  let isClosed = false;
  child.stderr?.on("data", (chunk) => (said += chunk));
  child.once("close", () => (isClosed = true));
  while (!pattern.test(said)) {
    if (isClosed) assert.match(said, pattern);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return said;
}

test("a client looks at a real mesh, asks an agent, and a stopped mesh ends the server with 69", async () => {
  const mesh = start("start", ...SIZE, "--agent", PUPPETS);
  await hears(mesh, /mesh ready/);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, "mcp"],
    cwd,
    env,
    stderr: "ignore",
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const call = async (name: string, args: Record<string, unknown>): Promise<CallToolResult> =>
    (await client.callTool({ name, arguments: args })) as CallToolResult;
  const status = await call("status", {});
  assert.deepInclude(status.structuredContent?.agents, { total: 12, active: 12 });
  const words = { address: AGENT, message: { do: "echo", value: 7 } };
  const offered = await call("ask", words);
  assert.deepInclude(offered.structuredContent, { done: false });
  const asked = await call("ask", { ...words, confirm: offered.structuredContent?.confirm });
  assert.deepInclude(asked.structuredContent, { state: 1, value: 7 });
  const { contents } = await client.readResource({ uri: `mesh://agent/${AGENT}` });
  assert.deepInclude(JSON.parse((contents[0] as { text: string }).text), { address: AGENT });
  await client.close();

  const server = start("mcp");
  const exited = once(server, "exit");
  await hears(server, /serving the mesh of process \d+/);
  mesh.kill("SIGTERM");
  assert.deepEqual(await exited, [69, null]);
});

test("a client over HTTP does the same at the mesh itself, with the token of the printed URL", async () => {
  const mesh = start("start", ...SIZE, "--agent", PUPPETS, "--http", "127.0.0.1:0");
  const said = await hears(mesh, /dashboard http\S+\n/);
  const [, origin, token] = /dashboard (http\S+)\/\?token=(\S+)/.exec(said) ?? [];
  const headers = { authorization: `Bearer ${token}` };
  const client = new Client({ name: "test", version: "1" });
  const url = new URL("/mcp", origin);
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  await client.connect(transport as Transport);
  const ask = { address: AGENT, message: { do: "echo", value: 7 } };
  const offered = (await client.callTool({ name: "ask", arguments: ask })) as CallToolResult;
  const confirmed = { ...ask, confirm: offered.structuredContent?.confirm };
  const asked = (await client.callTool({ name: "ask", arguments: confirmed })) as CallToolResult;
  assert.deepInclude(asked.structuredContent, { state: 1, value: 7 });
  const exited = once(mesh, "exit");
  mesh.kill("SIGTERM");
  // A client that stays connected does not keep a mesh from stopping.
  assert.deepEqual(await exited, [0, null]);
  await client.close();
});

test("without a mesh it says so and ends with 69, and writes nothing where the protocol is spoken", async () => {
  const server = start("mcp");
  const exited = once(server, "exit");
  let out = "";
  server.stdout?.on("data", (chunk) => (out += chunk));
  await hears(server, /no mesh is running in .*mesh-30k start/);
  assert.deepEqual(await exited, [69, null]);
  assert.equal(out, "");
});

test("it ends with 0 when its client has gone", async () => {
  const mesh = start("start", ...SIZE, "--agent", PUPPETS);
  await hears(mesh, /mesh ready/);
  const server = start("mcp");
  const exited = once(server, "exit");
  await hears(server, /serving/);
  server.stdin?.end();
  assert.deepEqual(await exited, [0, null]);
});
