// Delegated tasks on their way: what is concluded from them, and giving them to others.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { agentModule, createMesh, settled, until } from "./mesh.ts";

// The first cluster of each sector has GPUs, the second Pis; all of them are said to do inference.
const GPUS = ["sector-1/cluster-1", "sector-2/cluster-1"];
const PIS = "CLASS_E_LOCAL";
const PI = "sector-1/cluster-2/agent-1";
const NEEDS = { requiresCapabilities: ["llm_inference"], timeoutMs: 60_000 };

let mesh: Mesh;
beforeAll(async () => {
  mesh = await createMesh({
    topology: {
      sectors: 2,
      clustersPerSector: 2,
      agentsPerCluster: 2,
      spawnCapacity: 0,
      classes: { CLASS_D_GPU: 1, CLASS_E_LOCAL: 1 },
    },
    agent: agentModule("inference"),
    workers: 2,
    heartbeatMs: 50,
    log: "silent",
  });
});
afterAll(() => mesh.stop({ deadlineMs: 0 }));

const tasksOf = (agent: string) => mesh.tasks.list().filter((task) => task.agent === agent);

test("a task that nobody else may have stays where it is, and no cause is seen where there is no other", async () => {
  const call = new AbortController();
  const given = mesh.delegate("x", { ...NEEDS, to: PI, signal: call.signal });
  expect(tasksOf(PI)).toMatchObject([{ agentClass: PIS, requires: ["llm_inference"] }]);
  expect(await mesh.tasks.reassign([PI])).toEqual({
    tasks: [{ from: PI, elapsedMs: 0 }],
    released: [],
  });
  expect(tasksOf(PI)).toHaveLength(1);
  for (const cluster of GPUS) mesh.route.avoid(cluster);
  await until("it is overdue", () => tasksOf(PI)[0]?.overdue);
  expect(mesh.tasks.misassigned()).toEqual([]);
  for (const cluster of GPUS) mesh.route.allow(cluster);
  expect(mesh.tasks.misassigned()).toMatchObject([
    { capability: "llm_inference", agentClass: PIS, agents: [PI], suited: "CLASS_D_GPU" },
  ]);
  call.abort(new Error("never mind"));
  await expect(given).rejects.toThrow("never mind");
  expect(mesh.tasks.list()).toEqual([]);
  await mesh.restart(PI);
});

test("all tasks of an agent go to others, those that wait behind the first too; other messages stay", async () => {
  for (const cluster of GPUS) mesh.route.avoid(cluster);
  mesh.route.avoid("sector-1/cluster-2/agent-2");
  mesh.route.avoid("sector-2/cluster-2");
  const given = [1, 2, 3].map((task) => mesh.delegate(task, NEEDS));
  for (const report of [1, 2]) mesh.tell(PI, { report });
  await until("all are there", async () => {
    const { current, queue } = await mesh.why(PI);
    return current !== undefined && queue.depth === 4;
  });
  expect(tasksOf(PI)).toHaveLength(3);
  for (const { target } of mesh.route.list()) mesh.route.allow(target);
  mesh.route.avoid(PIS, { capability: "llm_inference" });

  const { tasks, released } = await mesh.tasks.reassign([PI]);
  expect(released).toEqual([PI]);
  expect(tasks).toHaveLength(3);
  for (const { from, to, state } of tasks) {
    expect(from).toBe(PI);
    expect(to).toMatch(/^sector-\d\/cluster-1\//);
    expect(state).toBe(1);
  }
  for (const { answer, tried } of await Promise.all(given)) {
    expect(answer).toEqual({ state: 1, value: "a sonnet" });
    expect(tried[0]).toBe(PI);
  }
  await settled(mesh);
  expect(await mesh.ask(PI, { report: 3 })).toEqual({
    state: 1,
    value: { reports: 3, inferences: 0 },
  });
  expect(mesh.status().lost).toBe(0);
});

test("a task that is still on its way to an agent does not get hold of it", async () => {
  mesh.route.allow(PIS, { capability: "llm_inference" });
  for (const cluster of GPUS) mesh.route.avoid(cluster);
  const given = mesh.delegate("x", NEEDS);
  const [{ agent }] = mesh.tasks.list();
  for (const cluster of GPUS) mesh.route.allow(cluster);
  mesh.route.avoid(PIS, { capability: "llm_inference" });
  const { tasks } = await mesh.tasks.reassign([agent]);
  expect(tasks).toMatchObject([{ from: agent, state: 1 }]);
  expect((await given).agent).toBe(tasks[0].to);
  // It would be stuck for good.
  expect(await mesh.ask(agent, { report: 0 }, { timeoutMs: 20_000 })).toMatchObject({ state: 1 });
  await settled(mesh);
  expect(mesh.status().lost).toBe(0);
});

test("what is no agent has no tasks", async () => {
  await expect(mesh.tasks.reassign(["sector-1"])).rejects.toThrow(/address of an agent/);
  await expect(mesh.tasks.reassign([PI], { timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
  expect(await mesh.tasks.reassign([PI])).toEqual({ tasks: [], released: [] });
});
