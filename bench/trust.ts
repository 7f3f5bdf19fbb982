import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lanesBytes } from "../mailbox/lanes.ts";
import { CONTROL_WORDS } from "../mailbox/layout.ts";
import { EvidenceTap } from "../runtime/trust/evidence-tap.ts";
import { KeyStore } from "../runtime/trust/key-store.ts";
import { passingConductor, SessionOffice } from "../runtime/trust/session-office.ts";
import {
  COUNT_SIGNED,
  COUNT_VERIFIED,
  TRUST_COUNT_WORDS,
  TrustMemory,
  type TrustPlan,
} from "../runtime/trust/trust-plan.ts";
import { exchange, perSecond } from "./exchange.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { nowMs } from "./threads.ts";
import type { TrustAnswer, TrustData } from "./trust-worker.ts";

/*
 *   producer ─ batch, tree, one signature ─▶ lane ─▶ copy, tree, one verify ─▶ consumer
 *
 * What trust costs is the processor time of the whole process with signatures less that without them, at one rate.
 */
const SECONDS = parameter("trust seconds", { smoke: 1, full: 10 });
const RATE = parameter("trust messages a second", { smoke: 5_000, full: 100_000 });
const HEARTBEATS = parameter("trust heartbeats a second", { smoke: 1_000, full: 6_000 });
const URGENT = parameter("trust urgent messages a second", { smoke: 200, full: 500 });
const FLAT_OUT = parameter("trust messages flat out", { smoke: 10_000, full: 4_000_000 });
const CLUSTERS = parameter("trust clusters of 30 identities", { smoke: 3, full: 1_000 });

const FRAME_BYTES = 256;
const ROWS = 16;
const THREADS = 3;
const SIZES = { urgentBytes: 262_144, bulkBytes: 1_048_576 };

/** Traffic of one kind. */
interface Traffic {
  readonly rate: number;
  readonly messages: number;
  readonly batch: number;
  readonly flushMs: number;
  readonly frameBytes: number;
  readonly urgent: boolean;
}

interface Outcome extends TrustAnswer {
  /** Processor time of the process per second of traffic: cores. */
  readonly cores: number;
}

const paced = (rate: number, more: Partial<Traffic> = {}): Traffic => ({
  rate,
  messages: rate * SECONDS,
  batch: 256,
  flushMs: 2,
  frameBytes: FRAME_BYTES,
  urgent: false,
  ...more,
});

async function run({ messages, ...traffic }: Traffic, signed: boolean): Promise<Outcome> {
  const warm = Math.ceil(messages / 10);
  const trust = signed ? trustOf() : undefined;
  const data: TrustData = {
    lanes: new SharedArrayBuffer(lanesBytes(THREADS, SIZES)),
    control: new SharedArrayBuffer(THREADS * CONTROL_WORDS * 4),
    sizes: SIZES,
    rows: ROWS,
    ...traffic,
    ...(trust && { trust }),
  };
  const before = process.cpuUsage();
  const beganMs = nowMs();
  const answer = await exchange<TrustAnswer>("trust-worker", { warm, measured: messages }, data);
  const { user, system } = process.cpuUsage(before);
  if (trust !== undefined) proveCounts(trust.plan);
  return { ...answer, cores: (user + system) / 1_000 / (nowMs() - beganMs) };
}

function trustOf(): NonNullable<TrustData["trust"]> {
  const conductor = passingConductor(nowMs());
  const memory = new SharedArrayBuffer(TrustMemory.bytes(THREADS, ROWS));
  const office = new SessionOffice(new TrustMemory(memory, THREADS, ROWS), conductor);
  const plan: TrustPlan = {
    level: "all",
    meshId: conductor.meshId,
    root: conductor.chain[0],
    memory,
    tap: new SharedArrayBuffer(EvidenceTap.bytes),
  };
  return { plan, session: office.open(1, 1, nowMs()) };
}

/** Every batch that was signed was verified. */
function proveCounts({ memory }: TrustPlan): void {
  const { counts } = new TrustMemory(memory, THREADS, ROWS);
  const signed = counts[TRUST_COUNT_WORDS + COUNT_SIGNED];
  assert.ok(signed > 0);
  assert.equal(counts[2 * TRUST_COUNT_WORDS + COUNT_VERIFIED], signed);
}

async function measure(measured: Measured): Promise<void> {
  const steady = paced(RATE);
  const plain = await run(steady, false);
  const signed = await run(steady, true);
  measured("cores", Math.max(0, signed.cores - plain.cores));
  measured("latency.p50", signed.p50Ms);
  measured("latency.p99", signed.p99Ms);
  const beats = paced(HEARTBEATS, { frameBytes: 64 });
  const beatsPlain = await run(beats, false);
  const beatsSigned = await run(beats, true);
  measured("cores.heartbeats", Math.max(0, beatsSigned.cores - beatsPlain.cores));
  const urgent = paced(URGENT, { batch: 1, flushMs: 0, urgent: true });
  const urgentPlain = await run(urgent, false);
  const urgentSigned = await run(urgent, true);
  measured("urgent.added.p50", Math.max(0, urgentSigned.p50Ms - urgentPlain.p50Ms));
  const most: Traffic = { ...steady, rate: 0, messages: FLAT_OUT };
  measured("perSecond", perSecond(FLAT_OUT, (await run(most, true)).elapsedMs));
  await measureIdentities(measured);
}

async function measureIdentities(measured: Measured): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "mesh-trust-bench-"));
  try {
    const shape = { sectors: 1, clustersPerSector: CLUSTERS, agentsPerCluster: 30 };
    const beganMs = nowMs();
    const store = await KeyStore.init(data, shape, {});
    measured("identities.made", nowMs() - beganMs);
    const rotatedMs = nowMs();
    await store.rotate({ from: 0, to: CLUSTERS * 30 });
    measured("identities.renewed", nowMs() - rotatedMs);
    for (const row of [0, CLUSTERS * 30 - 1]) assert.ok(store.holds(row, nowMs()));
  } finally {
    rmSync(data, { recursive: true });
  }
}

export const trust: Bench = {
  name: "trust",
  question: "What does it cost that every message between two threads is signed and verified?",
  metrics: {
    cores: { unit: "1", better: "less", goal: 0.7 },
    "latency.p50": { unit: "ms", better: "less", goal: 2.5 },
    "latency.p99": { unit: "ms", better: "less", goal: 10 },
    "cores.heartbeats": { unit: "1", better: "less", goal: 0.15 },
    "urgent.added.p50": { unit: "ms", better: "less", goal: 0.3 },
    perSecond: { unit: "1/s", better: "more", goal: 400_000 },
    "identities.made": { unit: "ms", better: "less", goal: 10_000 },
    "identities.renewed": { unit: "ms", better: "less", goal: 10_000 },
  },
  ours: measure,
  peers: {},
};
