import { indexOfAddress } from "../coordination/address.ts";
import type { Topology } from "../coordination/topology.ts";
import type { CascadeResult, GatherResult } from "../runtime/api/operation-api.ts";
import { SMALL_AGENTS, type Witness } from "./witness.ts";

/**
 * Checks that each agent of an operation is accounted for once, and READY only if it, or another for it, said so. Of a
 * large mesh not each agent's outcome is looked at, but the sums are.
 */
export function checkOperation(
  result: GatherResult | CascadeResult,
  witness: Witness,
  topology: Topology,
  mayStandIn: boolean,
): void {
  const { operationId, selected, addressed, ready, conflict, transit, skipped } = result;
  const accuse = (detail: string): void => witness.accuse("accounted", `${operationId}: ${detail}`);
  if (selected !== addressed + skipped)
    accuse(`${selected} selected are not ${addressed} addressed and ${skipped} skipped`);
  if (addressed !== ready + conflict + transit || transit < 0)
    accuse(
      `${addressed} addressed are not ${ready} READY, ${conflict} CONFLICT, ${transit} TRANSIT`,
    );
  if (topology.agents > SMALL_AGENTS) return;
  const seen = new Set<number>();
  const counts = { ready: 0, conflict: 0, transit: 0, skipped: 0 };
  for (const { address, state, skipped: isSkipped } of result.outcomes()) {
    const agent = indexOfAddress(topology, address);
    if (seen.has(agent)) accuse(`${address} is accounted for twice`);
    seen.add(agent);
    if (isSkipped) counts.skipped++;
    else if (state === 1) counts.ready++;
    else if (state === -1) counts.conflict++;
    else counts.transit++;
    // Another may have been READY on its behalf.
    if (isSkipped || state === 0 || (mayStandIn && state === 1)) continue;
    if (witness.hasAnswered(agent, operationId, state) === false)
      accuse(`${address} counts as ${state === 1 ? "READY" : "CONFLICT"} and has not said so`);
  }
  if (seen.size !== selected) accuse(`${seen.size} outcomes of ${selected} selected`);
  if (counts.ready !== ready || counts.conflict !== conflict || counts.skipped !== skipped)
    accuse(`outcomes ${JSON.stringify(counts)} do not add up to ${ready}, ${conflict}, ${transit}`);
}
