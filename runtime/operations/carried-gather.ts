import { OperationFlag } from "../../mailbox/operation-frame.ts";
import type { PayloadCodec } from "../../mailbox/payload.ts";
import type { CutGather } from "../api/cut.ts";
import type { OperationFacts } from "../dispatch/shared-payloads.ts";
import type { Gather, GatherPlan, SectorShare } from "./gather.ts";
import type { GatherAbout } from "./gathers.ts";
import type { Attempt } from "./operation-attempt.ts";
import { planGather } from "./operation-plan.ts";

/** An operation that is out, as plain data: `payload` is the bytes that its sectors read. */
export function carriedGather(
  gather: Gather,
  about: GatherAbout,
  isOpen: boolean,
  payload: Uint8Array,
): CutGather {
  const { plan, operation } = gather;
  const { createdMs, arrivalMs, closeMs, deadlineMs, readyBy, priority, root } = plan;
  return {
    ...about,
    operation,
    ...(root !== undefined && { root }),
    createdMs,
    arrivalMs,
    closeMs,
    deadlineMs,
    readyBy,
    priority,
    // Another process has a journal of its own, or none.
    flags: plan.flags & ~OperationFlag.JOURNALED,
    threshold: isOpen ? 0 : plan.threshold,
    payload,
    shares: [...gather.shares.values()].map(({ sector, map, maps, final, sent }) => ({
      sector,
      map: [...map],
      maps: [...maps],
      final,
      sent,
    })),
  };
}

/** What reading an operation of another process needs of this one. */
export interface CarriedPorts {
  readonly codec: PayloadCodec;
  readonly agentsPerSector: number;
  /** Bits of these capabilities, low and high word. */
  readonly capabilityBits: (names: readonly string[]) => readonly [low: number, high: number];
  /** How much later all its times are here. */
  readonly shiftMs: number;
}

/** The plan and the attempt to go on with, of an operation that was begun in another process. */
export function readCarried(
  carried: CutGather,
  shares: ReadonlyMap<number, SectorShare>,
  { codec, agentsPerSector, capabilityBits, shiftMs }: CarriedPorts,
): { readonly attempt: Attempt; readonly plan: GatherPlan } {
  codec.adopt(carried.payload, carried.payload.length);
  const held = codec.decodeOwn(carried.payload.length) as [unknown, OperationFacts];
  const [payload, facts] = held;
  const bits = capabilityBits(facts.requiresCapabilities);
  const plan = planOfCarried(carried, payload, facts, bits, shiftMs);
  const agents: number[] = [];
  for (const share of shares.values())
    for (const bit of share.bits()) agents.push(share.sector * agentsPerSector + bit);
  return { attempt: attemptOfCarried(carried, plan, Int32Array.from(agents)), plan };
}

/** The plan to go on by in this process, with all times as much later as `shiftMs`. */
function planOfCarried(
  carried: CutGather,
  payload: unknown,
  facts: OperationFacts,
  bits: readonly [low: number, high: number],
  shiftMs: number,
): GatherPlan {
  const { root, readyBy, priority, flags, threshold } = carried;
  const later = (ms: number): number => (ms === 0 ? 0 : ms + shiftMs);
  return {
    payload,
    facts,
    root,
    createdMs: later(carried.createdMs),
    arrivalMs: later(carried.arrivalMs),
    closeMs: later(carried.closeMs),
    deadlineMs: later(carried.deadlineMs),
    readyBy,
    priority,
    flags,
    threshold,
    requiresLow: bits[0],
    requiresHigh: bits[1],
  };
}

/** The attempt that such a plan is of: what judges its result, and what `resume` tries again. */
function attemptOfCarried(
  { kind, windowMs, thresholds }: CutGather,
  plan: GatherPlan,
  agents: Int32Array,
): Attempt {
  const { facts, root, createdMs, deadlineMs, flags, readyBy, priority } = plan;
  const timeoutMs = Math.max(0, deadlineMs - createdMs);
  const answers = (flags & OperationFlag.ANSWERS) !== 0;
  return {
    plan: {
      payload: plan.payload,
      verb: facts.verb,
      at: plan.arrivalMs === 0 ? { kind: "now" } : { kind: "time", atMs: plan.arrivalMs },
      readyBy,
      hold: (flags & OperationFlag.HOLD) !== 0,
      idempotent: (flags & OperationFlag.HEDGE) !== 0,
      priority: priority as 0 | 1 | 2 | 3,
      ttlMs: facts.ttlMs,
      weight: facts.payloadWeight,
      requiresCapabilities: facts.requiresCapabilities,
      correlationId: facts.correlationId,
      causationId: facts.causationId,
      trinaryExpectation: facts.trinaryExpectation,
    },
    settings: { ...planGather({ windowMs, timeoutMs, answers }, 1), thresholds },
    agents,
    shut: new Int32Array(0),
    strategy: facts.strategy,
    kind,
    isWave: plan.threshold > 0,
    ...(root !== undefined && { root: { operation: root, messageId: facts.messageId } }),
  };
}
