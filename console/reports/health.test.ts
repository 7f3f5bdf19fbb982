import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { KpiBook } from "../../coordination/kpis.ts";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { Host } from "../../test/host.ts";
import { type HealthGrade, type HealthReport, healthOf } from "./health.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 500_000 * HOUR_MS + 1_000;
const A = "sector-1/cluster-1/agent-1";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "mesh-health-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

/** A mesh that is well, of four sectors of ten agents, all of one class and equally fast. */
function wellMesh(): FakeMesh & Record<string, unknown> {
  const made = new FakeMesh({
    agent: "",
    topology: { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5 },
  });
  made.status_ = {
    workers: [{ name: "worker-1", state: "running", agents: 40, turns: 1, restarts: 0 }],
  };
  const sectors = made.sectors();
  const rows = Array.from({ length: 40 }, (_, index) => ({
    ...made.agents({ limit: 1 })[0],
    agentId: made.address(index),
    clusterId: made.address(index).replace(/\/agent-\d+$/, ""),
    agentClass: "CLASS_B_CLOUD",
    impedanceScore: 100,
    lastHeartbeat: "2026-11-24T00:00:00.000Z",
  }));
  return Object.assign(made, {
    dataDir,
    rows,
    open: [] as unknown[],
    review: [] as unknown[],
    book: new KpiBook(),
    incidents: () => [] as unknown[],
    sectors: () => sectors.map((sector) => ({ ...sector, activeAgents: sector.totalAgents })),
    agents: ({ within }: { within?: string }) =>
      rows.filter(({ agentId }) => agentId.startsWith(`${within}/`)),
    conflicts: {
      list: async ({ state }: { state: string }) =>
        (made as unknown as Record<string, unknown[]>)[state],
    },
    kpis: () => (made as unknown as { book: KpiBook }).book.kpis(NOW_MS),
  }) as unknown as FakeMesh & Record<string, unknown>;
}

function checkUp(made: FakeMesh): Promise<HealthReport> {
  return healthOf(made.mesh, NOW_MS);
}

/** An hour of answers, of which this share were conflicts. */
function answers(book: unknown, hoursAgo: number, total: number, conflict: number): void {
  const counts = { addressed: total, ready: total - conflict, conflict, transit: 0 };
  const none = { timed: 0, hits: 0, within50: 0, elapsedMs: 1, quorumMs: 1, achieved: true };
  (book as KpiBook).addOperation({
    endedMs: NOW_MS - hoursAgo * HOUR_MS,
    kind: "cascade",
    ...counts,
    ...none,
  });
}

function conflictOf(priority: number): unknown {
  return { record: { conflictId: "c-1", priority, type: "HASH_MISMATCH", agent: A } };
}

test("a mesh that is well is ok on every line, with nothing to do", async () => {
  const { verdict, lines, todo } = await checkUp(wellMesh());
  assert.deepEqual(
    lines.filter(({ grade }) => grade !== "ok"),
    [],
  );
  assert.equal(verdict, "ok");
  assert.isEmpty(todo);
});

type Spoil = (made: FakeMesh & Record<string, unknown>) => void;
const status =
  (changed: FakeMesh["status_"]): Spoil =>
  (made) =>
    Object.assign(made.status_, changed);
const agentsOf = (active: number, offline: number, quarantined: number): Spoil =>
  status({ agents: { total: 40, active, degraded: 0, offline, quarantined } });
const slow =
  (agent: number, score: number): Spoil =>
  ({ rows }) =>
    Object.assign((rows as object[])[agent], { impedanceScore: score });
const incident =
  (decision: string, subject: string, hoursAgo: number): Spoil =>
  (made) =>
    Object.assign(made, {
      incidents: () => [{ atMs: NOW_MS - hoursAgo * HOUR_MS, decision, subject, error: "x" }],
    });

