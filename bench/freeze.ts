import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, readCut } from "../index.ts";
import type { LedgerMessage, LedgerReport } from "./agent-ledger.ts";
import { type Bench, type Measured, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   client ──tell everyone──▶ agents at work ──freeze──▶ all stand still (barrier) ─▶ file ──thaw──▶ they go on
 *                                                                      file ──start──▶ another mesh, all agents ready
 */
/** Sectors of ten clusters of thirty. */
const SECTORS = parameter("freeze sectors", { smoke: 2, full: 100 });
const ROUNDS = parameter("freeze rounds", { smoke: 4, full: 60 });
/** Freezes without a file for each one with. */
const PLAIN = 4;

async function ours(measured: Measured): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-freeze-"));
  try {
    const file = join(folder, "state.mesh");
    const options = { topology: { sectors: SECTORS }, custodyBytes: 256 * 1024 * 1024 };
    const barriers: number[] = [];
    const writes: number[] = [];
    const thaws: number[] = [];
    {
      await using mesh = await startMesh("agent-ledger", options);
      await tellAll(mesh, 1);
      await checkAll(mesh, 1);
      for (let round = 0; round < ROUNDS; round++) {
        const told = tellAll(mesh, 1);
        const { barrierMs, late, preserved } = await mesh.freeze("all", {
          file: round % PLAIN === 0 && file,
        });
        assert.deepEqual(late, []);
        assert.equal(preserved?.snapshots, SECTORS * 300);
        barriers.push(barrierMs);
        if (preserved?.writeMs !== undefined) writes.push(preserved.writeMs);
        const { thawMs } = await mesh.thaw();
        thaws.push(thawMs);
        await told;
      }
      await mesh.freeze("all", { file });
    }
    measured("ms.barrier.p50", percentile(barriers, 0.5));
    measured("ms.barrier.p99", percentile(barriers, 0.99));
    measured("ms.write", percentile(writes, 0.5));
    measured("ms.thaw", percentile(thaws, 0.5));
    const startMs = performance.now();
    await using mesh = await startMesh("agent-ledger", { ...options, from: await readCut(file) });
    measured("ms.thaw.file", performance.now() - startMs);
    await checkAll(mesh, 1 + ROUNDS);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Resolves when all have been accepted: some of them after the thaw. */
async function tellAll(mesh: Mesh, number: number): Promise<void> {
  const message: LedgerMessage = { number };
  const receipts = Array.from({ length: SECTORS * 300 }, (_, agent) => mesh.tell(agent, message));
  assert.ok((await Promise.all(receipts)).every((status) => status === "accepted"));
}

/** Nobody has missed a message or had one twice. */
async function checkAll(mesh: Mesh, count: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: SECTORS * 300 }, (_, agent) =>
      mesh.ask<LedgerMessage, LedgerReport>(agent as never, "report", { timeoutMs: 60_000 }),
    ),
  );
  for (const answer of answers) {
    assert.ok(answer.state === 1);
    assert.deepEqual(answer.value, { count, sum: count });
  }
}

export const freeze: Bench = {
  name: "freeze",
  question:
    "How soon does a whole mesh under load stand still, is preserved in a file, and goes on?",
  metrics: {
    "ms.barrier.p50": { unit: "ms", better: "less" },
    "ms.barrier.p99": { unit: "ms", better: "less", goal: 50 },
    "ms.write": { unit: "ms", better: "less", goal: 1_000 },
    "ms.thaw": { unit: "ms", better: "less", goal: 1_000 },
    // In another process this is its whole start, threads and all.
    "ms.thaw.file": { unit: "ms", better: "less" },
  },
  ours,
  peers: {},
};
