import { assert, describe, test } from "vitest";
import { IMPEDANCE_CLASSES, type ImpedanceClass } from "../coordination/impedance-class.ts";
import type { GatherResult } from "../runtime/api/operation-api.ts";
import { startMesh } from "../test/mesh.ts";
import { profile } from "../test/simulated.ts";
import { type LivePicture, takePicture } from "./live-picture.ts";
import { type Loss, rehearse } from "./rehearsal.ts";

const AGENTS = 40;

function allOf(name: ImpedanceClass): number[] {
  return Array(AGENTS).fill(IMPEDANCE_CLASSES.findIndex((known) => known.name === name));
}

/** Forty agents, all as far away and as slow. */
function pictureOf(rttMs: number, more: Partial<LivePicture> = {}): LivePicture {
  return {
    // Those of one data centre: no person among them, whom nobody waits for.
    topology: { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5, spawnCapacity: 0 },
    classOf: allOf("CLASS_C_PERSISTENT"),
    workers: 2,
    rttMs: Array(AGENTS).fill(rttMs),
    processingMs: Array(AGENTS).fill(1),
    skills: [["count"], ["count", "paint"]],
    skillsOf: Array.from({ length: AGENTS }, (_, agent) => (agent < 8 ? 1 : 0)),
    away: [],
    avoided: [],
    open: [],
    ...more,
  };
}

/** One scatter-gather on such a mesh. */
async function scattered(
  picture: LivePicture,
  how: { readonly loss?: Loss; readonly needs?: readonly string[] } = {},
): Promise<GatherResult> {
  let result: GatherResult | undefined;
  const { violation, uses } = await rehearse({
    picture,
    seed: 5,
    faults: profile("none"),
    loss: how.loss,
    forMs: 0,
    everyMs: 1000,
    operate: async (mesh) => {
      const requiresCapabilities = how.needs ?? [];
      result = await mesh.scatterGather({ payload: 1, at: "now", requiresCapabilities });
    },
  });
  assert.isUndefined(violation);
  assert.equal(uses, 1);
  return result as GatherResult;
}

describe("a rehearsal", () => {
  test("takes as long as the agents of the picture do", async () => {
    const near = await scattered(pictureOf(4));
    const far = await scattered(pictureOf(400));
    assert.equal(near.ready, AGENTS);
    assert.equal(far.ready, AGENTS);
    // One way there is half of it; how their times vary is that of their class.
    assert.isBelow(near.latency.p50, 20);
    assert.isAbove(far.latency.p50, 100);
    assert.isBelow(far.latency.p50, 600);
  });

  test("leaves out who is away, avoided, behind an open circuit or not capable", async () => {
    const picture = pictureOf(4, {
      away: ["sector-1/cluster-1/agent-1"],
      avoided: [{ target: "sector-1/cluster-1/agent-2" }],
      open: ["sector-2"],
    });
    assert.equal((await scattered(picture)).addressed, AGENTS - 1 - 1 - 10);
    assert.equal((await scattered(pictureOf(4), { needs: ["paint"] })).addressed, 8);
  });

  test("loses a worker, after which all answer, or a sector, which does not", async () => {
    const slow = pictureOf(400);
    const { ready } = await scattered(slow, { loss: { kind: "worker", thread: 1 } });
    assert.equal(ready, AGENTS);
    const { transit } = await scattered(slow, { loss: { kind: "sector", sector: 3 } });
    assert.equal(transit, 10);
  });

  test("goes on for as long as it should, at its pace, and leaves nobody out for what is learned", async () => {
    const ready: number[] = [];
    const { uses, elapsedMs, kpis } = await rehearse({
      picture: pictureOf(4),
      seed: 5,
      faults: profile("none"),
      loss: undefined,
      forMs: 120_000,
      everyMs: 10_000,
      operate: async (mesh) => {
        ready.push((await mesh.cascade({ payload: 1 })).ready);
      },
    });
    assert.equal(uses, 12);
    assert.isAtLeast(elapsedMs, 110_000);
    assert.isBelow(elapsedMs, 120_000);
    assert.equal(kpis.coordinationSuccessRate.count, 12);
    // Threads that find themselves late send earlier; they once left all their agents out instead, for good.
    for (const count of ready) assert.isAtLeast(count, 0.95 * AGENTS);
  });
});

test("operations that wait for people have the time they need, one after another", async () => {
  const people = pictureOf(0, {
    classOf: allOf("CLASS_F_HUMAN"),
    processingMs: Array(AGENTS).fill(400_000),
  });
  let asked = 0;
  const { elapsedMs } = await rehearse({
    picture: people,
    seed: 5,
    faults: profile("none"),
    loss: undefined,
    forMs: 0,
    everyMs: 1000,
    operate: async (mesh) => {
      for (let time = 0; time < 3; time++)
        asked += (await mesh.scatterGather({ payload: 1, at: "now" }, { timeoutMs: 500_000 }))
          .addressed;
    },
  });
  assert.equal(asked, 3 * AGENTS);
  assert.isAbove(elapsedMs, 600_000);
});

test("a picture is of a mesh as it is, which goes on as before", async () => {
  await using mesh = await startMesh("punctual");
  mesh.route.avoid("sector-2/cluster-1", { reason: "to be seen" });
  mesh.circuits.trip("sector-3/cluster-1");
  const picture = await takePicture(mesh, async () => {});
  assert.deepEqual(Uint8Array.from(picture.classOf), mesh.topology.classOf);
  assert.lengthOf(picture.rttMs, AGENTS);
  assert.deepEqual(picture.skills, [["punctual"]]);
  assert.deepInclude(picture, { workers: 2, away: [], open: ["sector-3/cluster-1"] });
  assert.equal(picture.avoided[0].target, "sector-2/cluster-1");
  // Plain data: it is handed to another process.
  assert.deepEqual(JSON.parse(JSON.stringify(picture)), picture);
  assert.equal(mesh.status().agents.active, AGENTS);
});