describe("what is not well has its grade, and the command to type", () => {
  const cases: [string, string, HealthGrade, string, Spoil][] = [
    ["frozen", "mesh", "attention", "thaw", status({ frozen: [frozen("all")] })],
    [
      "a frozen part",
      "mesh",
      "attention",
      "thaw sector-2",
      status({ frozen: [frozen("sector-2")] }),
    ],
    [
      "a tripped cluster",
      "breakers",
      "attention",
      "circuits show sector-1/cluster-2",
      circuits("sector-1/cluster-2"),
    ],
    ["a tripped sector", "breakers", "critical", "circuits show sector-3", circuits("sector-3")],
    ["a blocked worker", "workers", "critical", `why ${A}`, status({ workers: [blocked()] })],
    ["a worker lost today", "workers", "attention", `why ${A}`, incident("replace-worker", A, 2)],
    [
      "a worker killed today",
      "workers",
      "attention",
      "heal auto --dry-run",
      incident("replace-worker", "worker-1", 2),
    ],
    ["one agent offline", "churn", "attention", "agents --state offline", agentsOf(39, 1, 0)],
    ["one quarantined", "churn", "attention", "agents --state quarantined", agentsOf(39, 0, 1)],
    [
      "a slow agent",
      "agents slow for their class",
      "attention",
      "why sector-2/cluster-1/agent-3",
      slow(12, 400),
    ],
    [
      "a critical conflict",
      "unresolved conflicts",
      "critical",
      "conflicts show c-1",
      ({ open }) => (open as unknown[]).push(conflictOf(4)),
    ],
    [
      "a review",
      "unresolved conflicts",
      "attention",
      "conflicts list --state review",
      ({ review }) => (review as unknown[]).push(conflictOf(1)),
    ],
    [
      "many conflicts",
      "conflict trend",
      "attention",
      "conflicts list --last 1h",
      ({ book }) => answers(book, 0, 1_000, 20),
    ],
  ];
  for (const [what, name, grade, cure, spoil] of cases) {
    test(`${what}: ${name} ${grade}`, async () => {
      const made = wellMesh();
      spoil(made);
      const { verdict, lines, todo } = await checkUp(made);
      const ill = lines.filter((line) => line.grade !== "ok");
      assert.deepEqual(
        ill.map((line) => [line.name, line.grade, line.cure]),
        [[name, grade, cure]],
      );
      assert.equal(verdict, grade);
      assert.deepEqual(todo, [cure]);
    });
  }

  test("the critical comes first in what is to do", async () => {
    const made = wellMesh();
    slow(12, 400)(made);
    (made.open as unknown[]).push(conflictOf(4));
    const { verdict, todo } = await checkUp(made);
    assert.equal(verdict, "critical");
    assert.deepEqual(todo, ["conflicts show c-1", "why sector-2/cluster-1/agent-3"]);
  });

  test("fewer than 95 % active is critical, with the sickest sector named", async () => {
    const made = wellMesh();
    agentsOf(30, 10, 0)(made);
    const sectors = (made.sectors() as object[]).map((sector, at) =>
      at === 2 ? { ...sector, activeAgents: 0 } : sector,
    );
    Object.assign(made, { sectors: () => sectors });
    const { lines, todo } = await checkUp(made);
    assert.deepInclude(lines[0], { name: "mesh", grade: "critical", cure: "incident sector-3" });
    assert.include(todo, "incident sector-3");
  });
});

describe("what is no trouble is not said to be one", () => {
  const cases: [string, Spoil][] = [
    ["a worker lost the day before", incident("replace-worker", A, 30)],
    [
      "a slow class",
      ({ rows }) =>
        each(rows, (at) => at < 8 && { agentClass: "CLASS_F_HUMAN", impedanceScore: 900 + at }),
    ],
    [
      "agents of a class that is as wide",
      ({ rows }) => each(rows, (at) => ({ impedanceScore: 20 * 1.1 ** ((at * 7) % 40) })),
    ],
    [
      "three times next to nothing",
      ({ rows }) => each(rows, (at) => ({ impedanceScore: at === 3 ? 9 : 2 })),
    ],
    [
      "an agent that has not reported yet",
      (made) => {
        slow(12, 400)(made);
        Object.assign((made.rows as object[])[12], { lastHeartbeat: null });
      },
    ],
    ["two conflicts in few answers", ({ book }) => answers(book, 0, 20, 2)],
    ["conflicts of the week before", ({ book }) => answers(book, 170, 1_000, 500)],
    [
      "an open conflict that is being resolved",
      ({ open }) => (open as unknown[]).push(conflictOf(2)),
    ],
  ];
  for (const [what, spoil] of cases) {
    test(what, async () => {
      const made = wellMesh();
      spoil(made);
      const { lines } = await checkUp(made);
      assert.deepEqual(
        lines.filter(({ grade }) => grade !== "ok"),
        [],
      );
    });
  }
});

