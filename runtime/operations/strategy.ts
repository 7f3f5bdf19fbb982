import { OperationFlag } from "../../mailbox/operation-frame.ts";
import type { LiveOperation } from "../api/live-api.ts";
import type { GatherPlan } from "./gather.ts";

/** How an operation goes down the tree, in a word. */
export function strategyOf({ flags, facts }: GatherPlan): LiveOperation["strategy"] {
  if ((flags & OperationFlag.WAVE) !== 0) return "wave";
  return facts.strategy === "broadcast" ? "broadcast" : "scatter-gather";
}
