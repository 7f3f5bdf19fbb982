import type { AskOptions, SendOptions, TellOptions } from "../../actors/context.ts";
import { InvalidOptionError } from "../../actors/errors.ts";

/** Throws InvalidOptionError, by name, for a priority or a time that makes no sense. */
export function checkSendOptions(options: AskOptions | SendOptions | undefined): void {
  if (options === undefined) return;
  const { priority } = options;
  if (
    priority !== undefined &&
    priority !== 0 &&
    priority !== 1 &&
    priority !== 2 &&
    priority !== 3
  ) {
    throw new InvalidOptionError("priority", priority, "a whole number from 0 to 3");
  }
  checkTime("ttlMs", options.ttlMs);
  if ("timeoutMs" in options) checkTime("timeoutMs", options.timeoutMs);
}

/** The same of a `tell`, of which alone can be said how much it is to outlive. */
export function checkTellOptions(options: TellOptions | undefined): void {
  if (options === undefined) return;
  checkSendOptions(options);
  const { durable, volatile } = options;
  checkBoolean("durable", durable);
  checkBoolean("volatile", volatile);
  if (durable === true && volatile === true)
    throw new InvalidOptionError("volatile", volatile, "one of durable and volatile");
}

/** Throws for what only a `tell` may have. */
export function checkAskOptions(options: AskOptions | undefined): void {
  if (options === undefined) return;
  checkSendOptions(options);
  for (const field of ["durable", "volatile"] as const) {
    if ((options as TellOptions)[field] !== undefined)
      throw new InvalidOptionError(
        field,
        (options as TellOptions)[field],
        "a tell that has it, not an ask",
      );
  }
}

function checkBoolean(field: string, value: boolean | undefined): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new InvalidOptionError(field, value, "true or false");
}

function checkTime(field: string, value: number | undefined): void {
  if (value === undefined || (typeof value === "number" && value >= 0)) return;
  throw new InvalidOptionError(field, value, "ms from 0 up, or Infinity");
}

/** When a time given from now is over, ms of the mesh clock; 0 when never, as frames have it. */
export function deadlineAfter(nowMs: number, ms: number | undefined): number {
  return ms === undefined || ms === Number.POSITIVE_INFINITY ? 0 : nowMs + ms;
}

/** Sequences of a thread's incarnations begin so far from each other: no number comes twice. */
export const SEQUENCES_AN_EPOCH: number = 2 ** 36;
