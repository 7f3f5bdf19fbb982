import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, test } from "vitest";
import { SqliteLog } from "../runtime/conflicts/sqlite-log.ts";
import { printedSeed, randomOf } from "./mesh.ts";

/** Kills; `CONFLICT_KILLS=100` for more than continuous integration has time for. */
const KILLS = Number(process.env.CONFLICT_KILLS ?? 10);
/** Latest moment of a kill after the first conflict is recorded, ms. */
const LATEST_MS = 150;

const dataDir = mkdtempSync(join(tmpdir(), "mesh-kills-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** Ids that a process printed before it was killed `afterMs` after the first. */
function killedAfter(afterMs: number): Promise<readonly string[]> {
  const script = fileURLToPath(new URL("./conflict-teller.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let said = "";
  let armed = false;
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text) => {
    printed += text;
    if (armed) return;
    armed = true;
    setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  return new Promise((resolve, reject) => {
    child.on("close", (_code, signal) => {
      // The last line may have been cut by the kill.
      if (signal === "SIGKILL") resolve(printed.split("\n").slice(0, -1));
      else reject(new Error(`it ended by itself: ${said}`));
    });
  });
}

test(`of ${KILLS} processes killed while they record conflicts, all that was recorded is there`, async () => {
  const seed = printedSeed();
  const random = randomOf(seed);
  const recorded: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const ids = await killedAfter(Math.floor(random() * LATEST_MS));
    assert.isNotEmpty(ids);
    recorded.push(...ids);
    const log = new SqliteLog(dataDir, { toRead: true });
    const verification = log.verify();
    assert.isTrue(verification.ok, `seed ${seed}, kill ${kill}: ${verification.fault}`);
    const there = new Set(log.list({ limit: 1e9 }).map(({ record }) => record.conflictId));
    const missing = recorded.filter((id) => !there.has(id));
    assert.isEmpty(missing, `seed ${seed}, kill ${kill}`);
    log.close();
  }
}, 300_000);
