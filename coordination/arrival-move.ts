import { arrivalBytes, arrivalColumns, FLOATS, SAMPLE, SHORTS } from "./arrival-columns.ts";

/** What an arrival predictor has learned of the agents `from` to `to` (not included). */
export interface ArrivalShare {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/**
 * Fills the fresh memory of a predictor of the agents `from` to `to` with what others, which shared the agents out
 * in another way, have learned of them. What they know of classes is that of the share in which these agents begin;
 * what they know of clusters, which only counts for agents that nobody knows, is left to be learned again. So is a
 * share of another length than such agents have here: another version wrote it, and its columns lie elsewhere.
 */
export function moveArrivals(
  shares: readonly ArrivalShare[],
  target: SharedArrayBuffer,
  from: number,
  to: number,
): void {
  const same = shares.find((share) => share.from === from && share.to === to);
  if (same !== undefined && same.bytes.length === target.byteLength) {
    new Uint8Array(target).set(same.bytes);
    return;
  }
  const into = arrivalColumns(target, to - from);
  for (const share of shares) {
    const first = Math.max(from, share.from);
    const last = Math.min(to, share.to);
    if (first >= last || share.bytes.length !== arrivalBytes(share.to - share.from)) continue;
    const columns = arrivalColumns(share.bytes.slice().buffer, share.to - share.from);
    const move = <T extends Float32Array | Int16Array>(source: T, goal: T, width: number): void => {
      const rows = source.subarray((first - share.from) * width, (last - share.from) * width);
      goal.set(rows, (first - from) * width);
    };
    move(columns.floats, into.floats, FLOATS);
    move(columns.shorts, into.shorts, SHORTS);
    move(columns.sample, into.sample, SAMPLE);
    if (first === from) into.classes.set(columns.classes);
  }
}
