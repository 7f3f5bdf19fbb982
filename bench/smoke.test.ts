import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BENCHES } from "./benches.ts";
import type { Figure } from "./harness.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const LIMIT_MS = 60_000;
/** Left out of the peers where it is not installed. */
const OPTIONAL_PEER = "Erlang";

/** Runs the benches of the built package. */
function bench(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ["--expose-gc", "dist/bench/index.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: LIMIT_MS,
  });
}

test.each(BENCHES)(
  "$name proves its answer at a small size and prints each metric once",
  (subject) => {
    const { status, stdout, stderr } = bench(subject.name, "--smoke", "--json");
    expect(status, stderr).toBe(0);
    const figures = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Figure);
    expect(figures.map(({ metric }) => metric)).toEqual(Object.keys(subject.metrics));
    for (const figure of figures) {
      expect(Object.keys(figure)).toEqual([
        "bench",
        "metric",
        "value",
        "unit",
        "min",
        "max",
        "runs",
        "peers",
      ]);
      expect(figure.bench).toBe(subject.name);
      expect(figure.unit).toBe(subject.metrics[figure.metric].unit);
      expect(figure.min).toBeLessThanOrEqual(figure.value);
      expect(figure.value).toBeLessThanOrEqual(figure.max);
      expect(figure.runs).toBe(1);
      for (const theirs of Object.values(figure.peers)) expect(theirs).toBeGreaterThan(0);
    }
    const measured = new Set(figures.flatMap(({ peers }) => Object.keys(peers)));
    measured.delete(OPTIONAL_PEER);
    const peers = Object.keys(subject.peers).filter((name) => name !== OPTIONAL_PEER);
    expect([...measured].sort()).toEqual(peers.sort());
  },
  LIMIT_MS,
);

test("a bench that does not exist is refused with the list of those that do", () => {
  const { status, stdout, stderr } = bench("heartbeat", "tell.nobody");
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("unknown bench: tell.nobody");
  for (const { name } of BENCHES) expect(stderr).toContain(`  ${name} `);
});

test("--runs that is no number, and an option that does not exist, are refused", () => {
  expect(bench("--runs", "many").stderr).toContain("--runs must be a whole number: many");
  expect(bench("--runs", "many").status).toBe(2);
  expect(bench("--fast").status).toBe(2);
});

test("--help names every bench, its question and its sizes", () => {
  const { status, stdout } = bench("--help");
  expect(status).toBe(0);
  for (const { name, question } of BENCHES) {
    expect(stdout).toContain(name);
    expect(stdout).toContain(question);
  }
});

test("--markdown prints the machine and a table of the figures", () => {
  const { status, stdout, stderr } = bench("codec", "--smoke", "--markdown");
  expect(status, stderr).toBe(0);
  const lines = stdout.split("\n");
  expect(lines[0]).toContain(`Node ${process.version}`);
  expect(lines[2]).toMatch(/^\| bench \| metric \| median \|/);
  expect(lines[4]).toMatch(/^\| codec \| encode \| [\d.]+ ns \|/);
});
