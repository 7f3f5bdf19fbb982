// Cascades in the middle of which a worker, a lead or a coordinator is lost, at moments that a seed chooses:
// every agent is accounted for once, acts once, and the result says what was. `SEED=… ROUNDS=1000 vitest` for more.
import { expect, test } from "vitest";
import type { CascadeResult, Mesh } from "../index.ts";
import { pause, printedSeed, randomOf, settled, startMesh, until } from "./mesh.ts";
import { AGENTS, onlyFast, seenBy, start, warm } from "./punctual.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 20);
const LEAD_MS = 150;

/** Loses something; resolves when all workers serve again. */
async function lose(mesh: Mesh, random: () => number): Promise<string> {
  const sector = 1 + Math.floor(random() * 4);
  const victims = ["worker-1", "worker-2", `sector-${sector}`, `sector-${sector}/cluster-1`];
  const victim = victims[Math.floor(random() ** 2 * victims.length)];
  const back = victim.startsWith("worker")
    ? new Promise((resolve) => {
        const off = mesh.on("workerBack", () => resolve(off()));
      })
    : undefined;
  await mesh.kill(victim);
  await back;
  return victim;
}

/** The sums of a result, and that it speaks of each agent once. */
function expectWhole(result: CascadeResult): void {
  const { selected, addressed, skipped, ready, conflict, transit } = result;
  expect(selected).toBe(AGENTS);
  expect(addressed).toBe(selected - skipped);
  expect(ready + conflict + transit).toBe(addressed);
  const outcomes = [...result.outcomes()];
  expect(new Set(outcomes.map(({ address }) => address)).size).toBe(outcomes.length);
  expect(outcomes.filter(({ state }) => state === 1)).toHaveLength(ready);
}

test(
  "whatever is lost, and when: all act exactly once, or the wave fails and nobody hears of it",
  async () => {
    const seed = printedSeed();
    const random = randomOf(seed);
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    // Who was READY of what could end in its own time; who was skipped is not.
    const expected = new Map<string, ReadonlySet<string>>();
    for (let round = 0; round < ROUNDS; round++) {
      const strategy = random() < 0.5 ? "wave" : "parallel";
      const afterMs = random() * 2 * LEAD_MS;
      // A short window ends some while the worker is away: then who was READY by then counts, and nobody else.
      const windowMs = random() < 0.25 ? 50 : 10_000;
      const running = mesh.cascade(
        { payload: { do: "work", ms: Math.floor(random() * 20) }, at: `in ${LEAD_MS}ms` },
        { strategy, windowMs },
      );
      await pause(afterMs);
      const victim = await lose(mesh, random);
      const result = await running;
      const told = `seed ${seed} round ${round}: ${strategy}, ${victim} after ${afterMs} ms`;
      expectWhole(result);
      if (windowMs > 50 && result.status !== "FAILED_AT_SECTOR")
        expect([told, result.ready + result.skipped]).toEqual([told, AGENTS]);
      const wereReady = [...result.outcomes()].filter(({ state }) => state === 1);
      if (windowMs > 50)
        expected.set(result.operationId, new Set(wereReady.map(({ address }) => address)));
    }
    await settled(mesh);
    for (const [address, { acted, received }] of await seenBy(mesh)) {
      const ids = acted.map(({ id }) => id);
      expect([address, new Set(ids).size]).toEqual([address, ids.length]);
      expect([address, new Set(received).size]).toEqual([address, received.length]);
      for (const [id, ready] of expected) {
        const told = [seed, address, id];
        expect([...told, ids.includes(id)]).toEqual([...told, ready.has(address)]);
      }
    }
    expect(mesh.status().lost).toBe(0);
  },
  60_000 + ROUNDS * 5000,
);

test("a worker that is not back by the end: its sectors' part is told by what was committed", async () => {
  const late = new Int32Array(new SharedArrayBuffer(4));
  await using mesh = await startMesh("tardy", { agentOptions: { late } });
  const slow = "sector-1/cluster-2/agent-4";
  const running = mesh.scatterGather(
    { payload: { do: "work", but: slow }, at: "now" },
    { timeoutMs: 1500 },
  );
  await until("the others", () => mesh.status().workers[0].turns > 19);
  // What is read is what was committed, which is with the end of the cycle.
  await pause(100);
  Atomics.store(late, 0, 1);
  await mesh.kill("worker-1");
  const result = await running;
  expect(mesh.roles.coordinator("sector-1")).toMatchObject({
    heldBy: "worker-2",
    home: "worker-1",
  });
  expect(result).toMatchObject({ selected: AGENTS, ready: AGENTS - 1, transit: 1 });
  expect([...result.outcomes()].filter(({ state }) => state !== 1)).toMatchObject([
    { address: slow },
  ]);
  Atomics.store(late, 0, 0);
  Atomics.notify(late, 0);
  await until("the seat", () => mesh.roles.coordinator("sector-1").heldBy === "worker-1");
  await mesh.stop({ deadlineMs: 0 });
});
