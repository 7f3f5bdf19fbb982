/**
 * How many reports of their own timing the agents of each cluster have made, and how many of them had moved, in shared
 * memory: written by the thread of the cluster, read by main (`impedance-watch.ts`). Counts wrap at 2³².
 */
import type { Topology } from "./topology.ts";

const COLUMNS = 3;

/** Bytes of the counts of a mesh. */
export function reportCountsBytes({ clusters }: Topology): number {
  return clusters * COLUMNS * 4;
}

/** The counts by cluster, as seen by one thread. */
export interface ReportCounts {
  readonly reports: Uint32Array;
  readonly faster: Uint32Array;
  readonly slower: Uint32Array;
}

/** Lays the columns over a buffer of at least {@link reportCountsBytes}. */
export function createReportCounts(buffer: ArrayBufferLike, { clusters }: Topology): ReportCounts {
  const column = (place: number): Uint32Array =>
    new Uint32Array(buffer, place * clusters * 4, clusters);
  return { reports: column(0), faster: column(1), slower: column(2) };
}
