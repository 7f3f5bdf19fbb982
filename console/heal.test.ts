// heal, as people and as scripts see it.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";
import { renderInspection } from "./reports/inspection.ts";
import { paint } from "./terminal/paint.ts";

const AGENT = "sector-1/cluster-1/agent-1";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

describe("heal", () => {
  test("tells what was done in the words of the specification, a line for what really was", async () => {
    host.mesh.healed = {
      found: 5,
      restarted: 3,
      replaced: 1,
      contexts: [{ from: "sector-11", agents: 1 }],
      circuits: ["sector-2"],
    };
    const { code, out, calls } = await host.say("heal", "sector-2");
    assert.equal(
      out,
      "Healing SECTOR-2:\n- 3 agents restarted\n- 1 agent replaced\n" +
        "- Context synced from SECTOR-11\n- Circuit breaker reset\nSECTOR-2 restored to HEALTHY\n",
    );
    assert.equal(code, 0);
    assert.deepEqual(calls, ["heal sector-2"]);
    host.mesh.healed = { found: 1, restarted: 1 };
    const { out: less } = await host.say("heal", AGENT);
    assert.equal(
      less,
      "Healing SECTOR-1/CLUSTER-1/AGENT-1:\n- 1 agent restarted\n" +
        "SECTOR-1/CLUSTER-1/AGENT-1 restored to HEALTHY\n",
    );
  });

  test("tells of workers, clusters that came home, and poison that is kept", async () => {
    host.mesh.healed = {
      found: 3,
      workers: ["worker-1"],
      broughtHome: ["sector-1/cluster-2"],
      plan: [{ subject: AGENT, problem: "poison-held", remedy: "none" }],
    };
    const { out } = await host.say("heal");
    assert.equal(
      out,
      "Healing MESH:\n- WORKER-1 replaced\n- SECTOR-1/CLUSTER-2 led by its own again\n" +
        "- Poison of 1 agent kept in dead-letters\nMESH restored to HEALTHY\n",
    );
  });

  test("of nothing wrong says so", async () => {
    const { code, out } = await host.say("heal", "auto");
    assert.equal(out, "MESH is HEALTHY: nothing to heal\n");
    assert.equal(code, 0);
  });

  test("names what is not well for all that, and exits with 1", async () => {
    host.mesh.healed = {
      found: 2,
      restarted: 2,
      healthy: false,
      failed: [{ subject: AGENT, why: "does not answer" }],
    };
    const { code, out } = await host.say("heal", "sector-1");
    assert.equal(
      out,
      `Healing SECTOR-1:\n- 2 agents restarted\nSECTOR-1 is NOT HEALTHY:\n- ${AGENT} does not answer\n`,
    );
    assert.equal(code, 1);
    assert.deepEqual((await host.json("heal", "sector-1")).failed, [
      { subject: AGENT, why: "does not answer" },
    ]);
  });

  test("--dry-run tells the plan, changes nothing, and exits with 0", async () => {
    host.mesh.healed = {
      found: 3,
      healthy: false,
      plan: [
        { subject: AGENT, problem: "quarantined", remedy: "replace" },
        { subject: "worker-2", problem: "blocked", remedy: "replace-worker" },
        { subject: "sector-2", problem: "circuit-open", remedy: "reset-circuit" },
      ],
    };
    const { code, out, calls } = await host.say("heal", "--dry-run");
    assert.equal(
      out,
      "Plan for MESH: 1 to replace, 1 to begin anew, 1 to reset\n" +
        `- ${AGENT} is quarantined: replace it\n- worker-2 is blocked: replace it\n` +
        "- sector-2 is circuit-open: reset it\n",
    );
    assert.equal(code, 0);
    assert.deepEqual(calls, []);
  });

  test("lists the first twenty, and says how many more there are", async () => {
    const plan = Array.from({ length: 25 }, (_, i) => ({
      subject: `sector-1/cluster-1/agent-${i + 1}`,
      problem: "stopped" as const,
      remedy: "restart" as const,
    }));
    host.mesh.healed = { found: 25, healthy: false, plan };
    const { out } = await host.say("heal", "sector-1", "--dry-run");
    assert.lengthOf(out.trim().split("\n"), 22);
    assert.match(out, /- and 5 more, which --json lists\n$/);
  });

  host.refuses([[["heal", "sector-1", "sector-2"], /sector-2/]]);
});

test("inspect tells who leads a cluster and coordinates its sector, and what became of the failed", async () => {
  const found = await host.mesh.inspect("sector-1/cluster-1");
  const page = renderInspection(
    {
      ...found,
      lead: {
        cluster: "sector-1/cluster-1",
        heldBy: AGENT,
        term: 2,
        adoptedBy: "sector-1/cluster-2",
        caresFor: [],
      },
      coordinator: {
        sector: "sector-1",
        heldBy: "worker-2",
        term: 3,
        home: "worker-1",
        backup: "worker-2",
      },
    },
    paint(false),
  );
  assert.match(page, /lead +held by sector-1\/cluster-1\/agent-1, term 2; failed/);
  assert.include(page, "in the care of sector-1/cluster-2");
  assert.match(page, /coordinator +held by worker-2, term 3, as backup of worker-1/);
});
