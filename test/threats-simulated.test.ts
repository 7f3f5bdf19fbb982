// The six threats of spec 9.2 in the simulator, in virtual time: found and answered within the bounds of the design.
import { describe, expect, test } from "vitest";
import { addressOf } from "../coordination/address.ts";
import type { Mesh, Threat } from "../index.ts";
import { loadTraceMix } from "../remote/traces.ts";
import { QUESTION } from "../simulator/elsewhere-agent.ts";
import { shapeOf } from "../simulator/shape.ts";
import { type MeshInUse, simulate } from "../simulator/simulation.ts";
import { printedSeed, randomOf } from "./mesh.ts";
import { ADA, playbooksFor, stepAct } from "./operator-playbooks.ts";
import { profile } from "./simulated.ts";
import { attackTiming } from "./timing-trials.ts";

const seed = printedSeed();
const traces = await loadTraceMix();

/** A quiet mesh of so many agents, used; nothing may be amiss at its end. */
async function quiet(agents: number, use: (mesh: MeshInUse) => Promise<void>): Promise<void> {
  const options = { ...shapeOf(agents), seed, forMs: 86_400_000, faults: profile("none"), traces };
  const { violation } = await simulate({ ...options, use });
  expect(violation).toBeUndefined();
}

/** Lets virtual time pass until it is so; gives how much, or throws. */
async function until({ pause }: MeshInUse, isSo: () => boolean, withinMs: number): Promise<number> {
  for (let passedMs = 0; passedMs <= withinMs; passedMs += 10) {
    if (isSo()) return passedMs;
    await pause(10);
  }
  throw new Error(`not within ${withinMs} ms`);
}

function only(threats: readonly Threat[], kind: Threat["kind"]): readonly Threat[] {
  return threats.filter((threat) => threat.kind === kind);
}

test("a compromised operator: twelve playbooks at their own pace, each frozen within a second", async () => {
  await quiet(600, async (mesh) => {
    const { headquarters, pause } = mesh;
    const { guards, freezer, dispatcher } = headquarters;
    const { threats, modes } = guards;
    const { topology } = dispatcher.view;
    const seen = {
      topology,
      mode: modes,
      status: () => headquarters.status(),
      select: () => [],
    } as unknown as Mesh;
    const playbooks = playbooksFor(topology);
    for (const [nth, { rule, steps }] of playbooks.entries()) {
      // Each on a day of its own: what is usual is known, and what was before is over.
      await pause(60_000 * 20);
      const hour = Math.floor((dispatcher.ports.clock.nowMs() % 86_400_000) / 3_600_000);
      const origins = [ADA.origin, "http 10.0.0.8"];
      const asleep = [(hour + 6) % 24, ((hour + 7) % 24) + 1] as const;
      threats.enrol("ada", { origins, ...(rule === "hours" && { hours: asleep }) });
      for (const step of steps(randomOf(seed + nth))) {
        await pause(step.afterMs);
        try {
          if (step.sign !== undefined) threats.sign({ who: step.who, sign: step.sign });
          else threats.act(stepAct(seen, step));
        } catch (error) {
          expect(error).toMatchObject({ code: "MESH_SUSPENDED" });
        }
        if (threats.status().held) break;
      }
      await until(mesh, () => headquarters.state === "frozen", 1000);
      const [threat] = threats.list();
      expect(threat).toMatchObject({ kind: "orchestrator_compromise", rule });
      await until(mesh, () => threats.show(threat.id)?.answeredMs !== undefined, 1000);
      threats.lift(threat.id, { by: "grace" });
      await freezer.thaw();
    }
    expect(threats.status().found.orchestrator_compromise).toBe(12);
  });
}, 60_000);

test("rogue agents: one within a second, its cluster within two, its sector within five", async () => {
  await quiet(600, async (mesh) => {
    const { headquarters, inflict, pause } = mesh;
    const { guards, entrance, dispatcher } = headquarters;
    const { topology } = dispatcher.view;
    // In the shape of so many agents two clusters make a sector; each has five agents.
    const place = addressOf(topology, topology.coordinatorBase + 3);
    const first = 3 * topology.agentsPerSector;
    const ask = (): Promise<unknown> =>
      entrance.scatterGather({ payload: QUESTION }, { select: place, oneTruth: true, quorum: 0.1 });
    const found = (kind: Threat["kind"], count: number, withinMs: number): Promise<number> =>
      until(mesh, () => only(guards.threats.list(), kind).length >= count, withinMs);
    inflict({ kind: "corrupt", agents: [first] });
    await ask();
    await found("rogue_agent", 1, 1000);
    inflict({ kind: "corrupt", agents: [first + 1, first + 2] });
    await ask();
    await found("cluster_compromise", 1, 2000);
    const cluster = only(guards.threats.list(), "cluster_compromise")[0];
    expect(guards.circuits.state(cluster.subject).state).toBe("OPEN");
    // It stays so, whatever its agents answer to a probe.
    await pause(200_000);
    expect(guards.circuits.state(cluster.subject).state).toBe("OPEN");
    guards.threats.lift(cluster.id, { by: "grace" });
    expect(guards.circuits.state(cluster.subject).state).toBe("CLOSED");
  });
}, 60_000);

test("a flood is told within a second, and that it is over", async () => {
  await quiet(60, async (mesh) => {
    const { headquarters, inflict, pause } = mesh;
    const { threats } = headquarters.guards;
    await pause(5000);
    inflict({ kind: "flood", agent: 7, messages: 6000 });
    await until(mesh, () => only(threats.list(), "denial_of_service").length === 1, 1100);
    await until(mesh, () => threats.list()[0].state === "over", 60_000);
  });
}, 60_000);

describe("a tenth of the agents that lie about their timing together", () => {
  for (const [factor, how] of [
    [0.1, "faster"],
    [10, "slower"],
  ] as const)
    test(`${how}: locked within 10 s, and the honest are READY by T as before`, async () => {
      const { lockedMs, before, during, liars } = await attackTiming(seed, factor);
      expect(liars).toBeGreaterThan(0.06);
      expect(lockedMs).toBeGreaterThan(0);
      expect(lockedMs).toBeLessThanOrEqual(10_000);
      expect(before - during).toBeLessThanOrEqual(0.01);
    }, 60_000);
});
