import { Histogram } from "../../coordination/histogram.ts";
import {
  ROW_ACT_ERROR,
  ROW_FLOATS,
  ROW_LEAD,
  ROW_READY_ERROR,
  ROW_RELEASE_ERROR,
} from "../../mailbox/operation-frame.ts";
import type { MomentQuantiles, OperationMoments } from "../api/live-api.ts";
import type { Gather } from "./gather.ts";

/** From two seconds before T to one after it. */
const FROM_MS = -2000;
const BIN_MS = 20;
const BINS = 150;

const errors = new Histogram();
const acts = new Histogram();

/** When the agents of an operation were sent to, READY, and acted; undefined of one without T. */
export function momentsOf(gather: Gather): OperationMoments | undefined {
  if (gather.plan.arrivalMs === 0) return undefined;
  const released = emptyBins();
  const ready = emptyBins();
  const acted = emptyBins();
  errors.clear();
  acts.clear();
  for (const { rows } of gather.shares.values()) {
    if (rows === undefined) continue;
    for (let at = 0; at < rows.length; at += ROW_FLOATS) {
      const readyError = rows[at + ROW_READY_ERROR];
      const actError = rows[at + ROW_ACT_ERROR];
      const releaseError = rows[at + ROW_RELEASE_ERROR];
      if (!Number.isNaN(releaseError)) released[binOf(releaseError - rows[at + ROW_LEAD])]++;
      if (!Number.isNaN(readyError)) {
        ready[binOf(readyError)]++;
        errors.add(Math.abs(readyError));
      }
      if (!Number.isNaN(actError)) {
        acted[binOf(actError)]++;
        acts.add(Math.abs(actError));
      }
    }
  }
  return {
    fromMs: FROM_MS,
    binMs: BIN_MS,
    released,
    ready,
    acted,
    readyError: quantilesOf(errors),
    actError: quantilesOf(acts),
  };
}

function emptyBins(): number[] {
  return new Array<number>(BINS).fill(0);
}

function binOf(ms: number): number {
  const bin = Math.floor((ms - FROM_MS) / BIN_MS);
  return bin < 0 ? 0 : bin < BINS ? bin : BINS - 1;
}

function quantilesOf(histogram: Histogram): MomentQuantiles {
  return {
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
  };
}
