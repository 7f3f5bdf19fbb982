// Plain words for the procedures of spec 10; none of them is a line of the phrasebook as it stands.
import { assert, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { understand } from "./grammar/understand.ts";

const cases: [string, string | null, Record<string, unknown>, boolean][] = [
  ["Do the daily health check please", "health", {}, false],
  ["how did it go last night", "health", {}, false],
  ["are the backups up to date?", "health", {}, false],
  ["check the machine", "doctor", {}, false],
  ["is this host ready?", "doctor", {}, false],
  ["make a backup now", "backup", {}, true],
  ["back up the registry", "backup", {}, true],
  ["backup list", "backup", { action: "list" }, false],
  ["incident in sector 12", "incident", { target: "sector-12" }, false],
  ["walk the runbook for sector 3", "incident", { target: "sector-3" }, false],
  ["incident sector-3 --yes", "incident", { target: "sector-3", yes: true }, true],
  ["please add 1000 agents", "scale", { action: "add", count: 1_000 }, true],
  ["bring up 30 more in sector 7", "scale", { action: "add", count: 30, within: "sector-7" }, true],
  [
    "retire 12 agents from sector 3",
    "scale",
    { action: "remove", count: 12, within: "sector-3" },
    true,
  ],
  ["scale status", "scale", { action: "status" }, false],
  [
    "hand over the tasks of agent 12 in cluster 7-4 to somebody else",
    "reassign",
    { agents: ["sector-7/cluster-4/agent-12"] },
    true,
  ],
  ["reassign the work of sector 7", null, {}, false],
  ["add 30 agents unless it is late", null, {}, false],
  ["trace agent 12 in cluster 7-4", "trace", { target: "sector-7/cluster-4/agent-12" }, false],
  ["watch status", "watch", { line: "status" }, false],
  ["keep an eye on sector 7", "top", { within: "sector-7" }, false],
  ["watch over my agents for me", "top", {}, false],
  ["incident sector 3 unless it is well", null, {}, false],
];
for (const [said, command, args, changes] of cases) {
  test(said, () => {
    const meant = understand(said, COMMANDS);
    assert.deepEqual([meant.command, meant.arguments, meant.changes], [command, args, changes]);
  });
}

test("restore of a sector is no backup", () => {
  assert.notEqual(understand("restore sector-7", COMMANDS).command, "restore");
});
