// The six threats of spec 9.2 on real threads: found, answered, told, lifted, each within its bound.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runOnMesh } from "../console/command/line.ts";
import { COMMANDS } from "../console/commands.ts";
import { Gate } from "../console/operator/gate.ts";
import { type Caller, operatorOf, ownerOf } from "../console/operator/role.ts";
import type { Mesh, Operator, Threat } from "../index.ts";
import { createMesh, printedSeed, randomOf, SMALL, startMesh, until } from "./mesh.ts";
import { ADA, playbooksFor } from "./operator-playbooks.ts";

const seed = printedSeed();
/** Enough agents that reading out their states is more than looking around. */
const PLACES = { sectors: 4, clustersPerSector: 10, agentsPerCluster: 10, spawnCapacity: 0 };
const LIKE_THOSE = { ...PLACES, clustersPerSector: 4 };
/** Spec: what a compromised operator does is over within a second. */
const FROZEN_MS = 1000;

const gate = new Gate();
const OWNER = operatorOf(ownerOf("repl"));

/** As that operator's command comes from a face that has let them in. */
function run(mesh: Mesh, who: Operator, command: string, args: object = {}): Promise<unknown> {
  const signal = new AbortController().signal;
  const from = who.local ? {} : { from: who.origin.replace(/^http /, "") };
  const caller: Caller = { who: who.name, role: "admin", face: "http", stepUp: "waived", ...from };
  return runOnMesh(COMMANDS, mesh, command, { ...args }, signal, undefined, { gate, caller });
}

describe("a compromised operator", () => {
  let mesh: Mesh;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mesh-threats-"));
    mesh = await startMesh("puppet", { dataDir, topology: PLACES });
    mesh.threats.enrol("ada", { origins: [ADA.origin, "http 10.0.0.8"] });
  });

  afterAll(async () => {
    await mesh.stop({ deadlineMs: 0 });
    await rm(dataDir, { recursive: true, force: true });
  });

  for (const { name, rule, steps } of playbooksFor(PLACES))
    test(`${name}: frozen within a second, and until a person lifts it`, async () => {
      // At night, whatever the time of the day is.
      if (rule === "hours") {
        const hour = new Date().getUTCHours();
        mesh.threats.enrol("ada", { hours: [(hour + 6) % 24, (hour + 7) % 24 || 24] });
      }
      let beganMs = 0;
      for (const step of steps(randomOf(seed))) {
        beganMs = performance.now();
        if (step.sign !== undefined) mesh.threats.sign({ who: step.who, sign: step.sign });
        else await run(mesh, step.who, step.command ?? "", step.args).catch(() => {});
        if (mesh.threats.status().held) break;
      }
      await until("the mesh is frozen", () => mesh.status().state === "frozen");
      const frozenMs = performance.now() - beganMs;
      const [threat] = mesh.threats.list();
      expect(threat).toMatchObject({ kind: "orchestrator_compromise", state: "open" });
      await until("it is told", () => mesh.threats.show(threat.id)?.answeredMs !== undefined);
      expect(frozenMs).toBeLessThan(FROZEN_MS);
      // The hand that did it does nothing any more, nor can the mesh be thawed past the threat.
      await expect(run(mesh, ADA, "thaw")).rejects.toMatchObject({ code: "MESH_SUSPENDED" });
      await expect(mesh.thaw()).rejects.toMatchObject({ code: "MESH_HELD" });
      const lift = { action: "lift", id: threat.id, by: "grace" };
      await expect(
        run(mesh, { ...ADA, name: `bob of ${rule}` }, "threats", lift),
      ).rejects.toMatchObject({
        code: "MESH_NOT_HERE",
      });
      await run(mesh, OWNER, "threats", lift);
      await run(mesh, OWNER, "thaw");
      expect(mesh.status().state).toBe("running");
      expect(mesh.threats.status()).toMatchObject({ held: false, suspended: [] });
      mesh.threats.enrol("ada", { origins: [ADA.origin, "http 10.0.0.8"] });
    });

  test("one credential freezes the mesh once: people who thaw it are not kept from it", async () => {
    const script = (): Promise<unknown[]> =>
      Promise.all(
        Array.from({ length: 40 }, () =>
          run(mesh, { ...ADA, name: "eve" }, "restart", { address: "sector-1" }).catch(
            (error: unknown) => error,
          ),
        ),
      );
    mesh.threats.enrol("eve", {});
    await script();
    await until("the mesh is frozen", () => mesh.status().state === "frozen");
    const [{ id }] = mesh.threats.list();
    const before = mesh.threats.list().length;
    const refused = (await script()) as { code?: string }[];
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["MESH_SUSPENDED"]));
    expect(mesh.threats.list()).toHaveLength(before);
    // Looking is not acting.
    await expect(run(mesh, { ...ADA, name: "eve" }, "status")).resolves.toBeDefined();
    await run(mesh, OWNER, "threats", { action: "lift", id, by: "grace" });
    await run(mesh, OWNER, "thaw");
  });
});

