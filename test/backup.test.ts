// A backup of a mesh at work, and a mesh that starts from it. The commands are those of the built package.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backup } from "../console/reports/backup-folder.ts";
import type { Mesh } from "../index.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { agentModule, call, createMesh, SMALL, settled, startMesh, until } from "./mesh.ts";
import { Person } from "./person.ts";

const { COMMANDS } = await built("console/commands.js");
const { runOnMesh } = await built("console/command/line.js");

const LEDGER = "sector-1/cluster-1/agent-1";
const WARY = "sector-4/cluster-1/agent-1";
/** Agents that save their state, but for the last sector, whose agents find conflicts. */
const agent = (address: string): URL =>
  agentModule(address.startsWith("sector-4/") ? "wary" : "ledger");

let root: string;
let data: string;
let mesh: Mesh;
let made: { readonly backup: Backup; readonly stoodMs: number };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mesh-backup-"));
  data = join(root, "data");
  mesh = await startMesh("ledger", { agent, dataDir: data });
  for (let id = 0; id < 5; id++) await mesh.ask(LEDGER, { from: 7, id });
  mesh.tell(WARY, { do: "conflict", detail: { type: "HASH_MISMATCH", conflictingData: "held" } });
  await settled(mesh);
  await until("a record", async () => (await mesh.conflicts.list()).length === 1);
  await mesh.conflicts.settled();
  made = (await run("backup")) as typeof made;
});
afterAll(async () => {
  await mesh.stop({ deadlineMs: 0 });
  await rm(root, { recursive: true });
});

async function built(path: string) {
  return import(new URL(`../dist/${path}`, import.meta.url).href);
}

function run(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
  return runOnMesh(COMMANDS, mesh, name, args, new AbortController().signal);
}

async function restore(...argv: string[]): Promise<Person & { code: number }> {
  const person = new Person({ cwd: root });
  return Object.assign(person, { code: await person.run("restore", ...argv) });
}

test("a backup is taken while the mesh goes on, and holds states, estimates and the log of conflicts", async () => {
  const { backup, stoodMs } = made;
  expect(stoodMs).toBeGreaterThan(0);
  expect(mesh.status().state).toBe("running");
  expect(backup.path.startsWith(join(data, "backups"))).toBe(true);
  expect(backup.files.map(({ name }) => name)).toEqual([
    "conflicts.head",
    "conflicts.sqlite",
    "state.mesh",
  ]);
  expect(backup.conflictEntries).toBeGreaterThanOrEqual(2);
  const cut = await readCut(join(backup.path, "state.mesh"));
  expect(cut.snapshots).toHaveLength(backup.snapshots);
  expect(cut.arrivals.shares.length).toBeGreaterThan(0);
  // States and what agents hold back are nobody else's business.
  for (const { name } of backup.files)
    expect((await stat(join(backup.path, name))).mode & 0o077, name).toBe(0);
  // Nothing half-written is left beside it.
  expect(await readdir(join(data, "backups"))).toHaveLength(1);
});

test("backup list has it, from the running mesh and without one", async () => {
  expect(await run("backup", { action: "list" })).toEqual({ backups: [made.backup] });
  const person = new Person({ cwd: root });
  expect(await person.run("backup", "list", "--data", data, "--json")).toBe(0);
  expect(JSON.parse(person.out)).toEqual({ backups: [made.backup] });
});

test("a restored folder starts a mesh with the states and the log that the first one had", async () => {
  const folder = join(root, "restored");
  const dry = await restore(made.backup.path, "--data", folder, "--dry-run");
  expect(dry.code, dry.talk).toBe(0);
  expect(await readdir(root)).not.toContain("restored");
  const { code, talk, out } = await restore(made.backup.path, "--data", folder, "--json");
  expect(code, talk).toBe(0);
  const { state } = JSON.parse(out);
  const from = await readCut(state);
  const other = await createMesh({ ...SMALL, agent, dataDir: folder, from, workers: 1 });
  try {
    expect(await call(other, LEDGER, { do: "books" })).toMatchObject({
      total: 5,
      gaps: 0,
      twice: 0,
    });
    const [theirs] = await other.conflicts.list();
    const [ours] = await mesh.conflicts.list();
    expect(theirs.record).toEqual(ours.record);
    expect(await other.quarantine.show(theirs.record.conflictId)).toMatchObject({ value: "held" });
    expect(await other.conflicts.verify()).toMatchObject({ ok: true });
  } finally {
    await other.stop({ deadlineMs: 0 });
  }
  const again = await restore(made.backup.path, "--data", folder);
  expect(again.code).toBe(1);
  expect(again.talk).toMatch(/is in use .*expected an empty or a new folder/);
});

test("a backup that is not as it was written is refused before anything is written", async () => {
  const { backup } = (await run("backup", { to: join(root, "torn") })) as typeof made;
  for (const name of ["state.mesh", "conflicts.sqlite", "manifest.json"]) {
    const file = join(backup.path, name);
    const bytes = await readFile(file);
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1] ^= 1;
    await writeFile(file, changed);
    const { code, talk } = await restore(backup.path, "--data", join(root, "never"));
    expect(code).toBe(1);
    expect(talk).toMatch(name === "manifest.json" ? /manifest\.json/ : `${name} is not as it was`);
    await writeFile(file, bytes);
  }
  expect(await readdir(root)).not.toContain("never");
});

test("a frozen mesh is backed up as it stands, and a part that is frozen stays so", async () => {
  await mesh.freeze("all", { file: false });
  const { stoodMs } = (await run("backup", { to: join(root, "frozen") })) as typeof made;
  expect(stoodMs).toBe(0);
  expect(mesh.status().state).toBe("frozen");
  await mesh.thaw();
  await mesh.freeze("sector-2");
  await expect(run("backup", { to: join(root, "part") })).rejects.toThrow(
    /sector-2 is frozen by itself/,
  );
  expect(mesh.status().frozen).toHaveLength(1);
  await mesh.thaw();
});

test("a dry run of a backup writes nothing", async () => {
  expect(await run("backup", { dryRun: true })).toMatchObject({ agents: { touched: 40 } });
  expect(await readdir(join(data, "backups"))).toHaveLength(1);
});
