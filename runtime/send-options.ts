import type { AskOptions, TellOptions } from "../actors/context.ts";
import { InvalidOptionError } from "../actors/errors.ts";

/** Throws InvalidOptionError, by name, for a priority or a time that makes no sense. */
export function checkSendOptions(options: AskOptions | TellOptions | undefined): void {
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

function checkTime(field: string, value: number | undefined): void {
  if (value === undefined || (typeof value === "number" && value >= 0)) return;
  throw new InvalidOptionError(field, value, "ms from 0 up, or Infinity");
}

/** When a time given from now is over, ms of the mesh clock; 0 when never, as frames have it. */
export function deadlineAfter(nowMs: number, ms: number | undefined): number {
  return ms === undefined || ms === Number.POSITIVE_INFINITY ? 0 : nowMs + ms;
}
