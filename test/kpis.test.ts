// The score of a running mesh: what operations, deaths of workers and time leave behind.
import { expect, test } from "vitest";
import { until } from "./mesh.ts";
import { AGENTS, onlyFast, start } from "./punctual.ts";

test("operations, conflicts and recoveries are counted where they belong", async () => {
  await using mesh = await start({ topology: onlyFast() });
  const fresh = mesh.kpis();
  expect(fresh.coordinationSuccessRate).toMatchObject({ value: undefined, count: 0 });
  expect(fresh.meshAvailability.target).toBe(0.999);

  const payload = { do: "work", ms: 0 };
  await mesh.scatterGather({ payload, at: "in 300ms" });
  await mesh.cascade({ payload, at: "in 300ms" });
  const detail = { type: "DATA_CONTRADICTION" };
  await mesh.scatterGather({ payload: { do: "conflict", detail }, at: "now" });
  const scored = mesh.kpis();
  expect(scored.coordinationSuccessRate).toMatchObject({ value: 2 / 3, count: 3, met: false });
  expect(scored.arrivalWindowHitRate).toMatchObject({ value: 1, count: 2 * AGENTS, met: true });
  expect(scored.impedancePredictionAccuracy.count).toBe(2 * AGENTS);
  expect(scored.conflictRate).toMatchObject({ value: 1 / 3, met: false });
  expect(scored.cascadeLatencyP95).toMatchObject({ count: 1, met: true });
  expect(scored.operations.map(({ kind }) => kind)).toEqual([
    "scatter-gather",
    "cascade",
    "scatter-gather",
  ]);
  expect(scored.hourly).toHaveLength(1);

  const back = new Promise((resolve) => mesh.on("workerBack", resolve));
  await mesh.kill("worker-1");
  await back;
  expect(mesh.kpis().recoveryTime).toMatchObject({ count: 1, met: true });
  await until("availability is measured", () => mesh.kpis().meshAvailability.value !== undefined);

  const { conflictsLastHour, lastCascadeMs } = mesh.status();
  expect(conflictsLastHour).toBe(AGENTS);
  expect(lastCascadeMs).toBeGreaterThan(0);
});

test("asks from outside and delegations are counted as such", async () => {
  await using mesh = await start();
  await mesh.delegate({ do: "work", ms: 0 });
  await expect(
    mesh.delegate({ do: "fail" }, { to: "sector-1/cluster-1/agent-1" }),
  ).rejects.toMatchObject({ code: "MESH_AGENT_FAILED" });
  expect(mesh.kpis().operations.map(({ kind }) => kind)).toEqual(["delegate", "delegate"]);
});
