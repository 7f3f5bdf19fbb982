// What running meshes do with open circuits, liars and silent clusters.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CircuitEvent, Incident, Mesh } from "../index.ts";
import { call, startMesh, until } from "./mesh.ts";

const SECTOR = "sector-1";
const CLUSTER = "sector-1/cluster-1";
const NOTHING = { payload: { do: "readyNothing" }, at: "now" } as const;

describe("an open circuit", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh("puppet");
    mesh.circuits.trip(CLUSTER, "a drill");
  });
  afterAll(() => mesh.stop());

  test("keeps scatter, cascade and broadcast from its agents, who are listed as skipped", async () => {
    for (const result of [await mesh.scatterGather(NOTHING), await mesh.cascade(NOTHING)]) {
      expect(result).toMatchObject({ selected: 40, addressed: 35, ready: 35, skipped: 5 });
      const skipped = [...result.outcomes()].filter((outcome) => outcome.skipped);
      expect(skipped.map(({ address }) => address)).toEqual(
        [1, 2, 3, 4, 5].map((agent) => `${CLUSTER}/agent-${agent}`),
      );
      const plans = [...result.plan()].filter(({ status }) => status === "SKIP");
      expect(plans).toHaveLength(5);
      expect(plans[0]).toMatchObject({ reason: "circuit_open" });
      await expect(result.resume()).rejects.toMatchObject({ code: "MESH_NOTHING_LEFT" });
    }
    const told = await mesh.broadcast({ do: "nothing" });
    expect(told).toMatchObject({ addressed: 35, ready: 35, skipped: 5 });
    const classes = await mesh.cascade({ ...NOTHING }, { strategy: "priority-first" });
    expect(classes.selected).toBe(classes.addressed + classes.skipped);
  });

  test("is told of by a forecast, and when nobody else is meant", async () => {
    const forecast = await mesh.forecast({ payload: 1 });
    expect(forecast.selected).toBe(40);
    expect(forecast.scheduled + forecast.skipped).toBe(40);
    const shut = forecast.skips.filter(({ reason }) => reason === "circuit_open");
    expect(shut.map(({ address }) => address)).toEqual(
      [1, 2, 3, 4, 5].map((agent) => `${CLUSTER}/agent-${agent}`),
    );
    await expect(mesh.scatterGather(NOTHING, { select: CLUSTER })).rejects.toThrow(
      /has none: 5 are behind open circuits/,
    );
  });

  test("keeps samples, delegations and pipelines from them", async () => {
    const sampled = await mesh.ask({ select: SECTOR, sample: 100 }, { do: "about" });
    expect(sampled.asked).toBe(5);
    for (let i = 0; i < 10; i++) {
      const { agent } = await mesh.delegate({ do: "about" }, { to: SECTOR });
      expect(agent).toMatch(/^sector-1\/cluster-2\//);
    }
    await expect(mesh.delegate({ do: "about" }, { to: CLUSTER })).rejects.toThrow(/routed around/);
    await expect(mesh.pipeline({ do: "about" }, [CLUSTER])).rejects.toThrow(/routed around/);
  });

  test("gives a dead letter for each tell, which can be sent again once it is closed", async () => {
    const agent = `${CLUSTER}/agent-2`;
    mesh.tell(agent, { do: "note", id: 7 });
    const [letter] = mesh.deadLetters.list({ reason: "circuit-open" });
    expect(letter).toMatchObject({ target: agent, message: { id: 7 } });
    mesh.circuits.reset(CLUSTER);
    expect(await mesh.deadLetters.replay(letter.id)).toBe(true);
    expect(await call(mesh, agent, { do: "seen" })).toEqual([7]);
    expect((await mesh.scatterGather(NOTHING)).skipped).toBe(0);
    expect(mesh.status().lost).toBe(0);
    mesh.circuits.trip(CLUSTER);
  });

  test("is resumed by a later attempt once it is closed", async () => {
    const result = await mesh.scatterGather(NOTHING);
    mesh.circuits.reset(CLUSTER);
    expect(await result.resume()).toMatchObject({ addressed: 5, ready: 5, skipped: 0 });
  });
});

test("handlers that fail open their cluster's circuit; the mesh says why", async () => {
  await using mesh = await startMesh("puppet");
  const events: CircuitEvent[] = [];
  mesh.on("circuit", (event) => events.push(event));
  for (let agent = 1; agent <= 5; agent++)
    for (let i = 0; i < 2; i++)
      await mesh.ask(`${CLUSTER}/agent-${agent}`, { do: "fail" }).catch(() => {});
  await until("the circuit", () => events.length > 0);
  expect(events[0]).toMatchObject({ action: "OPEN", scope: "cluster", targetId: CLUSTER });
  expect(mesh.circuits.state(`${CLUSTER}/agent-3`)).toMatchObject({ state: "OPEN", openings: 1 });
  expect(mesh.incidents()[0]).toMatchObject({ class: "AGENT_CRASH" });
  const crashes = mesh.failures.classes().find((each) => each.class === "AGENT_CRASH");
  expect(crashes?.count).toBeGreaterThanOrEqual(6);
});

test("operations that hardly anybody in a cluster answers open its circuit", async () => {
  await using mesh = await startMesh("puppet", { breakers: { clusterFailures: 1 } });
  for (let agent = 1; agent <= 5; agent++)
    mesh.tell(`${CLUSTER}/agent-${agent}`, { do: "dawdle", ms: 1_000, id: agent });
  for (let i = 0; i < 2; i++) await mesh.scatterGather(NOTHING, { select: SECTOR, timeoutMs: 150 });
  expect(mesh.circuits.list()).toMatchObject([
    { target: CLUSTER, reason: expect.stringMatching(/of \d agents did not answer an operation/) },
  ]);
});

describe("a question with one right answer", () => {
  const LIAR = `${CLUSTER}/agent-4`;

  async function meshWithLiar(): Promise<Mesh> {
    const mesh = await startMesh("puppet");
    await call(mesh, LIAR, { do: "note", id: 1 }).catch(() => {});
    return mesh;
  }

  async function quarantined(mesh: Mesh): Promise<Incident> {
    const found = await until("the quarantine", () =>
      mesh.incidents().find((each) => each.class === "BYZANTINE_BEHAVIOR"),
    );
    expect(mesh.status().agents.quarantined).toBe(1);
    return found as Incident;
  }

  test("quarantines who contradicts a sample; an operator lets it go", async () => {
    await using mesh = await meshWithLiar();
    await mesh.ask({ select: SECTOR, oneTruth: true }, { do: "count" });
    expect(await quarantined(mesh)).toMatchObject({
      subject: LIAR,
      decision: "quarantine",
      escalated: true,
      error: expect.stringContaining("1 1"),
    });
    await mesh.restart(LIAR);
    expect(mesh.status().agents.quarantined).toBe(0);
  });

  test("does so over the answers of a scatter", async () => {
    await using mesh = await meshWithLiar();
    await mesh.scatterGather({ payload: { do: "count" }, at: "now" }, { oneTruth: true });
    expect((await quarantined(mesh)).subject).toBe(LIAR);
  });

  test("is only one where that was said: opinions may differ", async () => {
    await using mesh = await meshWithLiar();
    await mesh.ask({ select: SECTOR }, { do: "count" });
    await mesh.scatterGather({ payload: { do: "count" }, at: "now" }, { answers: true });
    await call(mesh, LIAR, { do: "echo", value: 1 });
    expect(mesh.status().agents.quarantined).toBe(0);
  });
});
