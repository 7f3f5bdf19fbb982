/** What `doctor` asks of the machine: numbers and facts, with nothing said about them yet. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../runtime/machine/clock.ts";
import type { Face } from "../command/face.ts";
import { socketPath } from "../command/socket-path.ts";
import { sentenceOf } from "../terminal/exit.ts";

/** A machine as far as a mesh cares. */
export interface Machine {
  readonly cores: number;
  /** Bytes of memory that this process may come to: those of the machine, or of its container. */
  readonly memoryBytes: number;
  readonly freeBytes: number;
  /** `20.20.2` */
  readonly node: string;
  /** Files that may be open at once; undefined where there is no shell to ask. */
  readonly openFiles: number | undefined;
  /** Smallest step of the mesh clock that was seen, ms. */
  readonly clockStepMs: number;
  readonly sharedMemory: boolean;
  readonly waitAsync: boolean;
  /** Whether the compiled part of the codec was found. */
  readonly nativeCodec: boolean;
  /** `node:sqlite`, `libsql`, or undefined when there is neither. */
  readonly sqlite: string | undefined;
  readonly data: DataFolder;
  readonly port: { readonly number: number; readonly trouble: string | undefined };
  /** Path of the control socket, or why there can be none. */
  readonly socket: { readonly path: string } | { readonly trouble: string };
}

/** The folder of what outlives a mesh. */
export interface DataFolder {
  readonly path: string;
  readonly exists: boolean;
  /** Why it, or the folder in which it would be made, cannot be written; undefined when it can. */
  readonly trouble: string | undefined;
  /** Bytes free on its disk; undefined when nobody can say. */
  readonly freeBytes: number | undefined;
}

/** Where the dashboard listens unless told otherwise. */
export const STANDARD_PORT = 7_300;

/** Looks at the machine; changes nothing but for a file that is written into the data folder and removed. */
export async function lookAtMachine(face: Face, data: string, port: number): Promise<Machine> {
  return {
    cores: availableParallelism(),
    memoryBytes: memoryBytes(),
    freeBytes: freemem(),
    node: process.versions.node,
    openFiles: await openFiles(),
    clockStepMs: clockStepMs(),
    sharedMemory: typeof SharedArrayBuffer === "function",
    waitAsync: typeof (Atomics as { waitAsync?: unknown }).waitAsync === "function",
    nativeCodec: hasNativeCodec(),
    sqlite: sqliteDriver(),
    data: dataFolderAt(data),
    port: { number: port, trouble: await portTrouble(port) },
    socket: socketOf(data, face.env),
  };
}

/** A container is given less than its machine has; Node says 0, or more than there is, where nothing limits it. */
function memoryBytes(): number {
  const allowed = (
    process as { constrainedMemory?: () => number | undefined }
  ).constrainedMemory?.();
  const all = totalmem();
  return allowed !== undefined && allowed > 0 && allowed < all ? allowed : all;
}

async function openFiles(): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", "ulimit -n"], {
      timeout: 5_000,
    });
    const said = stdout.trim();
    return said === "unlimited" ? Number.POSITIVE_INFINITY : Number.parseInt(said, 10) || undefined;
  } catch {
    return undefined;
  }
}

/** Reads the clock until it has moved on a few times. */
function clockStepMs(): number {
  let step = Number.POSITIVE_INFINITY;
  let last = systemClock.nowMs();
  for (let moves = 0, reads = 0; moves < 50 && reads < 1_000_000; reads++) {
    const nowMs = systemClock.nowMs();
    if (nowMs === last) continue;
    step = Math.min(step, Math.abs(nowMs - last));
    last = nowMs;
    moves++;
  }
  return step;
}

/** The codec takes its compiled part where it finds it, and says nothing where not. */
function hasNativeCodec(): boolean {
  try {
    const load = createRequire(import.meta.url);
    const codec = createRequire(load.resolve("msgpackr"));
    codec("msgpackr-extract");
    return true;
  } catch {
    return false;
  }
}

function sqliteDriver(): string | undefined {
  const [major, minor] = process.versions.node.split(".").map(Number);
  // First Node whose SQLite needs no flag.
  if (major > 22 || (major === 22 && minor >= 13)) return "node:sqlite";
  try {
    createRequire(import.meta.url)("libsql");
    return "libsql";
  } catch {
    return undefined;
  }
}

function dataFolderAt(path: string): DataFolder {
  const exists = existsSync(path);
  // What is not there yet is made in the nearest folder above that is.
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return { path, exists, trouble: writeTrouble(folder, exists), freeBytes: freeBytes(folder) };
}

function writeTrouble(folder: string, isData: boolean): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is no folder`;
    if (!isData) {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return undefined;
    }
    // Permissions do not tell of a disk that is full or mounted to be read only: a file does.
    const probe = join(folder, `.doctor-${process.pid}-${randomBytes(4).toString("hex")}`);
    writeFileSync(probe, "", { flag: "wx", mode: 0o600 });
    unlinkSync(probe);
    return undefined;
  } catch (error) {
    return sentenceOf(error);
  }
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

async function portTrouble(port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve(sentenceOf(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(undefined)));
  });
}

function socketOf(data: string, env: Face["env"]): Machine["socket"] {
  try {
    return { path: socketPath(data, env) };
  } catch (error) {
    return { trouble: sentenceOf(error) };
  }
}
