import { ringBytes } from "../mailbox/ring.ts";
import { exchange, perSecond } from "./exchange.ts";
import { type Bench, type Contestant, type Metric, parameter } from "./harness.ts";
import type { HeartbeatData } from "./heartbeat-worker.ts";
import type { BeatSize } from "./lead.ts";
import { erlang } from "./peer-erlang.ts";
import { throughputByNact } from "./peer-nact.ts";
import { throughputByPostMessage } from "./peer-post-message.ts";
import { heartbeatsByRingbuf } from "./peer-ringbuf.ts";

/*
 *   producer thread            ┌─ HEARTBEAT, one agent    (64 B) ──┐      consumer thread
 *     profiles of      ────────┤   or                              ├────▶ 30,000 rows ─▶ 1,000 summaries
 *     30,000 agents            └─ HEARTBEATS, 30 agents (544 B) ───┘
 */
const CAPACITY_BYTES = 1024 * 1024;
const SIZE: BeatSize = {
  sectors: parameter("heartbeat.cross sectors", { smoke: 2, full: 100 }),
  clustersPerSector: 10,
  agentsPerCluster: 30,
};
/** Of one round of the whole mesh each; warm-up is a tenth of that, at least one round. */
const ROUNDS = parameter("heartbeat.cross rounds", { smoke: 10, full: 1_000 });
const PEER_ROUNDS = parameter("heartbeat.cross rounds of slower peers", { smoke: 10, full: 20 });

const AGENTS = SIZE.sectors * SIZE.clustersPerSector * SIZE.agentsPerCluster;

function beats(rounds: number): { readonly warm: number; readonly measured: number } {
  return { warm: Math.ceil(rounds / 10) * AGENTS, measured: rounds * AGENTS };
}

const BEATS = beats(ROUNDS);
const PEER_BEATS = beats(PEER_ROUNDS);

const ours: Contestant = async (measured) => {
  for (const single of [false, true]) {
    const data: HeartbeatData = {
      memory: new SharedArrayBuffer(ringBytes(CAPACITY_BYTES)),
      capacityBytes: CAPACITY_BYTES,
      size: SIZE,
      single,
    };
    const ms = await exchange<number>("heartbeat-worker", BEATS, data);
    measured(single ? "perSecond.single" : "perSecond", perSecond(BEATS.measured, ms));
  }
};

/** A peer that carries values: a cluster's heartbeats in one message, and one by one. */
function carrier(throughput: typeof throughputByPostMessage): Contestant {
  return async (measured) => {
    const { agentsPerCluster } = SIZE;
    const clusters = {
      warm: PEER_BEATS.warm / agentsPerCluster,
      measured: PEER_BEATS.measured / agentsPerCluster,
    };
    const totals = {
      clusters: clusters.warm + clusters.measured,
      single: PEER_BEATS.warm + PEER_BEATS.measured,
    };
    const batched = { kind: "heartbeats", size: SIZE, total: totals.clusters } as const;
    measured("perSecond", agentsPerCluster * (await throughput(batched, clusters)));
    const single = { kind: "heartbeat", size: SIZE, total: totals.single } as const;
    measured("perSecond.single", await throughput(single, PEER_BEATS));
  };
}

const PER_SECOND: Metric = { unit: "1/s", better: "more" };

export const heartbeatCross: Bench = {
  name: "heartbeat.cross",
  question:
    "How many heartbeats a second go from agents on one thread to leads on another, folded?",
  metrics: {
    perSecond: { ...PER_SECOND, goal: 40_000_000 },
    "perSecond.single": { ...PER_SECOND, goal: 15_000_000 },
  },
  ours,
  peers: {
    "ringbuf.js": async (measured) => {
      measured("perSecond", await heartbeatsByRingbuf(BEATS, SIZE, false, CAPACITY_BYTES));
      measured("perSecond.single", await heartbeatsByRingbuf(BEATS, SIZE, true, CAPACITY_BYTES));
    },
    postMessage: carrier(throughputByPostMessage),
    nact: carrier(throughputByNact),
    Erlang: erlang("heartbeat", [SIZE.agentsPerCluster, PEER_BEATS.warm, PEER_BEATS.measured]),
  },
};
