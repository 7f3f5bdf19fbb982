// The conversation of spec 7.2, all four turns, with a mesh that is in the state that it is about.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localLine } from "../console/command/line.ts";
import { Repl } from "../console/repl.ts";
import type { DelegationResult, Mesh } from "../index.ts";
import { agentModule, createMesh, settled, until } from "./mesh.ts";
import { Person } from "./person.ts";

const STUCK = ["sector-7/cluster-4/agent-12", "sector-7/cluster-4/agent-19"];
const TASK = "Process large language model inference request";
const NEEDS = { requiresCapabilities: ["llm_inference"] };

let mesh: Mesh;
const results: Promise<DelegationResult>[] = [];
beforeAll(async () => {
  mesh = await createMesh({
    // The first cluster of each sector has GPUs, the others are Raspberry Pis. Two of these claim that they can infer.
    topology: {
      sectors: 7,
      clustersPerSector: 4,
      agentsPerCluster: 20,
      spawnCapacity: 16,
      classes: { CLASS_D_GPU: 1, CLASS_E_LOCAL: 3 },
    },
    agent: (address) =>
      STUCK.includes(address) || address.startsWith("sector-3/cluster-1/")
        ? agentModule("inference")
        : agentModule("puppet"),
    supervision: { intensity: { maxRestarts: 0 } },
    workers: 2,
    heartbeatMs: 50,
    log: "silent",
  });
  await mesh.cascade({ payload: { do: "readyNothing" } }, { select: "sector-1" });
  for (const agent of [1, 2, 3])
    mesh.tell(`sector-7/cluster-2/agent-${agent}`, { do: "fail", text: "CONTEXT_DIVERGENCE: x" });
  await until("three in quarantine", () => mesh.status().agents.quarantined === 3);
  // While the GPUs were not to be had, the Pis were given the work, one task each.
  mesh.route.avoid("sector-3/cluster-1");
  for (const agent of STUCK) {
    mesh.route.avoid(STUCK[STUCK.length - 1 - STUCK.indexOf(agent)]);
    results.push(mesh.delegate(TASK, { ...NEEDS, timeoutMs: 120_000 }));
    for (const { target } of mesh.route.list())
      if (target !== "sector-3/cluster-1") mesh.route.allow(target);
  }
  mesh.route.allow("sector-3/cluster-1");
  for (const result of results) result.catch(() => {});
  for (const agent of STUCK) for (let i = 0; i < 6; i++) mesh.tell(agent, { report: i });
});
afterAll(() => mesh.stop({ deadlineMs: 0 }));

/** What a person says to the mesh, and what is printed. */
async function said(...lines: string[]): Promise<string> {
  const person = new Person({ cwd: mkdtempSync(join(tmpdir(), "mesh-conversation-")) });
  person.type(...lines);
  person.stdin.end();
  await new Repl(person.face, localLine(mesh, person.face.commands)).run();
  return person.out;
}

const SPOKEN = [
  "What's happening in sector 7?",
  "Yeah route around, and show me what they're stuck on",
] as const;

describe("the conversation of the specification", () => {
  test("is about the mesh as it is", async () => {
    await until("both are overdue", () => mesh.tasks.list().filter((t) => t.overdue).length === 2);
    expect(mesh.tasks.list().map(({ agent }) => agent)).toEqual(STUCK);
    await until("they are slow", () =>
      mesh
        .agents({ slow: true, state: "active", limit: 2 })
        .every(({ impedanceScore }) => impedanceScore > 500),
    );
  });

  test("changes nothing without a yes", async () => {
    const out = await said(...SPOKEN, "no");
    expect(out).toMatch(
      /Shall I reassign the task and fix the capability mapping\? \(yes or no\)\nNothing was changed/,
    );
    expect(mesh.route.list().map(({ target }) => target)).toEqual(STUCK);
    expect(mesh.tasks.list().map(({ agent }) => agent)).toEqual(STUCK);
    for (const agent of STUCK) mesh.route.allow(agent);
  });

  test("goes from what happens to what is the matter, and puts it right", async () => {
    const out = await said(...SPOKEN, "Do it");
    const turns = [
      /Sector 7 Status:\n- 77\/80 agents active\n- Mean impedance: \d+ms/,
      /- 3 agents in quarantine \(context divergence\)\n- Last successful cascade: .* ago/,
      /- Notable: Cluster 7-4 has 2 agents with impedance > 500ms/,
      /Recommendation: Investigate slow agents in cluster 7-4\./,
      /Shall I route around them for now\? \(yes or no\)/,
      /Traffic now avoids sector-7\/cluster-4\/agent-1[29]\n.*Traffic now avoids sector-7\/cluster-4\/agent-1[29]/,
      /- Task: 'Process large language model inference request'\n- Waiting on: GPU memory allocation\n- Duration: /,
      /Root cause: These are CLASS_E_LOCAL agents \(Raspberry Pi.*\) incorrectly assigned a CLASS_D_GPU task/,
      /Shall I reassign the task and fix the capability mapping\? \(yes or no\)/,
      /Capability mapping updated: CLASS_E_LOCAL agents now excluded from 'llm_inference' routing/,
      /Task of sector-7\/cluster-4\/agent-12 reassigned to sector-3\/cluster-1\/agent-\d+, completed in [\d.]+ seconds/,
      /Task of sector-7\/cluster-4\/agent-19 reassigned to sector-3\/cluster-1\/agent-\d+, completed in [\d.]+ seconds/,
      /Traffic reaches sector-7\/cluster-4\/agent-12 again/,
      /Traffic reaches sector-7\/cluster-4\/agent-19 again/,
      /Done\./,
    ];
    let at = 0;
    for (const turn of turns) {
      const found = turn.exec(out.slice(at));
      expect(found, `${turn} after:\n${out.slice(at)}`).not.toBeNull();
      at += (found?.index ?? 0) + 1;
    }
  });

  test("is true: the tasks are done, by whom it said, and the two are well again", async () => {
    for (const { agent, answer } of await Promise.all(results)) {
      expect(answer).toEqual({ state: 1, value: "a sonnet" });
      expect(agent).toMatch(/^sector-3\/cluster-1\//);
    }
    expect(mesh.tasks.list()).toEqual([]);
    expect(mesh.tasks.misassigned()).toEqual([]);
    expect(mesh.route.list()).toMatchObject([
      { target: "CLASS_E_LOCAL", capability: "llm_inference" },
    ]);
    await settled(mesh);
    for (const agent of STUCK) {
      // What waited behind the task is done, and what was done before it is not forgotten.
      expect(await mesh.ask(agent, { report: 0 })).toEqual({
        state: 1,
        value: { reports: 7, inferences: 0 },
      });
    }
    const next = await Promise.all(STUCK.map(() => mesh.delegate(TASK, NEEDS)));
    for (const { agent } of next) expect(agent).toMatch(/^sector-3\/cluster-1\//);
  });
});
