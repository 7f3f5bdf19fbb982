// Agents of the A2A protocol that are elsewhere: each message is sent under its key, and its task followed to its end.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { MeshError } from "../actors/errors.ts";
import { conflict, type Result, ready } from "../actors/result.ts";
import type { A2aAgentOptions, AgentHost } from "../runtime/api/agent-api.ts";
import { A2aPeers, requireA2aClient } from "./a2a-peer.ts";
import { type BackOff, backOffMs } from "./back-off.ts";
import { HttpPool } from "./http-pool.ts";
import { KindOptions } from "./kind-options.ts";
import { messageKey } from "./message-key.ts";
import { addressed } from "./url-template.ts";

const MEMBERS: readonly (keyof A2aAgentOptions)[] = [
  "url",
  "headers",
  "timeoutMs",
  "attempts",
  "backoffMs",
  "maxBackoffMs",
  "maxResponseBytes",
  "capabilities",
];

/** Times that the task of a message without a deadline is asked for. */
const MAX_POLLS = 100_000;
const HOUR_MS = 3_600_000;
const CONNECTIONS = 64;

interface A2aSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backOff: BackOff;
}

/** Sends the current message and follows its task; rejects at its deadline, which its asker sees as TRANSIT. */
async function exchange(
  { url: template, timeoutMs, attempts, backOff }: A2aSettings,
  peers: A2aPeers,
  message: unknown,
  ctx: ActorContext,
): Promise<Result> {
  const { deadlineMs, operation } = ctx.envelope;
  const isBound = Number.isFinite(deadlineMs);
  const url = addressed(template, ctx.address);
  const metadata = {
    agent: ctx.address,
    ...(isBound && { deadlineMs }),
    ...(operation !== undefined && { operation: { id: operation.id, verb: operation.verb } }),
  };
  const sent = { url, key: messageKey(ctx), message, metadata, timeoutMs, signal: ctx.signal };
  let taskId: string | undefined;
  for (let failed = 0, polls = 0, wait = 1; ; wait++) {
    const heard = await peers.exchange({ ...sent, taskId }, ctx.clock.nowMs());
    switch (heard.kind) {
      case "done":
        return ready(heard.value);
      case "failed":
      case "canceled":
        return conflict({ type: "DATA_CONTRADICTION", received: { [heard.kind]: heard.why } });
      case "rejected":
        return conflict({ type: "CAPABILITY_MISMATCH", received: { rejected: heard.why } });
      case "refused":
        throw new MeshError("MESH_REMOTE_REFUSED", heard.why);
      case "again":
        failed++;
        break;
      case "forgotten":
        taskId = undefined;
        failed++;
        break;
      case "working":
        // The first look at the task is soon again, however long it took to be taken.
        if (taskId === undefined) wait = 1;
        taskId = heard.taskId;
        failed = 0;
        polls++;
        break;
      default:
        heard satisfies never;
    }
    if (!isBound && (failed >= attempts || polls >= MAX_POLLS))
      throw new MeshError("MESH_REMOTE_UNAVAILABLE", `not done: ${heard.why}`);
    ctx.waitsFor(heard.why);
    await ctx.timers.sleep(backOffMs(backOff, wait, ctx.random.next()));
  }
}

/** Makes agents of A2A; InvalidOptionError names the option, MESH_NO_A2A the package that is missing. */
export function createAgent(options: A2aAgentOptions, _host: AgentHost): Behavior {
  const read = new KindOptions("agent.a2a", options, MEMBERS);
  const settings: A2aSettings = {
    url: read.required("url"),
    timeoutMs: read.number("timeoutMs", 30_000, 1, HOUR_MS),
    attempts: read.number("attempts", 10, 1, 1000),
    backOff: {
      firstMs: read.number("backoffMs", 100, 1, HOUR_MS),
      mostMs: read.number("maxBackoffMs", 5_000, 1, HOUR_MS),
    },
  };
  const pool = new HttpPool({
    connections: CONNECTIONS,
    maxResponseBytes: read.number("maxResponseBytes", 1_048_576, 1, 67_108_864),
  });
  const peers = new A2aPeers(pool, read.headers("headers"));
  requireA2aClient();
  return defineAgent<null, unknown, unknown>({
    capabilities: read.names("capabilities", ["a2a"]),
    init: () => null,
    receive: (_state, message, ctx) => exchange(settings, peers, message, ctx),
  }) as Behavior;
}
