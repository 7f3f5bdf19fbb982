import assert from "node:assert/strict";
import type { ActorRef } from "../actors/ref.ts";
import type { TellFigures, TellOrder } from "./agent-tell.ts";
import { perSecond } from "./exchange.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { agentsOnTwoThreads, startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { throughputByNact } from "./peer-nact.ts";
import { tasksByPiscina } from "./peer-piscina.ts";
import { throughputByPostMessage } from "./peer-post-message.ts";
import { tasksByRingbuf } from "./peer-ringbuf.ts";

/*
 *   agent on worker 1 ──[ msgpack, 256 B ]──▶ agent on worker 2
 *        teller                                  told, proves each message
 */
const MESSAGES = parameter("tell.cross messages", { smoke: 5_000, full: 10_000_000 });
const WARM = parameter("tell.cross warm-up messages", { smoke: 1_024, full: 200_000 });
const PEER_MESSAGES = parameter("tell.cross messages of a peer", { smoke: 5_000, full: 1_000_000 });
const PEER_SIZE = { warm: Math.ceil(PEER_MESSAGES / 10), measured: PEER_MESSAGES };
const RINGBUF_BYTES = 1024 * 1024;
const OUTSTANDING = 1_000;
const LIMIT_MS = 120_000;

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-tell", {
    workers: 2,
    topology: { sectors: 2, clustersPerSector: 1, agentsPerCluster: 1 },
  });
  const [teller, told] = await agentsOnTwoThreads(mesh);
  const order: TellOrder = { target: told as TellOrder["target"], warm: WARM, measured: MESSAGES };
  const answer = await mesh.ask(teller as ActorRef<TellOrder, TellFigures>, order, {
    timeoutMs: LIMIT_MS,
  });
  assert.ok(answer.state === 1, `the teller answered ${answer.state}`);
  assert.equal(answer.value.handled, WARM + MESSAGES);
  assert.equal(mesh.status().lost, 0);
  measured("perSecond", perSecond(MESSAGES, answer.value.ms));
  measured("heapGrowth", answer.value.heapGrowthBytes);
}

export const tellCross: Bench = {
  name: "tell.cross",
  question:
    "How many messages of 256 bytes a second go from an agent to one on another thread, at least once?",
  metrics: {
    perSecond: { unit: "1/s", better: "more", goal: 1_000_000 },
    // A tenth of a byte a message: what is left of both heaps when they have been collected varies by more.
    heapGrowth: { unit: "B", better: "less", goal: 1_000_000 },
  },
  ours,
  peers: {
    postMessage: async (measured) =>
      measured("perSecond", await throughputByPostMessage({ kind: "task" }, PEER_SIZE)),
    "ringbuf.js": async (measured) =>
      measured("perSecond", await tasksByRingbuf(PEER_SIZE, RINGBUF_BYTES)),
    piscina: async (measured) =>
      measured(
        "perSecond",
        await tasksByPiscina(Math.ceil(PEER_SIZE.warm / 10), PEER_MESSAGES / 10, OUTSTANDING),
      ),
    nact: async (measured) =>
      measured("perSecond", await throughputByNact({ kind: "task" }, PEER_SIZE)),
    Erlang: erlang("tell", [PEER_SIZE.warm, PEER_MESSAGES]),
  },
};
