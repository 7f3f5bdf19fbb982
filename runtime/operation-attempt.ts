import type { RoutingStrategy } from "../actors/message.ts";
import type { OperationKind } from "../coordination/operation-record.ts";
import type { GatherPlan } from "./gather.ts";
import type { JournaledOperation } from "./operation-journal.ts";
import { type GatherSettings, type OperationPlan, planGather } from "./operation-plan.ts";

/** One attempt of an operation. */
export interface Attempt {
  readonly plan: OperationPlan;
  readonly settings: GatherSettings;
  readonly agents: Int32Array;
  readonly strategy: RoutingStrategy;
  readonly kind: OperationKind;
  readonly isWave: boolean;
  /** Of an attempt that is not the first. */
  readonly root?: { readonly operation: number; readonly messageId: string };
}

/** The attempt that goes on with what the process before had begun, with the time that is left. */
export function attemptOf(journaled: JournaledOperation, nowMs: number): Attempt {
  const { operation, messageId, kind, agents, plan, arrivalMs, deadlineMs, windowMs } = journaled;
  const leftMs = Math.max(0, deadlineMs - nowMs);
  // Who comes too late for T still does it, until the end.
  const isTimed = arrivalMs > nowMs;
  const at: OperationPlan["at"] = isTimed ? { kind: "time", atMs: arrivalMs } : { kind: "now" };
  return {
    plan: { ...plan, at, hold: plan.hold && isTimed, ttlMs: leftMs },
    settings: planGather({ timeoutMs: leftMs, windowMs }, 0.95),
    agents,
    strategy: kind === "cascade" ? "broadcast" : "scatter-gather",
    kind,
    isWave: false,
    root: { operation, messageId },
  };
}

/** What the journal is told of an attempt under the number of the first one. */
export function journaledOf(
  { agents, kind, plan: { at: _, ...plan }, settings }: Attempt,
  operation: number,
  { facts, arrivalMs, deadlineMs }: GatherPlan,
): JournaledOperation {
  const { windowMs } = settings;
  return {
    operation,
    messageId: facts.messageId,
    kind: kind === "cascade" ? "cascade" : "scatter-gather",
    plan,
    windowMs,
    arrivalMs,
    deadlineMs,
    agents,
  };
}
