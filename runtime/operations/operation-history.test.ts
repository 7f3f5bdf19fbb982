import { assert, test } from "vitest";
import { createTopology } from "../../coordination/topology.ts";
import { ROW_FLOATS } from "../../mailbox/operation-frame.ts";
import type { ThreadView } from "../plan/memory.ts";
import type { Gather } from "./gather.ts";
import { SectorShare } from "./gather.ts";
import type { Gathers } from "./gathers.ts";
import { MAX_ROW_BYTES, OperationHistory } from "./operation-history.ts";

const topology = createTopology({ sectors: 1, clustersPerSector: 100, agentsPerCluster: 1_000 });
const gathers = { watch: () => {}, gateOf: () => ({ openedMs: 0, confirmed: 0 }) };

/** An operation of all agents, each of which has a row. */
function gatherOf(operation: number): Gather {
  const share = new SectorShare(0, topology.agentsPerSector);
  share.addAll(topology.agentsPerSector);
  share.rows = new Float32Array(topology.agentsPerSector * ROW_FLOATS);
  share.arrivedMs = 1;
  const facts = { messageId: `1-a-${operation}`, verb: "sync", strategy: "broadcast" };
  const plan = { facts, flags: 0, createdMs: 1, arrivalMs: 2 };
  return { operation, plan, shares: new Map([[0, share]]) } as unknown as Gather;
}

test("of the oldest operations the times of agents are forgotten when they are too many bytes, not all", () => {
  const view = { topology } as ThreadView;
  const clock = { nowMs: () => 3 };
  const history = new OperationHistory(view, gathers as unknown as Gathers, clock);
  const bytes = topology.agents * ROW_FLOATS * 4;
  const fit = Math.floor(MAX_ROW_BYTES / bytes);
  const operations = Array.from({ length: fit + 2 }, (_, operation) => gatherOf(operation));
  for (const gather of operations) history.ended(gather, "reported");
  const known = operations.map(
    ({ operation }) => history.trace(`1-a-${operation}`, { limit: 1 }).agentTimes,
  );
  assert.deepEqual(
    known,
    known.map((_, i) => i >= 2),
  );
  const [path] = history.trace("1-a-0", { limit: 1 }).paths;
  assert.equal(path.sector.arrivedMs, 1);
  // The result that somebody holds keeps its own.
  const [share] = operations[0].shares.values();
  assert.isDefined(share.rows);
});
