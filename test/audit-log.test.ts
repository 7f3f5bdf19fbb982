// The audit log against whoever can write its folder, and against a kill of its process.
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { checkAudit, readAudit } from "../console/operator/audit-check.ts";
import { auditPaths, readLine, segmentsOf, writeLine } from "../console/operator/audit-file.ts";
import { AuditLog } from "../console/operator/audit-log.ts";
import { extendChain } from "../coordination/log-chain.ts";
import { seededRandom, systemSeed } from "../runtime/machine/clock.ts";
import { until } from "./mesh.ts";

const BIN = fileURLToPath(new URL("../runtime/index.js", import.meta.url));
const SMALL = { segmentBytes: 3_000, segments: 4 };
const SEED = Number(process.env.SEED ?? systemSeed());

let dataDir: string;
let nowMs = Date.parse("2026-11-25T12:00:00Z");

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "mesh-audit-"));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

function open(): AuditLog {
  return AuditLog.open({ dataDir, env: {}, nowMs: () => nowMs, ...SMALL });
}

function write(log: AuditLog, count: number, isUrgent = false): void {
  for (let i = 0; i < count; i++) {
    nowMs += 1_000;
    const more = { args: { target: `worker-${i}` }, run: `${i}` };
    log.write(
      { atMs: nowMs, kind: "command", what: "kill", who: "alice", outcome: "done", ...more },
      isUrgent,
    );
  }
}

