import fc from "fast-check";
import { expect, test } from "vitest";
import { ANOMALY_SETTINGS, AnomalyTree, type Escalation } from "./anomaly-tree.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 4, clustersPerSector: 5, agentsPerCluster: 6 });
const said = (found: readonly Escalation[]): string[] =>
  found.map(({ level, index }) => `${level} ${index}`);

test("three rogue agents compromise their cluster, three such clusters their sector", () => {
  const tree = new AnomalyTree(topology);
  const found: string[] = [];
  for (let cluster = 5; cluster < 8; cluster++)
    for (let agent = 0; agent < 3; agent++)
      found.push(...said(tree.note(cluster * 6 + agent, true, 1000)));
  expect(found.filter((each) => each.startsWith("cluster"))).toEqual([
    "cluster 5",
    "cluster 6",
    "cluster 7",
  ]);
  expect(found.at(-1)).toBe("sector 1");
  expect(found.filter((each) => each.startsWith("agent"))).toHaveLength(9);
});

test("what is spread over clusters, or over time, compromises none", () => {
  const tree = new AnomalyTree(topology);
  const found: string[] = [];
  for (let i = 0; i < 40; i++)
    found.push(...said(tree.note((i % 20) * 6, true, i * ANOMALY_SETTINGS.windowMs)));
  for (let i = 0; i < 20; i++) found.push(...said(tree.note(i * 6 + 1, true, 1e7)));
  expect(found.every((each) => each.startsWith("agent"))).toBe(true);
});

test("three of one cluster compromise it within a minute, and not over a longer time", () => {
  const over = (pauseMs: number): string[] => {
    const tree = new AnomalyTree(topology);
    return [0, 1, 2].flatMap((agent) => said(tree.note(agent, true, agent * pauseMs)));
  };
  expect(over(ANOMALY_SETTINGS.windowMs / 2).at(-1)).toBe("cluster 0");
  expect(over(ANOMALY_SETTINGS.windowMs / 2 + 1)).toEqual(["agent 0", "agent 1", "agent 2"]);
});

test("a cluster of two is compromised when both are rogue", () => {
  const pairs = createTopology({ sectors: 1, clustersPerSector: 5, agentsPerCluster: 2 });
  const tree = new AnomalyTree(pairs);
  expect([0, 1].flatMap((agent) => said(tree.note(agent, true, 0))).at(-1)).toBe("cluster 0");
});

test("a weak anomaly is a mistake, the third within a minute is not", () => {
  const tree = new AnomalyTree(topology);
  const times = [0, 30_000, 70_000, 80_000];
  expect(times.map((atMs) => said(tree.note(7, false, atMs)))).toEqual([[], [], [], ["agent 7"]]);
});

test("each is said once, and again when a person has lifted it", () => {
  const tree = new AnomalyTree(topology);
  const cluster = (): string[] => [0, 1, 2].flatMap((agent) => said(tree.note(agent, true, 5)));
  expect(cluster()).toEqual(["agent 0", "agent 1", "agent 2", "cluster 0"]);
  expect(cluster()).toEqual([]);
  tree.forgive({ level: "cluster", index: 0 });
  expect(cluster()).toEqual(["agent 0", "agent 1", "agent 2", "cluster 0"]);
});

test("no cluster or sector is named that fewer agents of it than the figures say were anomalous", () => {
  const anomaly = fc.record({
    agent: fc.integer({ min: -5, max: topology.agents + 5 }),
    strong: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 40_000 }),
  });
  fc.assert(
    fc.property(fc.array(anomaly, { maxLength: 200 }), (anomalies) => {
      const tree = new AnomalyTree(topology);
      const rogue = new Map<number, number>();
      const compromised = new Map<number, number>();
      let nowMs = 0;
      for (const { agent, strong, afterMs } of anomalies) {
        nowMs += afterMs;
        if (strong) rogue.set(agent, nowMs);
        for (const { level, index } of tree.note(agent, strong, nowMs)) {
          if (level === "agent") rogue.set(index, nowMs);
          const within = (since: Map<number, number>, size: number): number =>
            [...since].filter(
              ([each, atMs]) =>
                Math.floor(each / size) === index && nowMs - atMs <= ANOMALY_SETTINGS.windowMs,
            ).length;
          if (level === "cluster") {
            expect(within(rogue, 6)).toBeGreaterThanOrEqual(1);
            compromised.set(index, nowMs);
          }
          if (level === "sector")
            expect(within(compromised, 5)).toBeGreaterThanOrEqual(ANOMALY_SETTINGS.clusters);
        }
      }
    }),
  );
});
