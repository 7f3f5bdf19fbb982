/** Commands that speak to agents without asking for a time: tell, broadcast. */
import type { Receipt, ReceiptStatus } from "../../actors/receipt.ts";
import type { BroadcastResult } from "../../runtime/api/mesh-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { MESSAGE, PRIORITY, TTL, tellOptions, timeoutParameter } from "../command/message.ts";
import { SELECT } from "../command/operation-arguments.ts";
import { share } from "../command/values.ts";
import { formatNumber, formatShare } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { ADDRESS } from "./agent-commands.ts";

/** Backpressure may last; a person wants to hear of it before it is over. */
const RECEIPT_WAIT_MS = 5_000;
/** What the operator has to say to all is high (spec 7.1). */
const BROADCAST_PRIORITY = 2;

/** What became of a `tell`. */
interface TellOutcome {
  readonly address: string;
  readonly status: ReceiptStatus;
}

/** What became of a `broadcast`. */
interface BroadcastOutcome extends BroadcastResult {
  /** Agents that it was sent to. */
  readonly received: number;
  /** Agents that said READY or CONFLICT. */
  readonly acknowledged: number;
  readonly quorum: number;
  readonly achieved: boolean;
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

/** `broadcast`: tells all, and counts who has heard. */
export const broadcastCommand: MeshCommand = meshCommand({
  name: "broadcast",
  help: "Send a message to all agents, or to a selection, and count who acknowledged it.",
  details:
    "Received are the agents that it was sent to, acknowledged those that answered READY or " +
    "CONFLICT in time. Exit code 1 when fewer than the quorum acknowledged.",
  parameters: {
    message: MESSAGE,
    select: SELECT,
    quorum: {
      schema: share(0, 1).optional(),
      help: "share of the agents that has to acknowledge (default: 0.95)",
      value: "share",
    },
    timeout: timeoutParameter("5s"),
    priority: { ...PRIORITY, help: PRIORITY.help.replace("default: 1", "default: 2") },
    ttl: TTL,
  },
  examples: [
    "broadcast 'Context update: market closed early today'",
    `broadcast '{"add": 1}' --select sector-7 --timeout 2s`,
  ],
  changes: true,
  run: async ({ mesh, signal }, args): Promise<BroadcastOutcome> => {
    const { message, select, timeout, priority = BROADCAST_PRIORITY, ttl, quorum = 0.95 } = args;
    const result = await mesh.broadcast(message, {
      ...tellOptions(priority, ttl),
      ...(select !== undefined && { select }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      signal,
    });
    const acknowledged = result.ready + result.conflict;
    const achieved = result.addressed > 0 && acknowledged >= quorum * result.addressed;
    return { received: result.addressed, acknowledged, quorum, achieved, ...result };
  },
  render: renderBroadcast,
  failed: ({ achieved }) => !achieved,
});

function renderBroadcast(outcome: BroadcastOutcome, paint: Paint): string {
  const { received, acknowledged, conflict, quorum, achieved } = outcome;
  const counts = `${formatNumber(received)} received, ${formatNumber(acknowledged)} acknowledged`;
  const lines = [`Broadcast complete: ${counts}`];
  if (conflict > 0) lines.push(paint.yellow(`${formatNumber(conflict)} of them in CONFLICT`));
  if (!achieved) {
    const wanted = `${formatShare(quorum, 1)} of the agents were to acknowledge`;
    lines.push(`${paint.red("quorum missed")}: ${wanted}`);
  }
  return lines.join("\n");
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
