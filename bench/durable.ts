import assert from "node:assert/strict";
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { perSecond } from "./exchange.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { TASK_MESSAGE_BYTES, taskMessage } from "./payload.ts";
import { measureRoundTrips, ONE_METRICS, type RoundTripSize, roundTrips } from "./round-trips.ts";

/*
 *   main ──[ msgpack, 256 B, durable ]──▶ agent        told when it is on disk
 *     └──▶ journal ──▶ fdatasync
 */
const OUTSTANDING = 1_000;
const SIZE: RoundTripSize = {
  one: parameter("durable tells", { smoke: 50, full: 5_000 }),
  many: parameter("durable tells at once", { smoke: 5_000, full: 500_000 }),
  outstanding: OUTSTANDING,
};

async function ours(measured: Measured): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "bench-durable-"));
  try {
    await using mesh = await startMesh("agent-note", {
      dataDir,
      workers: 1,
      topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 1 },
    });
    let told = 0;
    const trips = await roundTrips(async (number) => {
      told++;
      const status = await mesh.tell(0, taskMessage(number), { durable: true });
      assert.equal(status, "accepted");
      return number + 1;
    }, SIZE);
    const answer = await mesh.ask(0, "report", { timeoutMs: 60_000 });
    assert.deepEqual(answer, { state: 1, value: told });
    measureRoundTrips(trips, measured);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** What the disk takes: an append and a wait for each message, and for each thousand of them. */
async function bare(measured: Measured): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-durable-"));
  const file = openSync(join(folder, "bare"), "wx");
  try {
    let written = 0;
    const append = (bytes: Buffer): void => {
      written += writeSync(file, bytes);
      fdatasyncSync(file);
    };
    const one = Buffer.alloc(TASK_MESSAGE_BYTES, 1);
    const trips = await roundTrips(
      async (number) => {
        append(one);
        return number + 1;
      },
      { ...SIZE, many: 0 },
    );
    const many = Buffer.alloc(TASK_MESSAGE_BYTES * OUTSTANDING, 1);
    const startMs = performance.now();
    for (let messages = 0; messages < SIZE.many; messages += OUTSTANDING) append(many);
    const ms = performance.now() - startMs;
    assert.equal(fstatSync(file).size, written);
    measureRoundTrips({ ...trips, perSecond: perSecond(SIZE.many, ms) }, measured);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

export const durable: Bench = {
  name: "durable",
  question:
    "How long until a message of 256 bytes is on disk, and how many a second with 1,000 on their way?",
  metrics: { ...ONE_METRICS, "perSecond.1000": { unit: "1/s", better: "more" } },
  ours,
  peers: { fdatasync: bare },
};
