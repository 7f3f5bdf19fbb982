import assert from "node:assert/strict";
import type { ActorRef } from "../actors/ref.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { AskOrder } from "./agent-ask.ts";
import { type Bench, type Contestant, parameter } from "./harness.ts";
import { agentsOnTwoThreads, startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { roundTripsByNact } from "./peer-nact.ts";
import { roundTripsByPiscina } from "./peer-piscina.ts";
import { roundTripsByPostMessage } from "./peer-post-message.ts";
import {
  measureRoundTrips,
  ONE_METRICS,
  type RoundTripSize,
  type RoundTrips,
} from "./round-trips.ts";

/*
 *   agent on worker 1 ──── n ────▶ agent on worker 2
 *                     ◀── n+1 ───
 */
const SIZE: RoundTripSize = {
  one: parameter("ask.cross asks one at a time", { smoke: 200, full: 20_000 }),
  many: parameter("ask.cross asks with many outstanding", { smoke: 5_000, full: 2_000_000 }),
  outstanding: parameter("ask.cross outstanding", { smoke: 100, full: 1_000 }),
};
/** A tenth is enough for those that are slower by more than that. */
const PEER_SIZE: RoundTripSize = { ...SIZE, many: Math.max(SIZE.many / 10, SIZE.outstanding) };
const LIMIT_MS = 120_000;

function contestant(ask: (size: RoundTripSize) => Promise<RoundTrips>): Contestant {
  return async (measured) => measureRoundTrips(await ask(PEER_SIZE), measured);
}

/** Has agent `asker` of the mesh ask agent `asked`. */
export async function roundTripsByMesh(
  mesh: Mesh,
  asker: ActorRef,
  asked: ActorRef,
  size: RoundTripSize,
): Promise<RoundTrips> {
  const order: AskOrder = { target: asked as ActorRef<number, number>, size };
  const answer = await mesh.ask(asker as ActorRef<AskOrder, RoundTrips>, order, {
    timeoutMs: LIMIT_MS,
  });
  assert.ok(answer.state === 1, `the asker answered ${answer.state}`);
  assert.equal(mesh.status().lost, 0);
  return answer.value;
}

export const askCross: Bench = {
  name: "ask.cross",
  question: "How long does an agent wait for an answer from another thread, and how many a second?",
  metrics: {
    "one.p50": { ...ONE_METRICS["one.p50"], goal: 40 },
    "one.p99": ONE_METRICS["one.p99"],
    "perSecond.1000": { unit: "1/s", better: "more", goal: 2_000_000 },
  },
  ours: async (measured) => {
    await using mesh = await startMesh("agent-ask", {
      workers: 2,
      topology: { sectors: 2, clustersPerSector: 1, agentsPerCluster: 1 },
    });
    const [asker, asked] = await agentsOnTwoThreads(mesh);
    measureRoundTrips(await roundTripsByMesh(mesh, asker, asked, SIZE), measured);
  },
  peers: {
    postMessage: contestant(roundTripsByPostMessage),
    piscina: contestant(roundTripsByPiscina),
    nact: contestant(roundTripsByNact),
    Erlang: erlang("ask", [SIZE.one, SIZE.many, SIZE.outstanding]),
  },
};
