import { assert, describe, test } from "vitest";
import { completions, listResources, MAX_LISTED, PAGE, readingOf } from "./mcp-resources.ts";

const SMALL = { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4, workers: 2 };
const FULL = { sectors: 100, clustersPerSector: 10, agentsPerCluster: 30, workers: 4 };
const HUGE = { sectors: 100_000, clustersPerSector: 10, agentsPerCluster: 10, workers: 4 };

function allOf(size: typeof SMALL): string[] {
  const uris: string[] = [];
  for (let cursor: string | undefined = "0"; cursor !== undefined; ) {
    const page = listResources(size, cursor);
    assert.isAtMost(page.resources.length, PAGE);
    uris.push(...page.resources.map(({ uri }) => uri));
    cursor = page.nextCursor;
  }
  return uris;
}

describe("the list", () => {
  test("has the whole mesh, its sectors and its clusters", () => {
    assert.deepEqual(allOf(SMALL), [
      "mesh://status",
      "mesh://kpis",
      ...[1, 2, 3].map((sector) => `mesh://sector/sector-${sector}`),
      ...[1, 2, 3].flatMap((sector) =>
        [1, 2].map((cluster) => `mesh://cluster/sector-${sector}/cluster-${cluster}`),
      ),
    ]);
  });

  test("names each once, page by page, and every name can be read", () => {
    const uris = allOf(FULL);
    assert.lengthOf(uris, 1_102);
    assert.equal(new Set(uris).size, 1_102);
    assert.equal(uris.at(-1), "mesh://cluster/sector-100/cluster-10");
    for (const uri of uris) assert.isDefined(readingOf(uri), uri);
  });

  test("ends, however large the mesh is", () => {
    assert.lengthOf(allOf(HUGE), MAX_LISTED);
  });

  for (const cursor of ["", "-100", "50", "1e2", "99900", "next"]) {
    test(`refuses the cursor ${JSON.stringify(cursor)}`, () => {
      assert.throws(() => listResources(FULL, cursor), /^cursor: expected one of this list, got /);
    });
  }
});

describe("an address", () => {
  test("is read by inspect, with its slashes written either way", () => {
    const reading = { command: "inspect", args: { address: "sector-1/cluster-2/agent-3" } };
    assert.deepEqual(readingOf("mesh://agent/sector-1/cluster-2/agent-3"), reading);
    assert.deepEqual(readingOf("mesh://agent/sector-1%2Fcluster-2%2Fagent-3"), reading);
    assert.deepEqual(readingOf("mesh://agent/spawned-3")?.args, { address: "spawned-3" });
    assert.deepEqual(readingOf("mesh://status"), { command: "status", args: {} });
  });

  for (const uri of [
    "mesh://agent/sector-1",
    "mesh://sector/sector-1/cluster-1",
    "mesh://cluster/sector-1",
    "mesh://worker/worker-1",
    "mesh://agent/",
    "mesh://agent/%E0%A4",
    "mesh://status/",
    "http://agent/sector-1/cluster-1/agent-1",
    `mesh://sector/sector-${"1".repeat(300)}`,
  ]) {
    test(`${uri.slice(0, 50)} is no resource`, () => assert.isUndefined(readingOf(uri)));
  }
});

test("addresses are completed level by level, as deep as their kind goes", () => {
  const of = (kind: string, fragment: string): string[] =>
    completions(`mesh://${kind}/{+address}`, fragment, SMALL);
  assert.deepEqual(of("sector", ""), ["sector-1", "sector-2", "sector-3"]);
  assert.deepEqual(of("agent", "sector-3"), ["sector-3/"]);
  assert.deepEqual(of("cluster", "sector-3/"), ["sector-3/cluster-1", "sector-3/cluster-2"]);
  assert.deepEqual(of("agent", "sector-3/cluster-1/agent-4"), ["sector-3/cluster-1/agent-4"]);
  assert.isEmpty(of("sector", "sector-3/"));
  assert.isEmpty(of("worker", ""));
});
