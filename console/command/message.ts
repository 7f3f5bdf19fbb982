/** A message on the command line: its parameters, and how it and its answers are read and shown. */
import type { Priority, TellOptions } from "../../actors/context.ts";
import type { Answer } from "../../actors/result.ts";
import { formatDuration } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";
import type { Parameter } from "./command.ts";
import { anything, duration, wholeNumber } from "./values.ts";

/** Longest time that may be waited for, ms. */
export const DAY_MS = 86_400_000;

/** All words that follow, as one message. */
export const MESSAGE: Parameter = Object.freeze({
  schema: anything("a message"),
  help: "JSON, or text when it is not JSON",
  place: "rest",
  fromText: messageOf,
} as const);

/** `--priority`. */
export const PRIORITY: Parameter<number | undefined> = Object.freeze({
  schema: wholeNumber(0, 3).optional(),
  help: "0 background, 1 normal, 2 high, 3 critical (default: 1)",
  value: "0-3",
  complete: ["0", "1", "2", "3"],
} as const);

/** `--ttl`. */
export const TTL: Parameter<number | undefined> = Object.freeze({
  schema: duration(1, 366 * DAY_MS).optional(),
  help: "dropped when its turn has not begun after this time (default: never)",
  value: "duration",
} as const);

/** `--timeout`, whose default the command says. */
export function timeoutParameter(
  standard: string,
  help = "how long to wait",
): Parameter<number | undefined> {
  return Object.freeze({
    schema: duration(1, DAY_MS).optional(),
    help: `${help} (default: ${standard})`,
    value: "duration",
  } as const);
}

/** JSON when it can be read as such, text otherwise. */
export function messageOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return written;
  }
}

/** Options of a `tell`; what was not said is left to the mesh. */
export function tellOptions(priority: number | undefined, ttlMs: number | undefined): TellOptions {
  return {
    ...(priority !== undefined && { priority: priority as Priority }),
    ...(ttlMs !== undefined && { ttlMs }),
  };
}

/** One answer for people: `READY {…} (12ms)`. */
export function renderAnswer(answer: Answer, elapsedMs: number, paint: Paint): string {
  const after = paint.dim(`(${formatDuration(elapsedMs)})`);
  switch (answer.state) {
    case 1:
      return `${paint.green("READY")} ${shown(answer.value)} ${after}`;
    case 0:
      return `${paint.yellow("TRANSIT")} no answer came in ${formatDuration(answer.waitedMs)}`;
    case -1:
      return `${paint.red("CONFLICT")} ${shown(answer.conflict)} ${after}`;
  }
}

/** What an agent has said, in full and harmless to a terminal. */
export function shown(value: unknown): string {
  if (value === undefined) return "without a value";
  return tame(typeof value === "string" ? value : JSON.stringify(value, null, 2));
}