test("conflicts that rise above the day before are a trend below the target too", async () => {
  const made = wellMesh();
  answers(made.book, 5, 10_000, 10);
  answers(made.book, 0, 1_000, 7);
  const { lines } = await checkUp(made);
  const trend = lines.find(({ name }) => name === "conflict trend");
  assert.equal(trend?.grade, "attention");
  assert.match(String(trend?.found), /0\.70% of 1,000 answers in the last hour, 0\.10% in the day/);
});

test("a cluster that is high as a whole is told, though none of its agents stands out", async () => {
  const made = wellMesh();
  for (let agent = 0; agent < 5; agent++) slow(agent, 250)(made);
  const { lines, todo } = await checkUp(made);
  const line = lines.find(({ name }) => name === "clusters drifting high");
  assert.match(String(line?.found), /1: sector-1\/cluster-1 250 instead of 100/);
  assert.deepEqual(todo, ["status sector-1/cluster-1"]);
});

describe("backups", () => {
  const named = (hoursAgo: number): string =>
    new Date(NOW_MS - hoursAgo * HOUR_MS).toISOString().replaceAll(":", "-");
  async function line(): Promise<string> {
    const made = wellMesh();
    made.status_ = { ...made.status_, uptimeMs: 100 * HOUR_MS };
    const { lines } = await checkUp(made);
    const { grade, found } = lines.at(-1) ?? {};
    return `${grade}: ${found}`;
  }

  test("none after a day is told", async () =>
    assert.match(await line(), /^attention: newest of 0/));
  test("one of the last day is enough", async () => {
    mkdirSync(join(dataDir, "backups", named(3)), { recursive: true });
    mkdirSync(join(dataDir, "backups", named(90)), { recursive: true });
    assert.match(
      await line(),
      /^ok: newest of 2 backups: 3h 0m old; newest of 0 frozen files: none/,
    );
  });
  test("a frozen file is one as well", async () => {
    mkdirSync(join(dataDir, "frozen", `${named(2)}.mesh`), { recursive: true });
    assert.match(await line(), /^ok: .* newest of 1 frozen files: 2h 0m old/);
  });
  test("an old one is told, and half a one is none", async () => {
    mkdirSync(join(dataDir, "backups", named(30)), { recursive: true });
    mkdirSync(join(dataDir, "backups", `${named(1)}.77.part`), { recursive: true });
    assert.match(await line(), /^attention: newest of 1 backups: 1d 6h old/);
  });
});

describe("the command", () => {
  const host = new Host();
  beforeEach(() => host.open());
  afterEach(() => host.close());

  test("ends with 1 and an order of things to do; with 0 when nothing is", async () => {
    const made = wellMesh();
    const { conflicts, incidents, agents, sectors, open, review } = made;
    Object.assign(host.mesh, { conflicts, incidents, agents, sectors, open, review, dataDir });
    host.mesh.status_ = made.status_;
    const well = await host.say("health");
    assert.equal(well.code, 0, well.out);
    assert.match(well.out, /HEALTHY: nothing needs you today/);
    (open as unknown[]).push(conflictOf(4));
    const ill = await host.say("health");
    assert.equal(ill.code, 1);
    assert.match(ill.out, /critical +unresolved conflicts +1 critical.*\n +→ conflicts show c-1/);
    assert.match(
      ill.out,
      /CRITICAL: 1 of \d lines need you now. In this order:\n {2}1. conflicts show c-1/,
    );
    assert.deepInclude(await host.json("health"), { verdict: "critical" });
  });
});

/** Changes every row by its place. */
function each(rows: unknown, changed: (at: number) => object | false): void {
  for (const [at, row] of (rows as object[]).entries()) Object.assign(row, changed(at) || {});
}
function frozen(scope: string) {
  return { scope, sinceMs: 1, agents: 5, late: [] };
}
function blocked() {
  const current = { address: A, sinceMs: 3_000 };
  return {
    name: "worker-1",
    state: "blocked" as const,
    agents: 40,
    turns: 1,
    restarts: 0,
    current,
  };
}
function circuits(target: string): Spoil {
  const level = target.includes("/") ? "cluster" : "sector";
  return (made) =>
    Object.assign(made, { circuits: { list: () => [{ level, target, state: "OPEN" }] } });
}
