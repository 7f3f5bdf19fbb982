// simulate, as people and as scripts see it. What it simulates is tested in simulator/.
import { tmpdir } from "node:os";
import { assert, describe, test } from "vitest";
import { Person } from "../test/person.ts";

const SMALL = ["--agents", "20", "--for", "3s", "--seed", "3"];

async function simulate(
  ...words: string[]
): Promise<{ readonly code: number; readonly out: string; readonly talk: string }> {
  const person = new Person({ cwd: tmpdir() });
  const code = await person.run("simulate", ...words);
  return { code, out: person.out, talk: person.talk };
}

describe("simulate", () => {
  test("prints the indicators against their targets, what happened, and that all invariants held", async () => {
    const { code, out, talk } = await simulate(...SMALL, "--faults", "none");
    assert.include([0, 3], code);
    assert.match(out, /^INDICATOR +VALUE +TARGET +MET +MEASURED\n/);
    assert.match(out, /\nmesh availability +100\.00% +≥ 99\.9% +yes /);
    assert.match(out, /\nSimulated +20 agents for 3\.0s, seed 3\nFaults +none: none happened\n/);
    assert.match(out, /, SHA-256 [0-9a-f]{64}\nInvariants +all held\n$/);
    // How far it is goes to people, not to who reads the data.
    assert.match(talk, /^simulated .+ of 3\.0s \(\d+%\)\n/);
  });

  test("prints one JSON document, with the command that does the same again", async () => {
    const { out } = await simulate(...SMALL, "--faults", "storm", "--json");
    const run = JSON.parse(out);
    assert.isNull(run.violation);
    assert.equal(run.replay, "mesh-30k simulate --agents 20 --for 3000ms --faults storm --seed 3");
    const again = await simulate(...run.replay.split(" ").slice(2), "--json");
    assert.equal(JSON.parse(again.out).digest, run.digest);
  });

  test("ends with 3 when a target is missed", async () => {
    const { code, out } = await simulate(
      "--agents",
      "60",
      "--for",
      "5s",
      "--faults",
      "storm",
      "--json",
    );
    assert.isNotEmpty(JSON.parse(out).missed);
    assert.equal(code, 3);
  });

  test("runs a range of seeds, and says how many", async () => {
    const { code, out } = await simulate("--seeds", "4..6", "--for", "1s", "--json");
    const { seeds, run, smallest } = JSON.parse(out);
    assert.deepEqual(
      { seeds, run, smallest },
      { seeds: { from: 4, to: 6 }, run: 3, smallest: null },
    );
    assert.equal(code, 0);
  });
});

describe("simulate is refused", () => {
  const cases: readonly (readonly [words: string[], why: RegExp])[] = [
    [["--agents", "1"], /agents: expected a whole number from 2 to 1,000,000, got "1"/],
    [["--faults", "rain"], /faults: expected one of none, default, .+, got "rain"/],
    [["--seeds", "9..1"], /seeds: expected a range of seeds such as 1\.\.1000/],
    [["--seed", "1", "--seeds", "1..2"], /--seed and --seeds exclude each other/],
    [["--hours", "1", "--for", "1s"], /--hours and --for exclude each other/],
    [["--agents", "60", "--scale", "60"], /--agents and --scale exclude each other/],
    [["--jobs", "2"], /--jobs needs --seeds/],
    [["--agents", "999983"], /sectors of up to 300 can be made, got 999983/],
    [["--agents", "60", "--workers", "7"], /at most one a sector, of which there are 6, got 7/],
  ];
  for (const [words, why] of cases) {
    test(words.join(" "), async () => {
      const { code, out, talk } = await simulate(...words);
      assert.equal(code, 2, talk);
      assert.match(talk, why);
      assert.match(talk, /Usage: mesh-30k simulate/);
      assert.equal(out, "");
    });
  }
});