describe("agents that attack", () => {
  let mesh: Mesh;
  const threats: Threat[] = [];

  const begin = async (agent: string, options: object = {}): Promise<void> => {
    mesh = await createMesh({
      ...SMALL,
      topology: LIKE_THOSE,
      agent: new URL(`./${agent}-agent.mjs`, import.meta.url),
      ...options,
    });
    threats.length = 0;
    mesh.on("threat", (threat) => threats.push(threat));
  };

  afterEach(() => mesh.stop({ deadlineMs: 0 }));

  const found = async (kind: Threat["kind"]): Promise<Threat> => {
    const answered = (): Threat | undefined =>
      mesh.threats.list().find((each) => each.kind === kind && each.answeredMs !== undefined);
    await until(kind, answered);
    return answered() as Threat;
  };

  test("one, three and nine that contradict their peers: quarantine, cluster, sector", async () => {
    const lies = (agent: string): Promise<unknown> => mesh.ask(agent, { lie: true });
    await begin("perjured");
    const truth = { message: { question: 1 }, verb: "act" } as const;
    const liars = [0, 1, 2].flatMap((cluster) =>
      [1, 2, 3].map((agent) => `sector-2/cluster-${cluster + 1}/agent-${agent}`),
    );
    await lies(liars[0]);
    let beganMs = performance.now();
    await mesh.scatterGather({ payload: truth.message }, { select: "sector-2", oneTruth: true });
    const rogue = await found("rogue_agent");
    expect(performance.now() - beganMs).toBeLessThan(1000 + 5000);
    expect(rogue).toMatchObject({ subject: liars[0] });
    expect(mesh.agents({ state: "quarantined" }).map(({ agentId }) => agentId)).toEqual([liars[0]]);
    for (const liar of liars.slice(1, 3)) await lies(liar);
    beganMs = performance.now();
    await mesh.scatterGather({ payload: truth.message }, { select: "sector-2", oneTruth: true });
    const cluster = await found("cluster_compromise");
    expect(cluster).toMatchObject({ subject: "sector-2/cluster-1" });
    expect((cluster.answeredMs ?? 0) - cluster.detectedMs).toBeLessThan(2000);
    expect(mesh.circuits.state("sector-2/cluster-1").state).toBe("OPEN");
    await until("another leads", () => mesh.roles.lead("sector-2/cluster-1").term > 1);
    for (const liar of liars.slice(3)) await lies(liar);
    await mesh.scatterGather({ payload: truth.message }, { select: "sector-2", oneTruth: true });
    const sector = await found("sector_compromise");
    expect(sector).toMatchObject({ subject: "sector-2" });
    expect(mesh.circuits.state("sector-2").state).toBe("OPEN");
    expect(() => mesh.circuits.reset("sector-2")).toThrow("held open for a threat");
    await until("its coordinator begins anew", () => mesh.roles.coordinator("sector-2").term > 1);
    mesh.threats.lift(sector.id, { by: "grace" });
    expect(mesh.circuits.state("sector-2").state).toBe("CLOSED");
    expect(mesh.incidents().filter(({ decision }) => decision === "isolate").length).toBe(4);
  });

  test("a tenth of the agents that report another timing together: weights are locked", async () => {
    await begin("perjured", {
      heartbeatMs: 100,
      topology: { ...LIKE_THOSE, agentsPerCluster: 25 },
    });
    // Their usual timing is learned, and how often they are far from it.
    await until("heartbeats", () => mesh.status().heartbeats > 400 * 50);
    const liars = mesh.select("all").filter((ref) => ref % 10 === 3);
    await Promise.all(liars.map((ref) => mesh.ask(ref, { factor: 0.1 })));
    // How soon is told in virtual time: here the machine has other things to do.
    const threat = await found("timing_attack");
    expect(mesh.threats.status().weightsLocked).toBe(true);
    expect(threat.evidence[0]).toContain("faster");
    mesh.threats.lift(threat.id, { by: "grace", reason: "the proxy was replaced" });
    expect(mesh.threats.status().weightsLocked).toBe(false);
  });

  test("a flood: told while it lasts, and that it is over", async () => {
    await begin("perjured");
    // Whoever is at work takes in what its mailbox holds, and of the rest the oldest is dropped.
    for (let i = 0; i < 20_000; i++) mesh.tell(i % 4, { takesMs: 2000 }, { priority: 0 });
    const threat = await found("denial_of_service");
    expect(threat.evidence[0]).toMatch(/messages a second, usually/);
    expect(mesh.status().agents.active).toBe(160);
    expect(mesh.status().lost).toBe(0);
  });
});
