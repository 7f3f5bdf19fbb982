// The daily check and the runbook at a real mesh: they find what is wrong with it, and put it right.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IncidentReport } from "../console/catalog/incident-command.ts";
import { runOnMesh } from "../console/command/line.ts";
import { COMMANDS } from "../console/commands.ts";
import type { HealthReport } from "../console/reports/health.ts";
import type { Mesh } from "../index.ts";
import { startMesh, until } from "./mesh.ts";

let mesh: Mesh;
let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "mesh-procedures-"));
  mesh = await startMesh("ledger", { dataDir: data, heartbeatMs: 100 });
  await until("reports", () => mesh.sectors().every(({ lastUpdatedMs }) => lastUpdatedMs > 0));
});
afterAll(async () => {
  await mesh.stop({ deadlineMs: 0 });
  await rm(data, { recursive: true });
});

const health = () => run("health") as Promise<HealthReport>;
const incident = (args: object) => run("incident", args) as Promise<IncidentReport>;
function run(name: string, args: object = {}): Promise<unknown> {
  return runOnMesh(COMMANDS, mesh, name, { ...args }, new AbortController().signal);
}
const gradeOf = ({ lines }: HealthReport, wanted: string): string | undefined =>
  lines.find(({ name }) => name === wanted)?.grade;

test("a mesh that is well has nothing lost, tripped or unresolved", async () => {
  const found = await health();
  for (const name of ["mesh", "breakers", "unresolved conflicts", "churn", "workers", "backups"])
    expect(gradeOf(found, name), name).toBe("ok");
  expect(await incident({ target: "sector-3" })).toMatchObject({ resolved: true });
});

test("a tripped breaker and a frozen part are found, and gone when they are taken back", async () => {
  mesh.circuits.trip("sector-2/cluster-1");
  await mesh.freeze("sector-4/cluster-1");
  const found = await health();
  expect(gradeOf(found, "breakers")).toBe("attention");
  expect(found.todo).toEqual(
    expect.arrayContaining(["thaw sector-4/cluster-1", "circuits show sector-2/cluster-1"]),
  );
  await mesh.thaw();
  mesh.circuits.reset("sector-2/cluster-1");
  expect(gradeOf(await health(), "breakers")).toBe("ok");
});

test("a lost worker is told by the next check, with who was lost", async () => {
  const back = new Promise((resolve) => mesh.on("workerBack", resolve));
  await mesh.kill("worker-2");
  await back;
  expect(gradeOf(await health(), "workers")).toBe("attention");
  const active = () => mesh.status().agents.active === 40;
  await until("all are active", active);
  await until("the runbook finds nothing", async () => {
    const { resolved } = await incident({ target: "sector-3", yes: true });
    return resolved;
  });
});
