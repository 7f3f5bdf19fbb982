import { describe, expect, test } from "vitest";
import { createTopology } from "../coordination/topology.ts";
import { cutOf, messageTo, snapshotOf } from "./cut.ts";
import { call, SMALL, settled, startMesh } from "./mesh.ts";

const BOOKS = {
  next: {},
  twice: 0,
  gaps: 0,
  total: 0,
  sent: {},
  drives: 0,
  held: 0,
  halted: false,
  operations: {},
};

describe("a mesh that starts from a cut", () => {
  test.each([1, 2, 3])(
    "has its states and gets its messages in their order, with %i workers",
    async (workers) => {
      const agents = [0, 9, 20, 39];
      const snapshots = agents.map((agent) =>
        snapshotOf(agent, { ...BOOKS, next: { 7: 5 }, total: 5, sent: { 1: agent } }),
      );
      const messages = [5, 6, 7, 8].flatMap((id) =>
        agents.map((agent) => messageTo(agent, 100 + id, { from: 7, id }, { sender: 7 })),
      );
      await using mesh = await startMesh("ledger", {
        workers,
        from: cutOf(snapshots, messages, 20),
      });
      await settled(mesh);
      for (const agent of agents) {
        const books = (await call(mesh, agent, { do: "books" })) as typeof BOOKS;
        expect(books).toMatchObject({ next: { 7: 9 }, total: 9, twice: 0, gaps: 0 });
        expect(books.sent).toEqual({ 1: agent });
      }
      const { messages: counts, lost } = mesh.status();
      expect(lost).toBe(0);
      // Those of before, those of the cut, and the four that asked.
      expect(counts.handled).toBe(20 + messages.length + agents.length);
      expect(counts.accepted).toBe(counts.handled);
    },
  );

  test("gives its messages the time that they had left, and says that they come again", async () => {
    const messages = [
      messageTo(3, 1, { do: "note", id: "late" }, { leftMs: -1 }),
      messageTo(3, 2, { do: "note", id: "in time" }, { leftMs: 60_000 }),
      messageTo(5, 3, undefined, { payload: undefined }),
      messageTo(
        4,
        4,
        { do: "ask", to: 3, message: { do: "envelope" } },
        { kind: "ask", sender: 8 },
      ),
    ];
    await using mesh = await startMesh("puppet", { from: cutOf([], messages) });
    await settled(mesh);
    expect(await call(mesh, 3, { do: "seen" })).toEqual(["in time"]);
    expect(mesh.status().messages).toMatchObject({ expired: 1, inFlight: 0, redelivered: 4 });
  });

  test("counts on in its ids, so that none comes twice", async () => {
    await using mesh = await startMesh("puppet", { from: cutOf([], [], 0, { epoch: 41 }) });
    const { sequence } = (await call(mesh, 3, { do: "envelope" })) as { sequence: number };
    expect(Math.floor(sequence / 2 ** 36)).toBe(42);
  });

  test("goes around whom the other went around, and keeps who had ended", async () => {
    const { rows } = createTopology(SMALL.topology);
    const state = new Uint8Array(rows);
    state[12] = 6;
    const generation = new Uint8Array(new Uint32Array(rows).fill(1).buffer);
    await using mesh = await startMesh("puppet", {
      from: cutOf([], [messageTo(12, 1, { do: "note", id: 1 })], 0, {
        routes: [
          { target: "sector-2", sinceMs: 1, reason: "slow" },
          { target: "CLASS_A_EDGE", sinceMs: 1, capability: "unheard of" },
        ],
        registry: { rows, columns: { state, generation } },
      }),
    });
    expect(mesh.route.list()).toMatchObject([{ target: "sector-2", reason: "slow" }]);
    expect(mesh.agents({ state: "quarantined" })).toHaveLength(1);
    expect(mesh.status().messages.deadLettered).toBe(1);
  });

  test("counts parts of operations, whose orchestrator is gone, as dead letters", async () => {
    const whole = cutOf([], [messageTo(3, 1, { do: "note", id: 1 })], 7);
    const part = {
      operation: 9,
      sector: 1,
      arrivalMs: 0,
      deadlineMs: 0,
      addressed: 10,
      done: 4,
      progress: [],
    };
    const { counts } = whole;
    await using mesh = await startMesh("puppet", {
      from: {
        ...whole,
        operations: [part],
        counts: { ...counts, accepted: counts.accepted + 1, inFlight: 2 },
      },
    });
    await settled(mesh);
    expect(mesh.status().messages).toMatchObject({ handled: 8, deadLettered: 1, accepted: 9 });
    expect(mesh.status().lost).toBe(0);
  });

  test("takes the topology from the cut, and refuses another", async () => {
    const from = cutOf([], []);
    const { topology } = SMALL;
    await expect(
      startMesh("puppet", { from, topology: { ...topology, sectors: 5 } }),
    ).rejects.toThrow("topology.sectors: expected 4, as in the cut");
    await expect(
      startMesh("puppet", { from, topology: { ...topology, classes: { CLASS_A_EDGE: 1 } } }),
    ).rejects.toThrow("topology.classes");
  });

  test("refuses a cut in which messages are missing", async () => {
    const whole = cutOf([], [messageTo(3, 1, 5), messageTo(3, 2, 6)], 4);
    await expect(
      startMesh("puppet", { from: { ...whole, messages: whole.messages.slice(1) } }),
    ).rejects.toThrow(/counts: accepted 6 .* of which 1 are there/);
    await expect(startMesh("puppet", { from: { ...whole, version: 1 as 2 } })).rejects.toThrow(
      "version: expected 2, got 1",
    );
    await expect(startMesh("puppet", { from: cutOf([snapshotOf(9999, {})], []) })).rejects.toThrow(
      "snapshots: agent: expected 0 to",
    );
  });
});
