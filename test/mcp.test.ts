// `mesh-30k mcp` as an MCP client starts it: the bin file, the built package, a real mesh in another process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
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

/** Resolves when what it says on stderr matches, and goes on listening: a closed stderr would end it. */
async function hears(child: ChildProcess, pattern: RegExp): Promise<void> {
  let said = "";
  let isClosed = false;
  child.stderr?.on("data", (chunk) => (said += chunk));
  child.once("close", () => (isClosed = true));
  while (!pattern.test(said)) {
    if (isClosed) assert.match(said, pattern);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
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
