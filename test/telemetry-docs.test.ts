// docs/telemetry.md: its example gives the trace that it shows, and without an SDK nothing of it is loaded.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, beforeAll, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/telemetry.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "mesh-30k-telemetry-"));

beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/mesh-30k"), "dir");
  const packages = join(ROOT, "node_modules/@opentelemetry");
  symlinkSync(packages, join(folder, "node_modules/@opentelemetry"), "dir");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  for (const [, name, text] of page.matchAll(/^```js\n\/\/ (\S+)\n([^`]+)^```/gm))
    writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(name: string): string {
  const options = { cwd: folder, encoding: "utf8", timeout: 30_000 } as const;
  const done = spawnSync(process.execPath, [name], options);
  assert.equal(done.status, 0, done.stdout + done.stderr);
  return done.stdout;
}

test("the example prints the spans of one trace, with the parents that are drawn", () => {
  // As the console's exporter prints them, from three threads.
  const spans = run("traces.js")
    .split(/^\{$/m)
    .slice(1)
    .map((text) => ({
      name: /\n {2}name: '([^']+)'/.exec(text)?.[1] ?? "",
      id: /\n {2}id: '(\w+)'/.exec(text)?.[1] ?? "",
      parent: /parentSpanContext: \{[^}]*spanId: '(\w+)'/.exec(text)?.[1],
      trace: /traceId: '(\w+)'/.exec(text)?.[1],
    }));
  assert.lengthOf([...new Set(spans.map((span) => span.trace))], 1);
  const count = (name: string): number => spans.filter((span) => span.name === name).length;
  const names = ["morning", "mesh scatter-gather", "mesh sector", "mesh cluster", "mesh agent"];
  assert.deepEqual(names.map(count), [1, 1, 2, 4, 20]);
  assert.deepEqual([count("mesh ask"), count("mesh receive")], [1, 2]);
  const byId = new Map(spans.map((span) => [span.id, span]));
  const above: Record<string, readonly (string | undefined)[]> = {
    morning: [undefined],
    "mesh scatter-gather": ["morning"],
    "mesh sector": ["mesh scatter-gather"],
    "mesh cluster": ["mesh sector"],
    "mesh agent": ["mesh cluster"],
    "mesh ask": ["morning"],
    "mesh receive": ["mesh ask", "mesh receive"],
  };
  for (const { name, parent } of spans)
    assert.include(above[name], parent === undefined ? undefined : byId.get(parent)?.name, name);
});

test("without an SDK nothing of OpenTelemetry is loaded, on main or in a worker", () => {
  writeFileSync(
    join(folder, "plain.js"),
    `import Module from "node:module";
     import { defineAgent, ready } from "mesh-30k";
     export const loaded = () =>
       Object.keys(Module._cache).filter((path) => path.includes("opentelemetry"));
     export default defineAgent({ init: () => ({}), receive: () => ready(loaded()) });`,
  );
  writeFileSync(
    join(folder, "without.js"),
    `import { createMesh } from "mesh-30k";
     import { loaded } from "./plain.js";
     const topology = { sectors: 1, clustersPerSector: 1, agentsPerCluster: 2 };
     const agent = new URL("./plain.js", import.meta.url);
     const mesh = await createMesh({ agent, topology, log: "silent" });
     await mesh.scatterGather({ payload: {}, at: "now" });
     const { value } = await mesh.ask("sector-1/cluster-1/agent-1", {});
     console.log(JSON.stringify([loaded(), value]));
     // It would be seen.
     await import("@opentelemetry/api");
     console.log(loaded().length > 0);
     await mesh.stop();`,
  );
  assert.equal(run("without.js"), "[[],[]]\ntrue\n");
});
