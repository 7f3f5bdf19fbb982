// The six threats of spec 9.2 in the simulator, in virtual time: found and answered within the bounds of the design.
import { expect, test } from "vitest";
import { PEOPLE } from "../coordination/impedance-class.ts";
import type { Mesh, Threat } from "../index.ts";
import { loadTraceMix } from "../remote/traces.ts";
import { QUESTION } from "../simulator/elsewhere-agent.ts";
import { shapeOf } from "../simulator/shape.ts";
import { type MeshInUse, simulate } from "../simulator/simulation.ts";
import { printedSeed, randomOf } from "./mesh.ts";
import { ADA, stepAct } from "./operator-playbooks.ts";
import { PLAYBOOKS } from "./operator-trials.ts";
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
  await quiet(12, async (mesh) => {
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
    // They name more places than there are here: nobody goes there before they are found.
    for (const [nth, { rule, steps }] of PLAYBOOKS.entries()) {
      // Each on a day of its own: what is usual is known, and what was before is over.
      await pause(60_000 * 11);
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

test("rogue agents: one is found within a second, three with their cluster within two", async () => {
  await quiet(600, async (mesh) => {
    const { headquarters, inflict, pause } = mesh;
    const { guards, entrance, dispatcher } = headquarters;
    const { topology } = dispatcher.view;
    // Three of a cluster of five who answer questions, and soon: people do not, nor do those who keep books.
    const isQuick = (agent: number): boolean =>
      topology.classOf[agent] !== PEOPLE && agent % 10 !== 9;
    const all = Array.from({ length: topology.agents }, (_, agent) => agent);
    const clusters = all.map((agent) => Math.floor(agent / topology.agentsPerCluster));
    const quick = (cluster: number): number[] =>
      all.filter((agent) => clusters[agent] === cluster && isQuick(agent));
    const [first, second, third] = quick(
      clusters.find((cluster) => quick(cluster).length > 3) ?? 0,
    );
    const operation = { payload: QUESTION, requiresCapabilities: ["elsewhere"] };
    const ask = (): Promise<unknown> =>
      entrance.scatterGather(operation, { oneTruth: true, quorum: 0.1 });
    const found = (kind: Threat["kind"], count: number, withinMs: number): Promise<number> =>
      until(mesh, () => only(guards.threats.list(), kind).length >= count, withinMs);
    inflict({ kind: "corrupt", agents: [first] });
    await ask();
    await found("rogue_agent", 1, 1000);
    inflict({ kind: "corrupt", agents: [second, third] });
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

test("a tenth lies about its timing: locked within 10 s, and the honest are READY by T as before", async () => {
  const { lockedMs, during, liars } = await attackTiming(seed, 0.1);
  expect(liars).toBeGreaterThan(0.06);
  expect(lockedMs).toBeGreaterThan(0);
  expect(lockedMs).toBeLessThanOrEqual(10_000);
  // Against the same operations without lies; the other ways to lie are those of `npm run prove`.
  const honest = await attackTiming(seed, 1);
  expect(honest.lockedMs).toBeUndefined();
  expect(honest.during - during).toBeLessThanOrEqual(0.01);
}, 60_000);
