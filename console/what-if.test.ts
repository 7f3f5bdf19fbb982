// what-if, as people and as scripts see it. What a rehearsal is like is tested in simulator/.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

interface Document {
  readonly last: Record<string, unknown>;
  readonly kpis: Record<string, unknown>;
  readonly happened: Record<string, number>;
}

describe("what-if", () => {
  test("tells what a line would print, and the indicators, and asks nothing of the mesh", async () => {
    const { code, out, calls } = await host.say(
      "what-if",
      "cascade observe --count 2",
      "--seed",
      "7",
    );
    assert.equal(code, 0, out);
    assert.match(
      out,
      /^If +cascade observe --count 2\nSimulated +once on 24 agents like these, in /,
    );
    assert.match(out, /\nFaults +none: none happened\n/);
    assert.match(out, /\nREADY 2 observe wave cascades/);
    assert.match(out, /\ncoordination success rate +100\.00% +≥ 99% +yes +2\n/);
    assert.notMatch(calls.join("\n"), /cascade|scatter|kill/);
  });

  test("with a sector lost ends with 1, in one JSON document", async () => {
    const line = "scatter act --at now --timeout 2s";
    const { code, out } = await host.say("what-if", line, "--kill", "sector-2", "--json");
    assert.equal(code, 1);
    const { last, happened, ...rest } = JSON.parse(out) as Document & Record<string, unknown>;
    assert.deepInclude(rest, { lost: "sector-2", agents: 24, runs: 1, seed: 1, violation: null });
    assert.equal(happened.partition, 1);
    assert.isAbove(last.transit as number, 0);
  });
});

describe("what-if is refused", () => {
  host.refuses([
    [["what-if", "--every", "2m"], /--every needs --hours/],
    [["what-if", "--hours", "0"], /hours: expected/],
  ]);

  // Only where the mesh is is it known what commands, workers and sectors it has.
  test.each([
    ["status", /line: expected a cascade or scatter, got "status"/],
    ["cascade --quorum 7", /quorum: expected/],
    ["cascade --dry-run", /line: expected one that does something/],
    [
      "--kill worker-99",
      /kill: expected worker-1 to worker-\d+ or sector-1 to sector-3, got "worker-99"/,
    ],
    ["--kill agent-1", /kill: expected worker-1 to/],
  ])("for %s", async (words, why) => {
    const argv = words.startsWith("--") ? words.split(" ") : [words];
    const { code, out, talk } = await host.say("what-if", ...argv);
    assert.notEqual(code, 0);
    assert.match(talk, why);
    assert.equal(out, "");
  });
});
