import type { Topology } from "../../coordination/topology.ts";
import type { Cut, CutGather, CutOperation } from "../api/cut.ts";
import { SectorShare } from "../operations/gather.ts";

/** An operation to go on with, and how far its sectors are. */
export interface CarriedOperation {
  readonly gather: CutGather;
  readonly shares: ReadonlyMap<number, SectorShare>;
}

/** What a mesh that starts from a cut does about the operations in it. */
export interface CarriedOperations {
  readonly operations: readonly CarriedOperation[];
  /** Parts whose sectors get them anew: each is accepted once more. */
  readonly parts: number;
}

/**
 * The operations of a cut as the orchestrator goes on with them: a sector that was at its part gets it again with all
 * that it had done, one that had not been sent to gets it for the first time, and one that has told its last is left
 * alone. So is one that had its part and ended it, and whose report was lost on the way: its agents must not act twice.
 */
export function carriedOperations(cut: Cut, topology: Topology): CarriedOperations {
  const parts = new Map(cut.operations.map((part) => [keyOf(part.operation, part.sector), part]));
  let sentAnew = 0;
  const operations = cut.gathers.map((gather) => {
    const shares = new Map<number, SectorShare>();
    for (const { sector, map, maps, final, sent } of gather.shares) {
      const share = new SectorShare(sector, topology.agentsPerSector);
      const part = parts.get(keyOf(gather.operation, sector));
      share.adopt(map, final || part === undefined ? maps : part.progress);
      share.final = final || (sent && part === undefined);
      share.carried = part !== undefined;
      if (part !== undefined && !final) sentAnew++;
      shares.set(sector, share);
    }
    return { gather, shares };
  });
  return { operations, parts: sentAnew };
}

function keyOf(operation: CutOperation["operation"], sector: number): string {
  return `${operation} ${sector}`;
}
