// The package as its users get it: packed, installed in an empty project, imported, type-checked, run.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, beforeAll, describe, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** What packing must neither copy nor touch: other tests run on this tree's build meanwhile. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([".git", ".mesh-30k", "dist", "node_modules"]);

const folder = mkdtempSync(join(realpathSync(tmpdir()), "mesh-30k-package-"));
const project = join(folder, "project");

/** Runs a command to its end and gives its stdout; fails with all it said when it fails. */
function run(command: string, args: readonly string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  const said = `${done.error ?? ""}${done.stdout}${done.stderr}`;
  assert.equal(done.status, 0, `${command} ${args.join(" ")}\n${said}`);
  return done.stdout;
}

beforeAll(() => {
  const copy = join(folder, "tree");
  mkdirSync(copy);
  for (const entry of readdirSync(ROOT)) {
    if (!LEFT_BEHIND.has(entry)) cpSync(join(ROOT, entry), join(copy, entry), { recursive: true });
  }
  symlinkSync(realpathSync(join(ROOT, "node_modules")), join(copy, "node_modules"), "dir");
  run("npm", ["pack", "--pack-destination", folder], copy);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  run(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, tarball)],
    project,
  );
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

const AGENT = `
import { defineAgent, ready } from "mesh-30k";
export default defineAgent({
  capabilities: ["add"],
  init: () => ({ sum: 0 }),
  receive(state, message) {
    state.sum += message.add;
    return ready(state.sum);
  },
});
`;

const USER = `
import { createMesh } from "mesh-30k";
const mesh = await createMesh({
  agent: new URL("./agent.js", import.meta.url),
  topology: { sectors: 2, clustersPerSector: 2, agentsPerCluster: 5 },
  workers: 2,
  log: "silent",
});
const answers = await Promise.all(mesh.select("add").map((agent) => mesh.ask(agent, { add: 2 })));
await mesh.stop();
console.log(answers.reduce((sum, answer) => sum + answer.value, 0));
`;

/** Serves a mesh, and fetches the page and all that it asks for. */
const SERVER = `
import { createMesh, serveMesh } from "mesh-30k";
const mesh = await createMesh({
  agent: new URL("./agent.js", import.meta.url),
  topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 3 },
  log: "silent",
});
const server = await serveMesh(mesh);
const page = await (await fetch(server.url)).text();
const waiting = [...page.matchAll(/(?:src|href)="([/]dashboard[^"]+)"/g)].map(([, path]) => path);
const seen = new Set(waiting);
for (const path of waiting) {
  const response = await fetch(server.origin + path);
  if (response.status !== 200) throw new Error(path + ": " + response.status);
  for (const [, name] of (await response.text()).matchAll(/from "[.]([/][^"]+[.]js)"/g)) {
    if (!seen.has("/dashboard" + name)) waiting.push("/dashboard" + name);
    seen.add("/dashboard" + name);
  }
}
const headers = { authorization: "Bearer " + server.token };
const status = await (await fetch(server.origin + "/v1/commands/status", { headers })).json();
await server.close();
await mesh.stop();
console.log(JSON.stringify({ files: [...seen], agents: status.agents.active }));
`;

/** Holds only when the types infer: a wrong message, and an answer taken for READY unseen, are errors. */
const TYPED_USER = `
import { type Answer, createMesh, defineAgent, type Mesh, ready } from "mesh-30k";
import { createTopology } from "mesh-30k/coordination";

const behavior = defineAgent({
  init: () => ({ sum: 0 }),
  receive(state, message: { add: number }) {
    state.sum += message.add;
    return ready(state.sum);
  },
});

export async function add(mesh: Mesh, target: string): Promise<number> {
  const answer: Answer<number> = await mesh.ask<{ add: number }, number>(target, { add: 1 });
  // @ts-expect-error not every answer has a value
  answer.value;
  // @ts-expect-error no policy has this name
  await createMesh({ agent: "./agent.js", restart: "sometimes" });
  return answer.state === 1 ? answer.value : 0;
}

export const sectors: number = createTopology().sectors;
export { behavior };
`;

describe("the package, installed in an empty project", () => {
  test("its public door runs a mesh", () => {
    writeFileSync(join(project, "agent.js"), AGENT);
    writeFileSync(join(project, "user.js"), USER);
    assert.equal(run(process.execPath, ["user.js"], project).trim(), "40");
  });

  test("it serves a mesh, with the dashboard and all that the page asks for", () => {
    writeFileSync(join(project, "agent.js"), AGENT);
    writeFileSync(join(project, "server.js"), SERVER);
    const { files, agents } = JSON.parse(run(process.execPath, ["server.js"], project));
    assert.equal(agents, 3);
    assert.includeMembers(files, [
      "/dashboard/main.js",
      "/dashboard/style.css",
      "/dashboard/icon.svg",
      "/dashboard/field.js",
      "/dashboard/wire.js",
    ]);
  });

  test("its types hold under a strict compiler", () => {
    writeFileSync(join(project, "user.ts"), TYPED_USER);
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2023"];
    const libraries = ["--lib", "es2024,esnext.disposable", "--types", "node"];
    const typeRoots = ["--typeRoots", join(ROOT, "node_modules/@types")];
    run(
      process.execPath,
      [
        join(ROOT, "node_modules/typescript/bin/tsc"),
        ...options,
        ...libraries,
        ...typeRoots,
        "user.ts",
      ],
      project,
    );
  });

  test("its command boots 30,000 agents", () => {
    const args = ["--no-install", "mesh-30k", "start", "--for", "2s", "--no-repl", "--json"];
    args.push("--http", "127.0.0.1:0");
    const status = JSON.parse(run("npx", args, project));
    assert.equal(status.agents.total, 30_000);
    assert.equal(status.agents.active, 30_000);
    assert.equal(status.lost, 0);
  });

  test("it leaves the MCP library to those who want it, and tells them how to install it", () => {
    assert.isFalse(existsSync(join(project, "node_modules/@modelcontextprotocol")));
    const script = `
      import { loadMcpSdk } from "./node_modules/mesh-30k/dist/console/mcp/mcp-sdk.js";
      console.log(await loadMcpSdk().then(() => "loaded", ({ message }) => message));
    `;
    const said = run(process.execPath, ["--input-type=module", "-e", script], project);
    assert.match(said, /not installed: npm install @modelcontextprotocol\/sdk@/);
  });

  test("it ships its license and its change log, and no tests", () => {
    const installed = join(project, "node_modules/mesh-30k");
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    assert.includeMembers(files, ["LICENSE", "README.md", "CHANGELOG.md", "dist/index.d.ts"]);
    assert.deepEqual(
      files.filter((path) => /(^|\/)(test|bench)\/|\.test\./.test(path)),
      [],
    );
  });
});
