import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeEach, describe, test } from "vitest";
import { systemClock } from "../runtime/machine/clock.ts";
import { FakeMesh } from "../test/fake-mesh.ts";
import { Person } from "../test/person.ts";
import { localLine } from "./command/line.ts";
import { Repl } from "./repl.ts";

let cwd: string;
let fake: FakeMesh;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-dialogue-"));
  fake = new FakeMesh();
});

/** A session in which all this is said; what was printed, and what was done to the mesh. */
async function said(
  ...lines: string[]
): Promise<{ out: string; calls: readonly string[]; failed: number }> {
  const person = new Person({ cwd });
  person.type(...lines);
  person.stdin.end();
  const { failed } = await new Repl(person.face, localLine(fake.mesh, person.face.commands)).run();
  return { out: person.out, calls: fake.calls, failed };
}

const AGENT = "sector-1/cluster-1/agent-1";

describe("what changes the mesh", () => {
  test("is shown as a typed command with all it touches, and done after a yes", async () => {
    const { out, calls } = await said("please restart agent 1-1-1", "yes");
    assert.include(out, `restart ${AGENT}`);
    assert.match(out, /touches 1 of [\d,]+ agents/);
    assert.deepEqual(calls, [`restart ${AGENT}`]);
  });

  for (const answer of [
    "no",
    "never mind",
    "yes but only on mondays",
    "what is it?",
    "okay, how are things?",
  ]) {
    test(`is not done after "${answer}"`, async () => {
      assert.deepEqual((await said("restart agent 1-1-1", answer)).calls, []);
    });
  }

  test("is not done without a question before, nor twice", async () => {
    assert.deepEqual((await said("yes")).calls, []);
    assert.deepEqual((await said("restart agent 1-1-1", "yes", "yes")).calls, [`restart ${AGENT}`]);
  });

  test("is not done when half of the sentence was not understood", async () => {
    for (const opening of ["", "please "]) {
      const half = `${opening}restart agent 1-1-1 and water the plants`;
      const { calls, failed } = await said(half, "yes");
      assert.deepEqual(calls, []);
      assert.equal(failed, 2);
    }
  });

  test("is understood together with what only looks, also when it begins like a typed command", async () => {
    const { out, calls } = await said("restart agent 1-1-1 and show me the status", "yes");
    assert.include(out, "MESH-30K STATUS");
    assert.deepEqual(calls, [`restart ${AGENT}`]);
  });

  test("is done at once when it is typed as a command", async () => {
    assert.deepEqual((await said(`restart ${AGENT}`)).calls, [`restart ${AGENT}`]);
  });
});

describe("what only looks", () => {
  test("is done at once, two things in a sentence too", async () => {
    const { out, failed } = await said("how are things, and who are we avoiding?");
    assert.include(out, "MESH-30K STATUS");
    assert.include(out, "nothing is avoided");
    assert.equal(failed, 0);
  });

  test("is remembered: they are whom it was about", async () => {
    const { out, calls } = await said("inspect agent 1-1-1", "route around it", "sure");
    assert.include(out, `route avoid ${AGENT}`);
    assert.deepEqual(
      fake.avoided.map(({ target }) => target),
      [AGENT],
    );
    assert.isEmpty(calls.filter((call) => call.startsWith("restart")));
  });
});

test("what is not understood is said, with the nearest commands", async () => {
  const { out, failed } = await said("the agents ought to be restarted some day");
  assert.match(out, /not understood; did you mean: .*restart/);
  assert.equal(failed, 1);
});

test("a dry run of any command that changes the mesh tells what it would touch, and does nothing", async () => {
  const { out, calls } = await said(
    `kill worker-1 --dry-run`,
    `restart ${AGENT} --dry-run`,
    "route avoid sector-1 --dry-run",
  );
  assert.match(out, /kill: touches [\d,]+ of [\d,]+ agents \(worker-1/);
  assert.match(out, /route: touches [\d,]+ of [\d,]+ agents/);
  assert.deepEqual(calls, []);
  assert.isEmpty(fake.avoided);
});

test("undo takes the last change back, one after the other, and says what it cannot take back", async () => {
  const { out, failed } = await said(
    "route avoid sector-1",
    "route avoid sector-2",
    "undo --dry-run",
    "undo",
    "route list",
    "undo",
    "route list",
    "undo",
  );
  assert.match(out, /route taken back: route allow sector-2/);
  assert.match(out, /sector-1 +any/);
  assert.match(out, /route taken back: route allow sector-1/);
  assert.include(out, "nothing is avoided");
  assert.equal(failed, 1);
  const again = await said(`restart ${AGENT}`, "undo");
  assert.equal(again.failed, 1);
});

test("an incident ends in an offer of what the runbook wants, and a yes does that", async () => {
  const lastUpdatedMs = systemClock.nowMs();
  Object.assign(fake, {
    sectors: () => [{ sectorId: "sector-2", lastUpdatedMs }],
    clusters: () =>
      [1, 2, 3].map((cluster) => ({
        clusterId: `sector-2/cluster-${cluster}`,
        agentCount: 4,
        activeCount: cluster === 2 ? 0 : 4,
        lastUpdatedMs,
      })),
    why: async () => ({ workerAnswers: true }),
    roles: { coordinator: () => ({ heldBy: "worker-1", home: "worker-1", backup: "worker-2" }) },
    incidents: () => [],
  });
  const { out, calls } = await said("incident in sector 2", "no");
  assert.match(out, /Shall I do this\? \(yes or no\)\nNothing was changed/);
  assert.isEmpty([...calls, ...fake.circuits.list()]);
  await said("incident in sector 2", "yes");
  assert.equal(fake.circuits.list()[0].target, "sector-2/cluster-2");
  assert.match(fake.calls[0], /^heal sector-2\/cluster-2/);
});
