import { assert, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { paintFor } from "../terminal/paint.ts";
import { type PlaceReport, placeReport, renderPlace, suspectsOf } from "./place-report.ts";

const PLAIN = paintFor({ isTTY: false } as never, { NO_COLOR: "1" });

type Row = ReturnType<FakeMesh["agents"]>[number];

/** A mesh whose agents' scores are these by address, and 100 otherwise. */
function meshOf(
  scores: Readonly<Record<string, number>>,
  quarantined: readonly string[] = [],
): FakeMesh {
  const fake = new FakeMesh();
  const rows = fake.agents.bind(fake);
  fake.agents = (filter = {}) => {
    const all = rows({
      ...(filter.within !== undefined && { within: filter.within }),
      limit: 1000,
    }).map(
      (row): Row => ({
        ...row,
        clusterId: row.agentId.replace(/\/agent-\d+$/, ""),
        impedanceScore: scores[row.agentId] ?? 100,
        operationalState: quarantined.includes(row.agentId) ? "quarantined" : "active",
      }),
    );
    const fitting =
      filter.state === undefined ? all : all.filter((row) => row.operationalState === filter.state);
    return filter.slow === true
      ? fitting.sort((a, b) => b.impedanceScore - a.impedanceScore)
      : fitting;
  };
  Object.assign(fake, {
    incidents: () =>
      quarantined.map((subject) => ({
        atMs: 1,
        subject,
        error: "CONTEXT_DIVERGENCE: expected one, got another",
        decision: "quarantine",
        delayMs: 0,
      })),
    stats: () => ({ globalMeanImpedance: 85 }),
  });
  const clusters = fake.clusters.bind(fake);
  fake.clusters = (sector) =>
    clusters(sector).map((summary) => ({
      ...summary,
      quarantinedCount: quarantined.filter((agent) => agent.startsWith(`${summary.clusterId}/`))
        .length,
    }));
  return fake;
}

function reportOf(fake: FakeMesh, target: string): PlaceReport {
  return placeReport(fake.mesh, target);
}

describe("the report on a place", () => {
  test("names slow agents by cluster, most first, and recommends to look there", () => {
    const fake = meshOf({
      "sector-1/cluster-2/agent-1": 847,
      "sector-1/cluster-2/agent-3": 612,
      "sector-1/cluster-1/agent-2": 501,
      "sector-1/cluster-1/agent-3": 500,
      "sector-2/cluster-1/agent-1": 999,
    });
    const report = reportOf(fake, "sector-1");
    assert.deepEqual(report.notable, [
      { cluster: "sector-1/cluster-2", slow: 2 },
      { cluster: "sector-1/cluster-1", slow: 1 },
    ]);
    assert.deepEqual(
      report.slow.map(({ impedance }) => impedance),
      [847, 612, 501],
    );
    assert.equal(report.recommendation, "Investigate slow agents in cluster 1-2.");
    assert.equal(report.impedance, "slightly elevated");
    const page = renderPlace(report, PLAIN);
    assert.include(
      page,
      "Sector 1 Status:\n- 8/8 agents active\n- Mean impedance: 100ms (slightly elevated)",
    );
    assert.include(page, "- Notable: Cluster 1-2 has 2 agents with impedance > 500ms");
  });

  test("of a cluster is of that cluster only", () => {
    const report = reportOf(meshOf({ "sector-1/cluster-2/agent-1": 847 }), "sector-1/cluster-1");
    assert.equal(report.agents.total, 4);
    assert.isEmpty(report.slow);
    assert.include(renderPlace(report, PLAIN), "Cluster 1-1 Status:");
    assert.throws(
      () => reportOf(meshOf({}), "sector-1/cluster-9"),
      /has 2 clusters, got sector-1\/cluster-9/,
    );
  });

  test("tells of tasks that take too long, by agents that are not slow for all that", () => {
    const fake = meshOf({});
    const task = { agentClass: "CLASS_E_LOCAL", requires: [] } as const;
    const list = () => [
      { ...task, agent: "sector-1/cluster-2/agent-3", sinceMs: 9_000, overdue: true },
      { ...task, agent: "sector-1/cluster-2/agent-3", sinceMs: 8_000, overdue: true },
      { ...task, agent: "sector-1/cluster-1/agent-1", sinceMs: 7_000, overdue: false },
      { ...task, agent: "sector-2/cluster-1/agent-1", sinceMs: 6_000, overdue: true },
    ];
    Object.assign(fake, { tasks: { list } });
    const report = reportOf(fake, "sector-1");
    const address = "sector-1/cluster-2/agent-3";
    assert.deepEqual(report.overdue, [{ address, sinceMs: 9_000 }]);
    assert.deepEqual(suspectsOf(report, 10), [{ address, reason: "a task for 9.0s" }]);
    assert.equal(report.recommendation, "Investigate overdue tasks in cluster 1-2.");
    const page = renderPlace(report, PLAIN);
    assert.include(page, "- Overdue: 1 agent with delegated tasks, for up to 9.0s");
  });

  test("says why most of those in quarantine are there", () => {
    const fake = meshOf({}, ["sector-2/cluster-1/agent-1", "sector-2/cluster-1/agent-2"]);
    const report = reportOf(fake, "sector-2");
    assert.equal(report.quarantineReason, "context divergence");
    assert.include(renderPlace(report, PLAIN), "- 2 agents in quarantine (context divergence)");
    assert.match(report.recommendation ?? "", /^Heal sector-2/);
  });
});
