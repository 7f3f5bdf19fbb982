import { assert, describe, test } from "vitest";
import { COMMANDS } from "../commands.ts";
import { complete } from "./completion.ts";

const SIZE = { sectors: 12, clustersPerSector: 3, agentsPerCluster: 4, workers: 2 };

function offers(line: string): string[] {
  return complete(line, COMMANDS, SIZE)[0];
}

describe("Tab", () => {
  test("on nothing offers what a REPL can do, and not what it cannot", () => {
    const all = offers("");
    assert.includeMembers(all, ["status", "inspect", "help", ".exit"]);
    assert.notIncludeMembers(all, ["start", "attach", "bench"]);
  });

  const cases: [string, string[]][] = [
    ["st", ["status"]],
    ["zz", []],
    ["zz ", []],
    ["inspect or", ["orchestrator"]],
    ["inspect sector-1", ["sector-1", "sector-10", "sector-11", "sector-12"]],
    ["inspect sector-7/cl", ["sector-7/cluster-1", "sector-7/cluster-2", "sector-7/cluster-3"]],
    ["inspect sector-7/cluster-2/agent-4", ["sector-7/cluster-2/agent-4"]],
    ["inspect sector-7/cluster-2/agent-4/", []],
    ["inspect sector-7 ", []],
    ["tell sector-7/cluster-2/agent-1 sec", []],
    ["tell sector-7/cluster-2/agent-1 hello --pri", ["--priority"]],
    ["tell --priority ", ["0", "1", "2", "3"]],
    ["tell --priority 3 sector-12", ["sector-12"]],
    ["agents --state d", ["degraded"]],
    ["agents --within sector-7/cluster-3", ["sector-7/cluster-3"]],
    ["agents --sl", ["--slow"]],
    ["kill worker-", ["worker-1", "worker-2"]],
    ["kill sector-9", ["sector-9"]],
    ["dead-letters s", ["summary"]],
    ["help ins", ["inspect"]],
    ["top --sort l", ["latency"]],
    ["cascade o", ["observe", "orient"]],
    ["cascade --verb o", ["observe", "orient"]],
    ["cascade --strategy p", ["parallel", "priority-first"]],
    ["cascade sync --at e", ["earliest-quorum"]],
    ["route avoid sector-12", ["sector-12"]],
  ];
  for (const [line, expected] of cases) {
    test(`on ${JSON.stringify(line)} offers ${expected.join(" ") || "nothing"}`, () => {
      assert.deepEqual(
        offers(line).map((word) => word.trim()),
        expected,
      );
    });
  }

  test("replaces the word under the cursor", () => {
    assert.equal(complete("inspect sector-7/cl", COMMANDS, SIZE)[1], "sector-7/cl");
    assert.equal(complete("inspect ", COMMANDS, SIZE)[1], "");
  });

  test("goes on to the next word after the only candidate, but not within an address", () => {
    assert.deepEqual(offers("ins"), ["inspect "]);
    assert.deepEqual(offers("inspect sector-7"), ["sector-7"]);
    assert.deepEqual(offers("inspect sector-7/cluster-3/agent-4"), ["sector-7/cluster-3/agent-4 "]);
  });

  test("offers no flag that has no sense inside", () => {
    assert.notInclude(offers("status --"), "--data");
    assert.include(offers("status --"), "--json");
  });
});
