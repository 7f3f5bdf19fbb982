// Whenever a process is killed while it freezes its mesh, the file is the one of before or the new one, whole.
// MESH_FREEZE_KILLS sets how often (10).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { pause, printedSeed, randomOf } from "./mesh.ts";

const KILLS = Number(process.env.MESH_FREEZE_KILLS ?? 10);
const SCRIPT = fileURLToPath(new URL("./freezing-mesh.mjs", import.meta.url));
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** Lets it freeze a few times, kills it within the next, and returns the last moment that it told of. */
async function killWithin(file: string, random: () => number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  let told = 0;
  let left = 1 + Math.floor(random() * 3);
  for await (const line of lines) {
    told = Number(line);
    if (--left > 0) continue;
    // Every other time it is seen to write, else somewhere within a freeze and a thaw, which take about this long.
    if (left === 0 && random() < 0.5) killAfter(child, random() * 60);
    else if (left === 0) killWhileWriting(child, file, random() * 8);
  }
  await gone;
  return told;
}

function killAfter(child: ChildProcess, ms: number): void {
  pause(ms).then(() => child.kill("SIGKILL"));
}

function killWhileWriting(child: ChildProcess, file: string, delayMs: number): void {
  const watcher = watch(dirname(file), (_, name) => {
    if (name?.endsWith(".part") !== true) return;
    watcher.close();
    killAfter(child, delayMs);
  });
}

test("a process killed while it freezes leaves the old file or the new one", async () => {
  const random = randomOf(printedSeed());
  const folder = await mkdtemp(join(tmpdir(), "mesh-freeze-"));
  folders.push(folder);
  const file = join(folder, "state.mesh");
  let leftovers = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await killWithin(file, random);
    // Read in full: every digest is right, and nothing in it is missing.
    const cut = await readCut(file);
    expect(cut.takenMs).toBeGreaterThanOrEqual(told);
    leftovers += (await readdir(folder)).length - 1;
    expect(await readdir(folder)).toContain("state.mesh");
    // What one did not finish the next one clears away.
    expect((await readdir(folder)).length).toBeLessThanOrEqual(2);
  }
  process.stdout.write(`${KILLS} kills, ${leftovers} of them while the file was written\n`);
}, 240_000);
