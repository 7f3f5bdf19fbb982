/** A short lock between processes: a file that only one of them can make. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsoleError } from "../terminal/exit.ts";

const RETRY_MS = 25;
const RETRIES = 400;

/** Locks of this process. */
const held = new Set<string>();

/** Runs `task` while no other process runs its own under the same path. */
export async function withLock<T>(path: string, task: () => Promise<T>): Promise<T> {
  await take(path);
  try {
    return await task();
  } finally {
    remove(path);
    held.delete(path);
  }
}

async function take(path: string): Promise<void> {
  for (let attempt = 0; attempt < RETRIES; attempt++) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      held.add(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (holderIsDead(path)) remove(path);
    else await sleep(RETRY_MS);
  }
  throw new ConsoleError(
    "CONSOLE_LOCKED",
    `${path}: another process is starting a mesh there; remove the file if none is`,
  );
}

function holderIsDead(path: string): boolean {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
    // Empty: its holder is about to write itself in.
    if (!Number.isSafeInteger(pid) || pid <= 0) return false;
    // In a container every process has the same id, and so had the one that died.
    if (pid === process.pid) return !held.has(path);
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function remove(path: string): void {
  rmSync(path, { force: true });
}
