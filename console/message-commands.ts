/** Commands that speak to agents: tell, ask. */
import type { AskOptions, Priority, TellOptions } from "../actors/context.ts";
import type { Receipt, ReceiptStatus } from "../actors/receipt.ts";
import type { Answer } from "../actors/result.ts";
import { systemClock } from "../runtime/clock.ts";
import { ADDRESS } from "./agent-commands.ts";
import { type MeshCommand, meshCommand, type Parameter } from "./command.ts";
import { formatDuration } from "./format.ts";
import { type Paint, paintState } from "./paint.ts";
import { tame } from "./text-width.ts";
import { anything, duration, wholeNumber } from "./values.ts";

/** Backpressure may last; a person wants to hear of it before it is over. */
const RECEIPT_WAIT_MS = 5_000;
const DAY_MS = 86_400_000;

const MESSAGE: Parameter = Object.freeze({
  schema: anything("a message"),
  help: "JSON, or text when it is not JSON",
  place: "rest",
  fromText: messageOf,
} as const);

const PRIORITY = Object.freeze({
  schema: wholeNumber(0, 3).optional(),
  help: "0 background, 1 normal, 2 high, 3 critical (default: 1)",
  value: "0-3",
  complete: ["0", "1", "2", "3"],
} as const);

const TTL = Object.freeze({
  schema: duration(1, 366 * DAY_MS).optional(),
  help: "dropped when its turn has not begun after this time (default: never)",
  value: "duration",
} as const);

/** What became of a `tell`. */
interface TellOutcome {
  readonly address: string;
  readonly status: ReceiptStatus;
}

/** `tell`: sends without waiting for an answer. */
export const tellCommand: MeshCommand = meshCommand({
  name: "tell",
  help: "Send a message to an agent without waiting for an answer.",
  parameters: { address: ADDRESS, message: MESSAGE, priority: PRIORITY, ttl: TTL },
  examples: [
    `tell sector-7/cluster-4/agent-12 '{"add": 1}'`,
    "tell sector-1/cluster-1/agent-1 hello --priority 3 --ttl 10s",
  ],
  changes: true,
  run: async ({ mesh, signal }, { address, message, priority, ttl }): Promise<TellOutcome> => {
    const receipt = mesh.tell(address, message, tellOptions(priority, ttl));
    return { address, status: await settled(receipt, signal) };
  },
  render: ({ address, status }, paint) => `${address}: ${paintState(status, paint)}`,
  failed: ({ status }) => status === "dropped" || status === "rejected",
});

/** What became of an `ask`. */
type AskOutcome = Answer & { readonly address: string; readonly elapsedMs: number };

/** `ask`: sends and prints the answer. */
export const askCommand: MeshCommand = meshCommand({
  name: "ask",
  help: "Send a message to an agent and print its answer: READY, CONFLICT or TRANSIT.",
  details: "Exit code 1 when no answer came in time (TRANSIT). A CONFLICT is an answer.",
  parameters: {
    address: ADDRESS,
    message: MESSAGE,
    timeout: {
      schema: duration(1, DAY_MS).optional(),
      help: "how long to wait (default: 5s)",
      value: "duration",
    },
    priority: PRIORITY,
    ttl: TTL,
  },
  examples: [
    `ask sector-7/cluster-4/agent-12 '{"add": 1}'`,
    "ask sector-1/cluster-1/agent-1 hello --timeout 2s",
  ],
  changes: true,
  run: async ({ mesh, signal }, { address, message, timeout, priority, ttl }) => {
    const options: AskOptions = {
      ...tellOptions(priority, ttl),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      signal,
    };
    const startedMs = systemClock.nowMs();
    const answer = await mesh.ask(address, message, options);
    return { address, ...answer, elapsedMs: systemClock.nowMs() - startedMs } as AskOutcome;
  },
  render: renderAnswer,
  failed: ({ state }) => state === 0,
});

/** JSON when it can be read as such, text otherwise. */
export function messageOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return written;
  }
}

function tellOptions(priority: number | undefined, ttlMs: number | undefined): TellOptions {
  return {
    ...(priority !== undefined && { priority: priority as Priority }),
    ...(ttlMs !== undefined && { ttlMs }),
  };
}

/** The final status of a receipt, or `waiting` when that takes too long or nobody waits any more. */
async function settled(receipt: Receipt, signal: AbortSignal): Promise<ReceiptStatus> {
  if (receipt.status !== "waiting") return receipt.status;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), RECEIPT_WAIT_MS);
  try {
    const enough = AbortSignal.any([signal, patience.signal]);
    const impatient = new Promise<ReceiptStatus>((resolve) => {
      if (enough.aborted) resolve("waiting");
      enough.addEventListener("abort", () => resolve("waiting"), { once: true });
    });
    return await Promise.race([receipt, impatient]);
  } finally {
    clearTimeout(timer);
  }
}

function renderAnswer(outcome: AskOutcome, paint: Paint): string {
  const after = paint.dim(`(${formatDuration(outcome.elapsedMs)})`);
  switch (outcome.state) {
    case 1:
      return `${paint.green("READY")} ${shown(outcome.value)} ${after}`;
    case 0:
      return `${paint.yellow("TRANSIT")} no answer came in ${formatDuration(outcome.waitedMs)}`;
    case -1:
      return `${paint.red("CONFLICT")} ${shown(outcome.conflict)} ${after}`;
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "without a value";
  return tame(typeof value === "string" ? value : JSON.stringify(value, null, 2));
}