/** The files of a log as text, by name. */
function read(): Map<string, string> {
  const { folder } = auditPaths(dataDir);
  return new Map(
    segmentsOf(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

function put(files: ReadonlyMap<string, string>): void {
  const { folder } = auditPaths(dataDir);
  for (const name of segmentsOf(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}

async function faultOf(): Promise<string | null> {
  return (await checkAudit(auditPaths(dataDir))).fault;
}

describe("somebody who can write its folder", () => {
  let whole: Map<string, string>;

  beforeEach(() => {
    const log = open();
    for (let i = 0; i < 3; i++) write(log, 6, true);
    log.close();
    whole = read();
  });

  test("is found whichever byte they change", async () => {
    assert.isNull(await faultOf());
    assert.isAbove(whole.size, 2);
    const random = seededRandom(SEED);
    const names = [...whole.keys()];
    for (let i = 0; i < 120; i++) {
      const name = names[Math.floor(random.next() * names.length)];
      const bytes = Buffer.from(whole.get(name) ?? "");
      const at = Math.floor(random.next() * bytes.length);
      bytes[at] ^= 1 << Math.floor(random.next() * 8);
      put(new Map([...whole, [name, bytes.toString("latin1")]]));
      assert.isNotNull(await faultOf(), `seed ${SEED}: byte ${at} of ${name}`);
    }
  });

  test("is found wherever they take out, repeat, swap, or cut off lines", async () => {
    for (const [name, text] of whole) {
      const lines = text.split("\n").slice(0, -1);
      for (let i = 0; i < lines.length; i++) {
        const [before, after] = [lines.slice(0, i), lines.slice(i + 1)];
        const others: Record<string, readonly string[]> = {
          "taken out": [...before, ...after],
          repeated: [...before, lines[i], lines[i], ...after],
          "cut off": before,
          ...(after.length > 0 && { swapped: [...before, after[0], lines[i], ...after.slice(1)] }),
        };
        for (const [what, changed] of Object.entries(others)) {
          put(new Map([...whole, [name, changed.map((line) => `${line}\n`).join("")]]));
          assert.isNotNull(await faultOf(), `line ${i} of ${name} ${what}`);
        }
      }
    }
  });

  test("is found whichever segment they take away, and when they take all", async () => {
    for (const name of whole.keys()) {
      put(new Map([...whole].filter(([other]) => other !== name)));
      assert.isNotNull(await faultOf(), name);
    }
    put(new Map());
    assert.match((await faultOf()) ?? "", /cut off/);
  });

  test("is found when they make all hashes anew, for they cannot sign", async () => {
    const [name] = [...whole.keys()].slice(-1);
    const [first, ...lines] = (whole.get(name) ?? "").split("\n").slice(0, -1);
    const [, , , count, hash] = first.split(" ");
    let head = { count: Number(count), hash };
    const forged = lines.map((line) => {
      const text = readLine(line)?.text.replace('"alice"', '"mallory"') ?? assert.fail(line);
      head = extendChain(head, text);
      return writeLine(head.count, head.hash, text);
    });
    put(new Map([...whole, [name, `${first}\n${forged.join("")}`]]));
    assert.match((await faultOf()) ?? "", /checkpoint is not signed|anchor was written/);
  });

  test("is found by a head that was noted and a key that was pinned, when they begin it anew", async () => {
    const { last, head, signer } = await checkAudit(auditPaths(dataDir));
    rmSync(auditPaths(dataDir).folder, { recursive: true });
    const log = open();
    write(log, 24, true);
    log.close();
    const paths = auditPaths(dataDir);
    assert.isNull(await faultOf());
    assert.match(
      (await checkAudit(paths, { signer: signer ?? "" })).fault ?? "",
      /^signer: expected/,
    );
    const noted = await checkAudit(paths, { head: { count: last, hash: head } });
    assert.match(noted.fault ?? "", /not the one whose hash was noted/);
  });

  test("leaves a mark that a start does not wipe away", async () => {
    const [name] = [...whole.keys()].slice(-1);
    put(new Map([...whole, [name, (whole.get(name) ?? "").replace('"alice"', '"mallory"')]]));
    const log = open();
    write(log, 3, true);
    log.close();
    assert.isNotNull(await faultOf());
  });
});

test("the log is bounded, and says itself what it has let go", async () => {
  const log = open();
  write(log, 100, true);
  log.close();
  const { folder } = auditPaths(dataDir);
  assert.equal(segmentsOf(folder).length, SMALL.segments);
  const verdict = await checkAudit(auditPaths(dataDir));
  assert.isNull(verdict.fault);
  assert.isAbove(verdict.first, 1);
  const early = { count: 1, hash: "0".repeat(64) };
  const noted = await checkAudit(auditPaths(dataDir), { head: early });
  assert.match(noted.fault ?? "", /let go since it was noted/);
  rmSync(join(folder, segmentsOf(folder)[0]));
  assert.match((await faultOf()) ?? "", /has not let it go itself/);
});

test("a last line that was cut short is dropped, and the log goes on", async () => {
  const log = open();
  write(log, 5, true);
  const { folder } = log.paths;
  const copy = mkdtempSync(join(tmpdir(), "mesh-audit-"));
  cpSync(dataDir, copy, { recursive: true });
  log.close();
  rmSync(dataDir, { recursive: true });
  cpSync(copy, dataDir, { recursive: true });
  rmSync(copy, { recursive: true });
  appendFileSync(join(folder, segmentsOf(folder).at(-1) ?? ""), '7 abc {"at');
  assert.isNull(await faultOf());
  const next = open();
  write(next, 1, true);
  next.close();
  assert.isNull(await faultOf());
  const entries = await readAudit(auditPaths(dataDir), { limit: 100 });
  assert.deepInclude(entries.find(({ what }) => what === "recovered")?.more, { isFault: false });
});

test("what cannot be written is not done", () => {
  const log = open();
  log.close();
  assert.throws(() => write(log, 1), /audit: the log cannot be written/);
});

test("whoever kills the process takes nothing out of the log, and what was begun is in it", async () => {
  const agent = fileURLToPath(new URL("./puppet-agent.mjs", import.meta.url));
  const words = ["--sectors", "1", "--clusters", "1", "--agents", "4", "--workers", "1"];
  const mesh = spawn(
    process.execPath,
    [BIN, "start", ...words, "--no-repl", "--no-http", "--agent", agent],
    {
      cwd: dataDir,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let talk = "";
  mesh.stderr.on("data", (chunk) => (talk += chunk));
  await until("the mesh", () => /mesh ready/.test(talk));
  const cli = (...line: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [BIN, ...line], { cwd: dataDir, encoding: "utf8" });
  assert.equal(cli("restart", "sector-1/cluster-1/agent-2").status, 0);
  const live = JSON.parse(cli("audit", "verify", "--json").stdout);
  assert.isTrue(live.ok, live.fault);
  mesh.kill("SIGKILL");
  await until("its death", () => mesh.signalCode !== null);
  const verified = cli("audit", "verify", "--json");
  assert.equal(verified.status, 0);
  const { ok, last } = JSON.parse(verified.stdout);
  assert.isTrue(ok);
  assert.isAtLeast(last, live.last);
  const { entries } = JSON.parse(cli("audit", "list", "--what", "restart", "--json").stdout);
  assert.deepEqual(
    entries.map(({ face, role, outcome }: Record<string, unknown>) => [face, role, outcome]),
    [
      ["socket", "admin", "begun"],
      ["socket", "admin", "done"],
    ],
  );
  const { folder } = auditPaths(join(dataDir, ".mesh-30k"));
  const path = join(folder, segmentsOf(folder)[0]);
  // What was begun was on disk and anchored before it was done; looks of the last second may not be.
  truncateSync(path, readFileSync(path, "utf8").indexOf('"begun"'));
  const cut = cli("audit", "verify");
  assert.equal(cut.status, 1);
  assert.match(cut.stdout, /NOT what was written: entry \d+/);
});
