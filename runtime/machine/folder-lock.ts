import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../../actors/errors.ts";

/** Locks that this process holds. */
const held = new Set<string>();
/** Times to look again at a lock whose holder died just then. */
const ATTEMPTS = 10;

/** What a mesh keeps for itself while it runs. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes a file as the sign that this process, and no other, uses the folder that it lies in; the folder is made when
 * it is missing. What a dead process left is taken over. MESH_DATA_IN_USE, with who has it, when another lives.
 */
export function lockFolder(path: string): FolderLock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!held.has(path) && tryTake(path)) {
      held.add(path);
      return {
        release() {
          if (held.delete(path)) rmSync(path, { force: true });
        },
      };
    }
    const holder = readHolder(path);
    if (holder !== undefined && isAlive(path, holder)) throw inUse(path, holder.pid);
    takeAway(path, holder);
  }
  throw inUse(path, 0);
}

/** Removes what a dead process left, and not what another has put there meanwhile. */
function takeAway(path: string, dead: Holder | undefined): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const taken = readHolder(aside);
  if (taken?.pid === dead?.pid && taken?.began === dead?.began) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

/** A process, and when it began: ids are given again. */
interface Holder {
  readonly pid: number;
  readonly began: string;
}

function tryTake(path: string): boolean {
  try {
    const file = openSync(path, "wx", 0o600);
    writeSync(file, `${process.pid} ${beganOf(process.pid)}\n`);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    const [pid, began = ""] = readFileSync(path, "utf8").trim().split(" ");
    return { pid: Number(pid), began };
  } catch {
    return undefined;
  }
}

function isAlive(path: string, { pid, began }: Holder): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return began === "" || began === beganOf(pid);
}

/** When a process began, in ticks since the machine did; "" where the system does not tell. */
function beganOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function inUse(path: string, pid: number): MeshError {
  const who = pid === process.pid ? "another mesh of this process" : `process ${pid}`;
  return new MeshError(
    "MESH_DATA_IN_USE",
    `dataDir: ${dirname(path)} is in use by ${who}; stop it, or give this mesh a folder of its own`,
  );
}
