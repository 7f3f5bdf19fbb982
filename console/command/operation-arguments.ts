/** What forecast, scatter and cascade have in common on the command line: an operation and whom it is for. */
import type { Priority } from "../../actors/context.ts";
import { VERBS, type Verb } from "../../actors/message.ts";
import type { ArrivalTime } from "../../coordination/arrival-time.ts";
import type { Operation } from "../../runtime/api/operation-api.ts";
import { UsageError } from "../terminal/exit.ts";
import type { Parameter } from "./command.ts";
import { DAY_MS, messageOf, PRIORITY, TTL, timeoutParameter } from "./message.ts";
import {
  anything,
  arrivalTime,
  choice,
  duration,
  flag,
  share,
  text,
  wholeNumber,
} from "./values.ts";

/** How the words before the flags are read; part of the help of each of these commands. */
export const WORDS_HELP: string =
  "The first word is the verb when it is one of observe, orient, decide, act, record, sync; what " +
  "follows, or else all of it, is the message, as JSON or as text. Say the verb with --verb when " +
  "the message begins with one of these words; without any it is sync.";

/** `--select`. */
export const SELECT: Parameter<string | undefined> = Object.freeze({
  schema: text("all, an address, an impedance class or a capability").optional(),
  help: "all, an address such as sector-7, an impedance class or a capability (default: all)",
  value: "selection",
  complete: "address",
} as const);

const QUORUM: Parameter<number | undefined> = Object.freeze({
  schema: share(0, 1).optional(),
  help: "share of the agents that has to be READY (default: 0.95)",
  value: "share",
} as const);

/** What the operation is, when, and with what certainty. */
export const OPERATION: {
  readonly verb: Parameter<Verb | undefined>;
  readonly message: Parameter;
  readonly at: Parameter<ArrivalTime | undefined>;
  readonly readyBy: Parameter<number | undefined>;
  readonly select: Parameter<string | undefined>;
  readonly quorum: Parameter<number | undefined>;
} = Object.freeze({
  verb: {
    schema: choice(VERBS).optional(),
    help: `what it asks of the agents: ${VERBS.join(", ")} (default: sync)`,
    place: "word",
    value: "verb",
    complete: VERBS,
  },
  message: {
    schema: anything("a message").optional(),
    help: "JSON, or text when it is not JSON (default: null)",
    place: "rest",
    fromText: messageOf,
  },
  at: {
    schema: arrivalTime().optional(),
    help:
      'when agents should be READY: "in 500ms", a time, earliest-quorum (the soonest the quorum ' +
      "is expected) or now (as soon as each can; default: earliest-quorum)",
    value: "time",
    complete: ["earliest-quorum", "now"],
  },
  readyBy: {
    schema: share(0.5, 0.999).optional(),
    help: "probability with which each agent shall be READY by then (default: 0.95)",
    value: "share",
  },
  select: SELECT,
  quorum: QUORUM,
} as const);

/** How it is sent and gathered. */
export const GATHER: {
  readonly window: Parameter<number | undefined>;
  readonly timeout: Parameter<number | undefined>;
  readonly hold: Parameter<boolean | undefined>;
  readonly noHold: Parameter<boolean | undefined>;
  readonly priority: Parameter<number | undefined>;
  readonly ttl: Parameter<number | undefined>;
  readonly count: Parameter<number | undefined>;
} = Object.freeze({
  window: {
    schema: duration(0, DAY_MS).optional(),
    help: "READY so long before or after that time counts as in time (default: 500ms)",
    value: "duration",
  },
  timeout: timeoutParameter("5s, or longer when --at needs it", "the latest end"),
  hold: {
    schema: flag().optional(),
    help: "agents that are READY early wait and act at that very time (default: when --at is a time)",
  },
  noHold: { schema: flag().optional(), help: "agents act as soon as they are READY" },
  priority: PRIORITY,
  ttl: {
    ...TTL,
    help: "work that has not begun after this time is not begun (default: --timeout)",
  },
  count: {
    schema: wholeNumber(1, 100_000).optional(),
    help: "do it so often, one after another, and report over all (default: 1)",
    value: "N",
  },
} as const);

/** The values of {@link OPERATION} and {@link GATHER} that make an operation. */
export interface OperationWords {
  readonly verb: Verb | undefined;
  readonly message: unknown;
  readonly at: ArrivalTime | undefined;
  readonly readyBy: number | undefined;
  readonly hold?: boolean | undefined;
  readonly noHold?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly ttl?: number | undefined;
}

/** UsageError when agents shall hold and not hold their results. */
export function checkHold(command: string, { hold, noHold }: OperationWords): void {
  if (hold !== true || noHold !== true) return;
  throw new UsageError(`${command}: expected --hold or --no-hold, got both`, command, "noHold");
}

/** The operation that the words mean; what was not said is left to the mesh. */
export function operationOf(words: OperationWords): Operation {
  const { verb, message, at, readyBy, hold, noHold, priority, ttl } = words;
  const holds = hold ?? (noHold === undefined ? undefined : !noHold);
  return {
    payload: message ?? null,
    verb: verb ?? "sync",
    ...(at !== undefined && { at }),
    ...(readyBy !== undefined && { readyBy }),
    ...(holds !== undefined && { hold: holds }),
    ...(priority !== undefined && { priority: priority as Priority }),
    ...(ttl !== undefined && { ttlMs: ttl }),
  };
}
