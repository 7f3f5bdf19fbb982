// circuits, mode and threats, as people and as scripts see them.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";

const host = new Host();

beforeEach(() => host.open());
afterEach(() => host.close());

describe("circuits", () => {
  test("lists what is not closed, with why and what comes next", async () => {
    assert.equal((await host.say("circuits")).out, "all circuits are closed\n");
    const tripped = await host.say("circuits", "trip", "sector-2", "--reason", "a drill");
    assert.equal(tripped.code, 0);
    assert.match(tripped.out, /^CIRCUIT +STATE +SINCE +FAILURES +OPENED +NEXT +REASON\n/);
    assert.match(tripped.out, /sector-2 +OPEN +\S+ +6 +1 +probe at \S+ +a drill/);
    const { circuits } = await host.json("circuits", "list");
    assert.deepEqual(
      (circuits as { target: string }[]).map(({ target }) => target),
      ["sector-2"],
    );
  });

  test("shows and closes one", async () => {
    await host.say("circuits", "trip", "sector-2/cluster-1");
    assert.match((await host.say("circuits", "show", "sector-2/cluster-1")).out, / OPEN /);
    assert.match((await host.say("circuits", "reset", "sector-2/cluster-1")).out, / CLOSED /);
    assert.match((await host.say("circuits", "show", "sector-3")).out, / CLOSED .* – +–/);
    assert.notEqual((await host.say("circuits", "show", "sector-9")).code, 0);
  });

  test.each([
    [["circuits", "trip"], /circuits: trip needs a <target>/],
    [["circuits", "list", "sector-1"], /circuits: list takes no target; show does/],
    [["circuits", "reset", "sector-1", "--reason", "x"], /circuits: a reason goes with trip only/],
  ])("%j is refused with what is wrong", async (words, sentence) => {
    const { code, talk } = await host.say(...words);
    assert.equal(code, 2);
    assert.match(talk, sentence);
  });
});

describe("mode", () => {
  test("shows the mode with all its restrictions", async () => {
    const { out } = await host.say("mode");
    assert.match(out, /^Mode +FULL: All systems nominal\n/);
    assert.match(out, /Restrictions +none\n/);
    const set = await host.say("mode", "set", "DEGRADED_MODERATE");
    assert.match(
      set.out,
      /DEGRADED_MODERATE: Significant capacity reduction\n.*set by an operator/,
    );
    assert.match(set.out, /Disable non-critical background tasks\n(.*\n)+.*Queue non-urgent/);
    assert.match(set.out, /Operations waiting +3/);
    assert.deepInclude(await host.json("mode", "auto"), { mode: "FULL", forced: false });
  });

  test.each([
    [["mode", "set"], /mode: set needs a <mode>/],
    [["mode", "auto", "FULL"], /mode: a mode goes with set only/],
    [["mode", "set", "BUSY"], /mode: expected one of FULL, DEGRADED_LIGHT/],
  ])("%j is refused with what is wrong", async (words, sentence) => {
    const { code, talk } = await host.say(...words);
    assert.equal(code, 2);
    assert.match(talk, sentence);
  });
});

describe("threats", () => {
  test("lists what was found and what is in force, and shows the evidence", async () => {
    const { out } = await host.say("threats");
    assert.match(out, /^THREAT +STATE +KIND +FROM +SINCE +DONE\n/);
    assert.match(out, /threat-1 +open +orchestrator_compromise +mallory \(http 10\.0\.0\.9\)/);
    assert.match(out, /the mesh stays frozen until the threat is lifted\nsuspended: mallory\n/);
    const shown = (await host.say("threats", "show", "threat-1")).out;
    assert.match(shown, /[Rr]ule +kills\n/);
    assert.match(shown, /[Aa]nswered +within 40 ms\n/);
    assert.match(shown, /[Dd]one +mallory is suspended\n +the mesh is frozen/);
  });

  test("lifts one in the name of a person, with why", async () => {
    const words = ["threats", "lift", "threat-1", "--by", "ada", "--reason", "a drill"];
    const { threat } = await host.json(...words);
    assert.deepInclude(threat as object, { state: "lifted", liftedBy: "ada", reason: "a drill" });
    assert.notMatch((await host.say("threats")).out, /suspended|frozen until/);
    const gone = await host.say("threats", "show", "threat-9");
    assert.equal(gone.code, 1);
    assert.match(gone.talk, /no threat has the id threat-9/);
  });

  test.each([
    [["threats", "lift", "threat-1"], /threats: lift needs --by, your name/],
    [["threats", "show"], /threats: show needs an <id>/],
    [["threats", "list", "threat-1"], /threats: list takes no <id>/],
    [["threats", "--reason", "x"], /threats: a reason goes with lift only/],
  ])("%j is refused with what is wrong", async (words, sentence) => {
    const { code, talk } = await host.say(...words);
    assert.equal(code, 2);
    assert.match(talk, sentence);
  });
});
