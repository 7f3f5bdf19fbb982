// The mesh as a picture: what mesh.live reads is what the mesh reports.
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { OPERATION_MARKS } from "../coordination/operation-mark.ts";
import type { LiveOperation, Mesh } from "../index.ts";
import { pause, SMALL, startMesh, until } from "./mesh.ts";

let mesh: Mesh;
beforeAll(async () => {
  // All of the fastest class: none is skipped because it is believed to be too slow.
  const topology = { ...SMALL.topology, classes: { CLASS_A_EDGE: 1 } };
  mesh = await startMesh("punctual", { topology });
});
afterAll(() => mesh.stop());

function marks(): string[] {
  const cells = new Uint8Array(mesh.topology.agents);
  mesh.live.cells("operation", cells);
  return [...cells].map((byte) => OPERATION_MARKS[byte]);
}

describe("cells", () => {
  test("show state and class of each agent", () => {
    const cells = new Uint8Array(mesh.topology.agents);
    mesh.live.cells("class", cells);
    const rows = mesh.agents({ limit: 40 });
    assert.deepEqual(
      [...cells].map((byte) => "ABCDEF"[byte]),
      rows.map(({ agentClass }) => agentClass[6]),
    );
    mesh.live.cells("state", cells);
    assert.isTrue(cells.every((byte) => byte === 3 || byte === 4));
  });

  test("show the impedance in steps of four points, and who is not up", async () => {
    const cells = new Uint8Array(mesh.topology.agents);
    mesh.live.cells("impedance", cells);
    for (const [i, { impedanceScore }] of mesh.agents({ limit: 40 }).entries())
      assert.closeTo(cells[i] * 4, Math.min(1_000, impedanceScore), 4);
    const killed = await startMesh("puppet");
    await killed.stop();
    killed.live.cells("impedance", cells);
    assert.isTrue(cells.every((byte) => byte === 255));
  });

  test("a buffer that is too short is refused", () => {
    assert.throws(() => mesh.live.cells("state", new Uint8Array(39)), /at least 40 bytes, got 39/);
  });
});

