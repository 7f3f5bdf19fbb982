// What of the guide is made by scripts is what they make of the code today.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

function run(args: readonly string[]): string {
  const options = { cwd: ROOT, encoding: "utf8", timeout: 60_000, maxBuffer: 1 << 24 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

const written = (name: string): string => readFileSync(join(ROOT, "docs", name), "utf8");

test("docs/api.md is what the doc comments say", () => {
  const now = run(["scripts/api-reference.mjs", "--print"]);
  assert.isTrue(now === written("api.md"), "docs/api.md is out of date: npm run api");
  for (const name of ["createMesh", "defineAgent", "MeshOptions", "CircuitEvent", "readCut"])
    assert.include(now, `\n### ${name}\n`);
});

test("the plots of docs/prediction.md are what the predictor draws", () => {
  const folder = mkdtempSync(join(tmpdir(), "mesh-30k-plots-"));
  try {
    run(["scripts/prediction-plots.mjs", folder]);
    const names = readdirSync(folder).sort();
    assert.deepEqual(
      names,
      ["arrivals", "learning", "price"].map((name) => `prediction-${name}.svg`),
    );
    for (const name of names) {
      const now = readFileSync(join(folder, name), "utf8");
      assert.isTrue(now === written(name), `docs/${name} is out of date: npm run plots`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
