// Operations that are out when the mesh is frozen are gone on with elsewhere, and each agent acts once.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createTopology } from "../coordination/topology.ts";
import type { Cut, EndedOperation, LiveOperation, Mesh } from "../index.ts";
import { carriedOperations } from "../runtime/freeze/carried-operations.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { cutOf } from "./cut.ts";
import { call, pause, SMALL, settled, startMesh, until } from "./mesh.ts";

const AGENTS = 40;
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mesh-carried-"));
  folders.push(folder);
  return join(folder, "state.mesh");
}

interface Seen {
  readonly received: string[];
  readonly acted: { readonly id: string; readonly atMs: number }[];
}

function seen(mesh: Mesh): Promise<Seen[]> {
  return Promise.all(
    Array.from({ length: AGENTS }, (_, agent) => call(mesh, agent, { do: "seen" })),
  ) as Promise<Seen[]>;
}

/** Waits until so many are READY and others are not; freezes, stops, and starts elsewhere. */
async function elsewhere(
  mesh: Mesh,
  workers: number,
  awayMs: number,
  isHalfWay: (operation: LiveOperation) => boolean,
): Promise<[Mesh, Cut]> {
  await until("half of the way", () => mesh.live.operations().some(isHalfWay));
  const path = await file();
  const { preserved } = await mesh.freeze("all", { file: path });
  expect(preserved).toMatchObject({ operations: 1 });
  await mesh.stop({ deadlineMs: 0 });
  await pause(awayMs);
  const from = await readCut(path);
  return [await startMesh("punctual", { workers, from }), from];
}

async function ended(mesh: Mesh): Promise<EndedOperation> {
  await until("the end", () => mesh.live.endedOperations().length === 1);
  return mesh.live.endedOperations()[0];
}

describe("a cascade that is frozen half way", () => {
  test("ends elsewhere, with other workers, and each agent acts once", async () => {
    const first = await startMesh("punctual");
    const operation = { payload: { do: "work", ms: 0 }, at: "in 900ms" } as const;
    const result = first.cascade(operation, { strategy: "wave" });
    // Whoever waits for it is told that it will not come.
    const rejected = expect(result).rejects.toThrow(/stopp/);
    const [mesh, cut] = await elsewhere(
      first,
      3,
      300,
      ({ agents }) => agents.ready > 0 && agents.ready < 30,
    );
    await using _ = mesh;
    await rejected;
    const [gather] = cut.gathers;
    expect(gather).toMatchObject({ kind: "cascade", threshold: 0 });
    const before = cut.operations.reduce((sum, { done }) => sum + done, 0);
    expect(before).toBeGreaterThan(0);
    const { end, agents, arrivalMs = 0 } = await ended(mesh);
    expect(end).toBe("reported");
    // T is as much later as the mesh stood: it was away for 300 ms and more.
    expect(arrivalMs).toBeGreaterThan(gather.arrivalMs + 300);
    const all = await seen(mesh);
    const acted = all.filter((agent) => agent.acted.length === 1);
    expect(all.filter((agent) => agent.acted.length > 1)).toEqual([]);
    expect(acted).toHaveLength(agents.ready);
    expect(agents.ready).toBe(AGENTS - agents.skipped);
    expect(agents.ready).toBeGreaterThan(before);
    for (const { acted: times } of acted) expect(times[0].atMs).toBeGreaterThanOrEqual(arrivalMs);
    // Nobody that had received it, and committed that, has received it again.
    expect(Math.max(...all.map(({ received }) => received.length))).toBe(1);
    await settled(mesh);
    expect(mesh.status().lost).toBe(0);
    expect(mesh.kpis().operations).toHaveLength(1);
  });
});

test("an operation without a T: who was done is not asked again, who was at it is", async () => {
  const first = await startMesh("punctual");
  const who = "sector-3/cluster-1/agent-2";
  const payload = { do: "workUnless", who, ms: 400 };
  first.scatterGather({ payload, at: "now" }).catch(() => {});
  const [mesh, { operations, messages, counts }] = await elsewhere(
    first,
    2,
    0,
    ({ agents }) => agents.ready === 39 || agents.ready === 30,
  );
  await using _ = mesh;
  // Three sectors have ended, and one waits for its last agent.
  expect(operations).toMatchObject([{ sector: 2, addressed: 10, done: 9 }]);
  expect(counts.inFlight).toBe(messages.length + 1);
  expect((await ended(mesh)).agents).toMatchObject({ ready: AGENTS, failed: 0 });
  const all = await seen(mesh);
  expect(all.map(({ received }) => received.length)).toEqual(new Array(AGENTS).fill(1));
  await settled(mesh);
  expect(mesh.status().lost).toBe(0);
});

test("a sector that ended its part is left alone, though its report was lost; one that never had it gets it", () => {
  const share = { map: [7], maps: [1, 0, 0, 0, 0], final: false, sent: true };
  const { operations, parts } = carriedOperations(
    cutOf([], [], 0, {
      operations: [
        {
          operation: 9,
          sector: 1,
          arrivalMs: 0,
          deadlineMs: 0,
          addressed: 3,
          done: 2,
          progress: [3, 0, 0, 0, 0],
        },
        {
          operation: 8,
          sector: 3,
          arrivalMs: 0,
          deadlineMs: 0,
          addressed: 3,
          done: 2,
          progress: [3, 0, 0, 0, 0],
        },
      ],
      gathers: [
        {
          operation: 9,
          kind: "cascade",
          createdMs: 1,
          arrivalMs: 0,
          closeMs: 2,
          deadlineMs: 2,
          windowMs: 0,
          readyBy: 0.95,
          priority: 1,
          flags: 0,
          threshold: 0,
          thresholds: { requiredReadyRate: 1, maxConflictRate: 0, maxTransitRate: 0 },
          payload: new Uint8Array(0),
          shares: [
            { ...share, sector: 0 },
            { ...share, sector: 1 },
            { ...share, sector: 2, maps: [0, 0, 0, 0, 0], sent: false },
          ],
        },
      ],
    }),
    createTopology(SMALL.topology),
  );
  expect(parts).toBe(1);
  const told = [...(operations[0]?.shares.values() ?? [])].map(
    ({ sector, final, carried, selected, maps }) => ({
      sector,
      final,
      carried,
      selected,
      done: maps[0],
    }),
  );
  expect(told).toEqual([
    { sector: 0, final: true, carried: false, selected: 3, done: 1 },
    { sector: 1, final: false, carried: true, selected: 3, done: 3 },
    { sector: 2, final: false, carried: false, selected: 3, done: 0 },
  ]);
});