describe("an operation", () => {
  test("is seen while it is out: who was sent to, who is READY, who has acted", async () => {
    const select = "sector-2";
    // Ten agents, one of which is busy until long after T.
    const who = "sector-2/cluster-1/agent-1";
    const running = mesh.cascade(
      { payload: { do: "workUnless", who, ms: 2_000 }, at: "in 400ms" },
      { select, strategy: "parallel", windowMs: 600 },
    );
    let out: LiveOperation | undefined;
    await until("the operation is out", () => {
      [out] = mesh.live.operations();
      return out?.agents.ready === 9;
    });
    if (out === undefined) assert.fail();
    assert.deepInclude(out, { verb: "sync", strategy: "broadcast", hold: true });
    assert.equal(out.agents.selected, 10);
    assert.deepEqual(out.clusters, { expected: 2, reached: 2 });
    assert.closeTo((out.arrivalMs ?? 0) - out.createdMs, 400, 50);
    const seen = marks();
    assert.equal(seen[10], "sent");
    for (const other of seen.slice(11, 20)) assert.include(["ready", "acted"], other);
    assert.isTrue([...seen.slice(0, 10), ...seen.slice(20)].every((mark) => mark === "none"));
    await until("T has come", () => marks().filter((mark) => mark === "acted").length === 9);
    const result = await running;
    assert.deepEqual([result.ready, result.transit], [9, 1]);
    assert.isEmpty(mesh.live.operations());
    // What it was stays to be seen.
    assert.equal(marks().filter((mark) => mark === "acted").length, 9);
  });

  test("is remembered with its moments, which are those of its result", async () => {
    const before = mesh.live.endedCount;
    const result = await mesh.scatterGather({
      payload: {
        do: "conflictAt",
        who: ["sector-1/cluster-1/agent-1"],
        detail: { type: "SEMANTIC_MISMATCH" },
      },
      at: "in 300ms",
    });
    assert.equal(mesh.live.endedCount, before + 1);
    const ended = mesh.live.endedOperations().at(-1) ?? assert.fail();
    assert.equal(ended.id, result.operationId);
    assert.equal(ended.end, "reported");
    const { ready, conflict, skipped, acted } = ended.agents;
    assert.deepEqual([ready, conflict, skipped], [result.ready, result.conflict, result.skipped]);
    assert.equal(acted, result.ready);
    const moments = ended.moments ?? assert.fail();
    const sum = (bins: readonly number[]): number => bins.reduce((all, bin) => all + bin, 0);
    assert.equal(sum(moments.acted), result.acting.count);
    assert.equal(sum(moments.ready), result.arrival.count);
    assert.equal(sum(moments.released), result.release.count);
    // Whoever holds acts at T or after it.
    const atT = -moments.fromMs / moments.binMs;
    assert.equal(sum(moments.acted.slice(0, atT)), 0);
    assert.closeTo(moments.readyError.p50, result.arrival.p50, 0.02 * result.arrival.p50 + 0.02);
    assert.equal(marks()[0], "conflict");
  });

  test("without a T has no moments, and its marks are its own", async () => {
    await mesh.broadcast({ do: "work", ms: 0 }, { select: "sector-1" });
    const { moments, arrivalMs, strategy } = mesh.live.endedOperations().at(-1) ?? assert.fail();
    assert.deepEqual([moments, arrivalMs, strategy], [undefined, undefined, "broadcast"]);
    const seen = marks();
    assert.isTrue(
      seen.slice(0, 10).every((mark) => mark === "ready"),
      seen.join(),
    );
    assert.isTrue(seen.slice(10).every((mark) => mark === "none"));
  });

  test("does not take what an earlier one has left for its own", async () => {
    await mesh.broadcast({ do: "work", ms: 0 }, { select: "sector-1" });
    assert.isTrue(
      marks()
        .slice(0, 10)
        .every((mark) => mark === "ready"),
    );
    const running = mesh.cascade(
      { payload: { do: "work", ms: 0 }, at: "in 300ms" },
      { select: "sector-1", strategy: "parallel" },
    );
    // Nobody has had the time to be READY again.
    for (const mark of marks().slice(0, 10)) assert.include(["none", "planned"], mark);
    assert.equal(mesh.live.operations()[0].agents.ready, 0);
    await running;
  });

  test("of those that have ended 60 are remembered", async () => {
    for (let i = 0; i < 61; i++) {
      await mesh.broadcast({ do: "work", ms: 0 }, { select: "sector-3/cluster-1/agent-1" });
    }
    assert.lengthOf(mesh.live.endedOperations(), 60);
  });
});

test("arrival errors are counted since the start, in buckets that are exact", async () => {
  const before = mesh.live.arrivalErrorsBelow([50, 400, 6_400]);
  const result = await mesh.scatterGather({ payload: { do: "work", ms: 0 }, at: "in 200ms" });
  const after = mesh.live.arrivalErrorsBelow([50, 400, 6_400]);
  assert.equal(after.count - before.count, result.arrival.count);
  assert.equal(after.below[2], after.count);
  const within = [...result.outcomes()].filter((o) => Math.abs(o.readyErrorMs ?? Infinity) < 50);
  assert.equal(after.below[0] - before.below[0], within.length);
});

test("queues are those of the agents of a sector", async () => {
  assert.deepEqual(mesh.live.queues()[3], { messages: 0, bytes: 0 });
  const who = "sector-4/cluster-1/agent-1";
  const answers = [1, 2, 3].map(() => mesh.ask(who, { do: "work", ms: 300 }));
  await until("two wait", () => mesh.live.queues()[3].messages === 2);
  assert.isAbove(mesh.live.queues()[3].bytes, 0);
  await Promise.all(answers);
  await pause(1);
  assert.equal(mesh.live.queues()[3].messages, 0);
});
