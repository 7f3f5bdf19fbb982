/**
 * A backup: a folder with a mesh as it was at one moment, its log of conflicts, and a manifest that says what each
 * file has to hash to.
 *
 *     2026-11-24T20-55-50.728Z/
 *       state.mesh         the cut: states, messages, what was learned of impedance and arrivals, routes
 *       conflicts.sqlite   the log of conflicts and what its quarantine holds; absent when there is none
 *       conflicts.head     how long that log was
 *       manifest.json
 */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VACANT_SEAT } from "../../coordination/agent-state.ts";
import { createTopology } from "../../coordination/topology.ts";
import type { Cut } from "../../runtime/api/cut.ts";
import { copyLog } from "../../runtime/conflicts/log-copier.ts";
import { frozenFile, readCut, writeCut } from "../../runtime/freeze/cut-file.ts";
import { ConsoleError, sentenceOf } from "../terminal/exit.ts";
import { packageVersion } from "../terminal/version.ts";

const STATE = "state.mesh";
const MANIFEST = "manifest.json";
const VERSION = 1;
/** A longer manifest is none, bytes. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** Backups that are listed, newest first. */
const MOST = 1_000;

/** One file of a backup. */
export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What a backup says of itself. */
export interface Manifest {
  readonly version: typeof VERSION;
  /** When the mesh was as it is in here, ms since the epoch. */
  readonly takenMs: number;
  /** Version of the package that made it. */
  readonly madeBy: string;
  readonly agents: number;
  readonly snapshots: number;
  readonly messages: number;
  /** Entries of the log of conflicts; null when there was no log. */
  readonly conflictEntries: number | null;
  readonly files: readonly BackupFile[];
}

/** A backup and where it is. */
export interface Backup extends Manifest {
  readonly path: string;
}

/** Folder of the backups of a data folder. */
export function backupsOf(dataDir: string): string {
  return join(dataDir, "backups");
}

/**
 * Makes a backup under `folder`, named after the moment of the cut: beside its place, each file to the disk, read
 * again, and then into its place, so that whatever is found under that name is whole.
 */
