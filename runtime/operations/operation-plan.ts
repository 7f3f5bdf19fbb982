import { InvalidOptionError } from "../../actors/errors.ts";
import { type RoutingStrategy, VERBS, type Verb } from "../../actors/message.ts";
import { type ArrivalTime, readArrivalTime } from "../../coordination/arrival-time.ts";
import { OperationFlag } from "../../mailbox/operation-frame.ts";
import type { GatherOptions, Operation } from "../api/operation-api.ts";
import { checkSendOptions } from "../dispatch/send-options.ts";
import type { OperationFacts } from "../dispatch/shared-payloads.ts";

/** Work that is only looked at may be asked twice, and changes nothing that would have to be saved. */
const LOOKING: ReadonlySet<Verb> = new Set(["observe", "orient"]);

/** An operation with every default filled in. */
export interface OperationPlan {
  readonly payload: unknown;
  readonly verb: Verb;
  readonly at: ReturnType<typeof readArrivalTime>;
  readonly readyBy: number;
  readonly hold: boolean;
  readonly idempotent: boolean;
  readonly priority: 0 | 1 | 2 | 3;
  readonly ttlMs: number;
  readonly weight: number;
  readonly requiresCapabilities: readonly string[];
  readonly correlationId: string | undefined;
  readonly causationId: string | undefined;
  readonly trinaryExpectation: 1 | 0 | -1;
}

/** How an operation is gathered, with every default filled in. */
export interface GatherSettings {
  readonly select: string | undefined;
  readonly windowMs: number;
  readonly timeoutMs: number;
  readonly thresholds: {
    readonly requiredReadyRate: number;
    readonly maxConflictRate: number;
    readonly maxTransitRate: number;
  };
  readonly signal: AbortSignal | undefined;
  readonly answers: boolean;
  /** Answers are compared: whoever contradicts the others lies. */
  readonly oneTruth: boolean;
  readonly onProgress: GatherOptions["onProgress"];
}

/** Reads an operation; InvalidOptionError names the field, the value and what was expected. */
export function planOperation(operation: Operation, nowMs: number): OperationPlan {
  if (typeof operation !== "object" || operation === null)
    throw new InvalidOptionError("operation", operation, "an object with at least `payload`");
  if (!("payload" in operation))
    throw new InvalidOptionError("payload", undefined, "a value, undefined if need be");
  checkSendOptions(operation);
  const verb = operation.verb ?? "sync";
  if (!VERBS.includes(verb))
    throw new InvalidOptionError("verb", verb, `one of ${VERBS.join(", ")}`);
  const { trinaryExpectation = 1 } = operation;
  if (trinaryExpectation !== 1 && trinaryExpectation !== 0 && trinaryExpectation !== -1)
    throw new InvalidOptionError("trinaryExpectation", trinaryExpectation, "1, 0 or -1");
  const at = readAt(operation.at ?? "earliest-quorum", nowMs);
  return {
    payload: operation.payload,
    verb,
    at,
    readyBy: within("readyBy", operation.readyBy ?? 0.95, 0.5, 0.999),
    hold: operation.hold ?? at.kind !== "now",
    idempotent: operation.idempotent ?? LOOKING.has(verb),
    priority: operation.priority ?? 1,
    ttlMs: operation.ttlMs ?? Number.POSITIVE_INFINITY,
    weight: within("payloadWeight", operation.payloadWeight ?? 1, 0, 1e6),
    requiresCapabilities: capabilities(operation.requiresCapabilities),
    correlationId: operation.correlationId,
    causationId: operation.causationId,
    trinaryExpectation,
  };
}

/** Reads how to gather; InvalidOptionError as above. */
export function planGather(options: GatherOptions, quorum: number): GatherSettings {
  checkSendOptions(options as { readonly timeoutMs?: number });
  return {
    select: options.select,
    windowMs: within("windowMs", options.windowMs ?? 500, 0, 86_400_000),
    timeoutMs: within("timeoutMs", options.timeoutMs ?? 5000, 0, 366 * 86_400_000),
    thresholds: {
      requiredReadyRate: within("quorum", options.quorum ?? quorum, 0, 1),
      maxConflictRate: within("maxConflictRate", options.maxConflictRate ?? 0.05, 0, 1),
      maxTransitRate: within("maxTransitRate", options.maxTransitRate ?? 0.1, 0, 1),
    },
    signal: options.signal,
    answers: (options.answers ?? false) || options.oneTruth === true,
    oneTruth: options.oneTruth ?? false,
    onProgress: options.onProgress,
  };
}

/** Whether it changes something, so that its effects are saved and had once. */
export function changes(plan: OperationPlan): boolean {
  return !LOOKING.has(plan.verb);
}

/** The bits of a frame that say how an operation is to be done. */
export function flagsOf(plan: OperationPlan, settings: GatherSettings, isWave: boolean): number {
  return (
    OperationFlag.ROWS |
    (plan.hold ? OperationFlag.HOLD : 0) |
    (isWave ? OperationFlag.WAVE : 0) |
    (settings.answers ? OperationFlag.ANSWERS : 0) |
    (plan.idempotent ? OperationFlag.HEDGE : 0) |
    (LOOKING.has(plan.verb) ? OperationFlag.LOOKS : 0)
  );
}

/** What travels beside the payload. */
export function factsOf(
  plan: OperationPlan,
  messageId: string,
  strategy: RoutingStrategy,
  ttlMs: number,
  context: Uint8Array | undefined,
): OperationFacts {
  return {
    messageId,
    correlationId: plan.correlationId ?? messageId,
    causationId: plan.causationId ?? messageId,
    strategy,
    verb: plan.verb,
    ttlMs,
    payloadWeight: plan.weight,
    requiresCapabilities: plan.requiresCapabilities,
    trinaryExpectation: plan.trinaryExpectation,
    ...(context !== undefined && { context }),
  };
}

function readAt(at: ArrivalTime, nowMs: number): ReturnType<typeof readArrivalTime> {
  try {
    return readArrivalTime(at, nowMs);
  } catch (error) {
    const sentence = /^at: expected (.+), got /s.exec((error as Error).message);
    throw new InvalidOptionError("at", at, sentence?.[1] ?? "a time");
  }
}

function capabilities(names: readonly string[] | undefined): readonly string[] {
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new InvalidOptionError("requiresCapabilities", names, "a list of names");
}

function within(field: string, value: number, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new InvalidOptionError(field, value, `a number from ${min} to ${max}`);
}
