// Power cuts: a writer works on a file system of its own in an image file, is stopped, and what stands in the image at
// that moment is mounted as another disk. What had not been written through is gone, as it would be.
//
// The image is copied while nobody writes to it but the kernel's own write-back, which can only make the loss smaller:
// it is copied until two copies on end are the same.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const IMAGE_MIB = 48;

/** Something that promises that what it acknowledged is on disk. */
export interface DurableSubject {
  readonly name: string;
  /** Arguments of a process that writes below `folder` and prints a line for each thing that is safe. */
  writer(folder: string): readonly string[];
  /**
   * How many of the things of these lines are not found below `folder`; throws when what is there is mixed, torn or
   * does not verify.
   */
  missing(folder: string, acked: readonly string[]): number | Promise<number>;
}

export interface Cuts {
  readonly cuts: number;
  /** Acknowledged before the cuts, all together. */
  readonly acked: number;
  /** Of these not found after them. */
  readonly lost: number;
  readonly faults: readonly string[];
}

function tried(command: string, ...args: string[]): string | undefined {
  const run = spawnSync(command, args, { encoding: "utf8" });
  return run.status === 0 ? undefined : `${command} ${args.join(" ")}: ${run.stderr ?? run.error}`;
}

function done(command: string, ...args: string[]): void {
  const failed = tried(command, ...args);
  if (failed !== undefined) throw new Error(failed);
}

/** Why a disk in a file cannot be mounted here; undefined when it can. */
export function whyNoDisks(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "mesh-disk-"));
  try {
    const { image, at } = newDisk(folder, "probe");
    done("umount", at);
    return image === "" ? "no image" : undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function newDisk(folder: string, name: string): { image: string; at: string } {
  const image = join(folder, `${name}.img`);
  done("dd", "if=/dev/zero", `of=${image}`, "bs=1M", "count=0", `seek=${IMAGE_MIB}`);
  done("mkfs.ext4", "-q", "-F", image);
  return { image, at: mounted(folder, image, name) };
}

function mounted(folder: string, image: string, name: string): string {
  const at = join(folder, name);
  mkdirSync(at);
  done("mount", "-o", "loop", image, at);
  return at;
}

/** Starts the writer; `acked` is what it has said to be safe. */
export function startWriter(subject: DurableSubject, folder: string): Writer {
  const run = spawn(process.execPath, subject.writer(folder), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const writer: Writer = { run, acked: [], erred: "", closed: closedOf(run) };
  let rest = "";
  run.stdout?.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    writer.acked.push(...lines);
  });
  run.stderr?.on("data", (chunk) => {
    writer.erred += chunk;
  });
  return writer;
}

export interface Writer {
  readonly run: ChildProcess;
  readonly closed: Promise<void>;
  readonly acked: string[];
  erred: string;
}

function closedOf(run: ChildProcess): Promise<void> {
  return new Promise((resolve) => run.once("close", () => resolve()));
}

/** Waits for the first acknowledgement, and then for a random while. */
export async function writtenFor(writer: Writer, afterMs: number): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (writer.acked.length === 0) {
    if (writer.run.exitCode !== null || performance.now() > endMs)
      throw new Error(`the writer has acknowledged nothing: ${writer.erred.slice(-1_000)}`);
    await sleep(2);
  }
  await sleep(afterMs);
  const { exitCode, signalCode } = writer.run;
  if (exitCode !== null || signalCode !== null)
    throw new Error(
      `the writer ended by itself, with ${exitCode ?? signalCode}: ${writer.erred.slice(-1_000)}`,
    );
}

/** Copies of an image, at most, until nothing has changed between two. */
const MAX_COPIES = 50;

/**
 * What the disk had at one moment. The inner file system may still move what it has committed from its journal to its
 * place: a copy of which a part was read before and a part after would have it in neither, as no disk ever had it.
 * Where two copies on end are the same, both are what was there in between.
 */
function copyAsOfOneMoment(from: string, to: string): void {
  const again = `${to}.again`;
  copyFileSync(from, to);
  for (let copies = 2; copies <= MAX_COPIES; copies++) {
    copyFileSync(from, again);
    const same = spawnSync("cmp", ["-s", to, again]).status === 0;
    renameSync(again, to);
    if (same) return;
  }
  throw new Error(`the disk was never the same in ${MAX_COPIES} copies`);
}

/** Cuts the power of a writer's disk `cuts` times. */
export async function cutPower(
  subject: DurableSubject,
  cuts: number,
  random: () => number,
): Promise<Cuts> {
  let acked = 0;
  let lost = 0;
  const faults: string[] = [];
  for (let cut = 0; cut < cuts; cut++) {
    const folder = mkdtempSync(join(tmpdir(), "mesh-cut-"));
    const mounts: string[] = [];
    try {
      const disk = newDisk(folder, "before");
      mounts.push(disk.at);
      const writer = startWriter(subject, disk.at);
      await writtenFor(writer, random() * 200);
      process.kill(writer.run.pid as number, "SIGSTOP");
      const promised = [...writer.acked];
      const image = join(folder, "after.img");
      copyAsOfOneMoment(disk.image, image);
      process.kill(writer.run.pid as number, "SIGKILL");
      await writer.closed;
      mounts.push(mounted(folder, image, "after"));
      acked += promised.length;
      lost += await missingOf(subject, mounts[1], promised, faults);
    } finally {
      // Whoever could not read what is there may still hold it open.
      for (const at of mounts) tried("umount", at) && tried("umount", "--lazy", at);
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { cuts, acked, lost, faults };
}

async function missingOf(
  subject: DurableSubject,
  folder: string,
  acked: readonly string[],
  faults: string[],
): Promise<number> {
  try {
    return await subject.missing(folder, acked);
  } catch (error) {
    faults.push((error as Error).message);
    return acked.length;
  }
}

/** Kills the writing process with SIGKILL `kills` times; its folder stays and is written on. */
export async function killWriter(
  subject: DurableSubject,
  kills: number,
  random: () => number,
): Promise<Cuts> {
  let acked = 0;
  let lost = 0;
  const faults: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const folder = mkdtempSync(join(tmpdir(), "mesh-kill-"));
    try {
      const writer = startWriter(subject, folder);
      await writtenFor(writer, random() * 100);
      process.kill(writer.run.pid as number, "SIGKILL");
      await writer.closed;
      acked += writer.acked.length;
      lost += await missingOf(subject, folder, writer.acked, faults);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { cuts: kills, acked, lost, faults };
}