export async function writeBackup(
  folder: string,
  { cut, dataDir }: { readonly cut: Cut; readonly dataDir: string | undefined },
): Promise<Backup> {
  const name = new Date(cut.takenMs).toISOString().replaceAll(":", "-");
  const path = join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mustNotBe(path);
  const part = `${path}.${process.pid}.part`;
  await mkdir(part, { mode: 0o700 });
  try {
    await writeCut(join(part, STATE), cut);
    const entries = dataDir === undefined ? undefined : await copyLog(dataDir, part);
    const manifest: Manifest = {
      version: VERSION,
      takenMs: cut.takenMs,
      madeBy: packageVersion(),
      agents: agentsIn(cut),
      snapshots: cut.snapshots.length,
      messages: cut.messages.length,
      conflictEntries: entries ?? null,
      files: await filesIn(part),
    };
    const sealed = { manifest, sha256: sealOf(manifest) };
    await writeFile(join(part, MANIFEST), `${JSON.stringify(sealed, undefined, 2)}\n`, {
      mode: 0o600,
    });
    for (const file of [...manifest.files.map((each) => each.name), MANIFEST, "."])
      await toDisk(join(part, file));
    await verifyBackup(part);
    await rename(part, path);
    await toDisk(folder);
    return { ...manifest, path };
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

/** Reads a backup in full; CONSOLE_BACKUP when a file is missing, or is not as it was written. */
export async function verifyBackup(path: string): Promise<Backup> {
  const manifest = await readManifest(path);
  for (const { name, bytes, sha256 } of manifest.files) {
    const found = await fileAt(join(path, name)).catch((error: unknown) => {
      throw broken(path, `${name} cannot be read: ${sentenceOf(error)}`);
    });
    if (found.sha256 !== sha256)
      throw broken(
        path,
        `${name} is not as it was written: ${bytes} bytes then, ${found.bytes} now`,
      );
  }
  await readCut(join(path, STATE));
  return { ...manifest, path };
}

/** The backups in a folder as their manifests have them, newest first; what is none is passed over. */
export async function listBackups(folder: string): Promise<readonly Backup[]> {
  const names = await readdir(folder).catch(() => []);
  const found: Backup[] = [];
  for (const name of names.sort().reverse()) {
    if (found.length === MOST) break;
    const path = join(folder, name);
    const manifest = await readManifest(path).catch(() => undefined);
    if (manifest !== undefined && !name.endsWith(".part")) found.push({ ...manifest, path });
  }
  return found;
}

/** A restored data folder. */
export interface Restored {
  readonly backup: Backup;
  readonly data: string;
  /** The file to start from. */
  readonly state: string;
}

/**
 * Fills an empty or new data folder from a backup that was looked through: beside it, to the disk, then into its
 * place. CONSOLE_DATA_USED when the folder has anything in it. With `dryRun` only what would be done is told.
 */
export async function restoreBackup(
  from: string,
  data: string,
  dryRun: boolean,
): Promise<Restored> {
  const backup = await verifyBackup(from);
  const inside = await readdir(data).catch(() => []);
  if (inside.length > 0) {
    const sentence = `restore: ${data} is in use (it has ${inside[0]}): expected an empty or a new folder (--data)`;
    throw new ConsoleError("CONSOLE_DATA_USED", sentence);
  }
  const restored = { backup, data, state: frozenFile(data, backup.takenMs) };
  if (dryRun) return restored;
  const part = `${data}.${process.pid}.part`;
  await mkdir(dirname(data), { recursive: true });
  await mkdir(part, { mode: 0o700 });
  try {
    for (const { name } of backup.files) {
      const place = name === STATE ? frozenFile(part, backup.takenMs) : join(part, name);
      await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await copyFile(join(from, name), place);
      await toDisk(place);
    }
    await toDisk(part);
    // Takes the place of an empty folder, and of nothing else.
    await rename(part, data);
    await toDisk(dirname(data));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
  return restored;
}

async function readManifest(path: string): Promise<Manifest> {
  let sealed: { manifest?: Partial<Manifest>; sha256?: unknown };
  try {
    const file = join(path, MANIFEST);
    const { size } = await stat(file);
    if (size > MAX_MANIFEST_BYTES) throw new Error(`${size} bytes are too many`);
    sealed = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw broken(path, `expected a ${MANIFEST}: ${sentenceOf(error)}`);
  }
  const { manifest, sha256 } = sealed;
  if (manifest === undefined || sealOf(manifest) !== sha256)
    throw broken(path, `${MANIFEST} is not as it was written`);
  if (manifest.version !== VERSION)
    throw broken(path, `expected version ${VERSION} of a backup, got ${manifest.version}`);
  const files = manifest.files ?? [];
  // Names become paths: nothing outside of the folder is one.
  const foreign = files.find(({ name }) => basename(name) !== name || name === "..");
  if (foreign !== undefined || !files.some(({ name }) => name === STATE))
    throw broken(path, `${MANIFEST} does not name the files of a backup`);
  return manifest as Manifest;
}

function sealOf(manifest: unknown): string {
  return createHash("sha256").update(JSON.stringify(manifest)).digest("hex");
}

async function filesIn(folder: string): Promise<BackupFile[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => ({ name, ...(await fileAt(join(folder, name))) })));
}

async function fileAt(path: string): Promise<Omit<BackupFile, "name">> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

async function toDisk(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function mustNotBe(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined)
    throw new ConsoleError("CONSOLE_BACKUP", `backup: ${path} is there already`);
}

function broken(path: string, sentence: string): ConsoleError {
  return new ConsoleError("CONSOLE_BACKUP", `${path}: ${sentence}`);
}

/** Those that are there: places kept for growth are none. */
function agentsIn({ topology, registry }: Cut): number {
  const states = registry.columns.state;
  const { agents } = createTopology(topology);
  return states.subarray(0, agents).filter((state) => state !== VACANT_SEAT).length;
}
