import { MeshError } from "../../actors/errors.ts";
import type { RoutingStrategy } from "../../actors/message.ts";
import type { ArrivalTime } from "../../coordination/arrival-time.ts";
import type { OperationKind } from "../../coordination/operation-record.ts";
import { ProgressMap } from "../../supervisors/sector-coordinator.ts";
import type { ResumeOptions } from "../api/operation-api.ts";
import type { Gather, GatherPlan } from "./gather.ts";
import type { JournaledOperation } from "./operation-journal.ts";
import {
  type GatherSettings,
  type OperationPlan,
  planGather,
  planOperation,
} from "./operation-plan.ts";

/** One attempt of an operation. */
export interface Attempt {
  readonly plan: OperationPlan;
  readonly settings: GatherSettings;
  readonly agents: Int32Array;
  /** Selected too, and behind open circuits. */
  readonly shut: Int32Array;
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
    shut: new Int32Array(0),
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

/**
 * The attempt for those that were neither READY nor in CONFLICT, under the id of the first one. MeshError
 * (MESH_NOTHING_LEFT) when there are none.
 */
export function attemptAfter(
  attempt: Attempt,
  gather: Gather,
  options: ResumeOptions,
  mesh: {
    readonly nowMs: number;
    readonly agentsPerSector: number;
    readonly isRoutable: (agent: number) => boolean;
  },
): Attempt {
  const left: number[] = [];
  for (const share of gather.shares.values()) {
    for (const bit of share.bits()) {
      const isDone = share.has(ProgressMap.DONE, bit) && !share.has(ProgressMap.FAILED, bit);
      if (!isDone) left.push(share.sector * mesh.agentsPerSector + bit);
    }
  }
  // Whose circuit lets them be reached again are tried as well.
  left.push(...attempt.shut.filter(mesh.isRoutable));
  const shut = attempt.shut.filter((agent) => !mesh.isRoutable(agent));
  if (left.length === 0)
    throw new MeshError("MESH_NOTHING_LEFT", "resume: every agent was READY or in CONFLICT");
  const { settings, plan } = attempt;
  const at: ArrivalTime = options.at ?? "now";
  const anew = planOperation({ payload: plan.payload, at }, mesh.nowMs);
  const root = attempt.root ?? {
    operation: gather.operation,
    messageId: gather.plan.facts.messageId,
  };
  return {
    ...attempt,
    plan: { ...plan, at: anew.at, hold: plan.hold && anew.at.kind !== "now" },
    settings: {
      ...settings,
      timeoutMs: options.timeoutMs ?? settings.timeoutMs,
      signal: options.signal,
    },
    agents: Int32Array.from(left),
    shut,
    isWave: false,
    root,
  };
}
