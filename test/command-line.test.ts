// The command as people type it: the bin file, the built package, a real mesh, a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, assert, beforeEach, test } from "vitest";

const BIN = fileURLToPath(new URL("../runtime/index.js", import.meta.url));
const SMALL = ["--sectors", "2", "--clusters", "2", "--agents", "3", "--workers", "1"];

let cwd: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-process-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly talk: string;
}

class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = "";
  talk = "";

  constructor(words: readonly string[], input?: string | "nothing") {
    this.child = spawn(process.execPath, [BIN, ...words], {
      cwd,
      env: { ...process.env, XDG_STATE_HOME: cwd, MESH_SOURCE: "0" },
      stdio: [input === "nothing" ? "ignore" : "pipe", "pipe", "pipe"],
    });
    children.push(this.child);
    this.child.stdout?.on("data", (chunk) => (this.out += chunk));
    this.child.stderr?.on("data", (chunk) => (this.talk += chunk));
    if (input !== undefined && input !== "nothing") this.child.stdin?.end(input);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => resolve({ code, out: this.out, talk: this.talk }));
    });
  }

  async ready(): Promise<void> {
    while (!this.talk.includes("mesh ready")) {
      if (this.child.exitCode !== null) assert.fail(this.talk);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function run(...words: string[]): Promise<Ended> {
  return new Running(words, "").ended;
}

test("start --for --no-repl --json prints one document and ends with 0", async () => {
  const { code, out } = await run("start", ...SMALL, "--for", "300ms", "--no-repl", "--json");
  assert.equal(code, 0);
  assert.lengthOf(out.trim().split("\n"), 1);
  const status = JSON.parse(out);
  assert.deepInclude(status.agents, { total: 12, active: 12 });
  assert.deepInclude(status, { workers: 1, lost: 0, mode: "FULL" });
});

test("other processes speak to a running mesh; /dev/null does not end it, SIGTERM does", async () => {
  const mesh = new Running(["start", ...SMALL], "nothing");
  await mesh.ready();
  const status = await run("status");
  assert.match(status.out, /│ Agents: 12 \/ 12 active \(100\.0%\) +│/);
  // The lines of spec 7.1 and no other, whatever a start sets up by itself: there is more only when something is wrong.
  const named = [...status.out.matchAll(/^│ ([A-Za-z ()]+):/gm)].map(([, name]) => name);
  const specified = "Agents, Sectors, Mean Impedance, Conflicts (last hour), Mode, Last cascade";
  assert.equal(named.join(", "), specified);
  const guest = new Running(["attach", "--json"], "status\nagents --limit 2\n");
  const { code, out } = await guest.ended;
  assert.equal(code, 0);
  const lines = out.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).command),
    ["status", "agents"],
  );
  mesh.child.kill("SIGTERM");
  assert.equal((await mesh.ended).code, 0);
  assert.equal((await run("status")).code, 69);
});

test("a mesh that was killed leaves its folder to the next one", async () => {
  const mesh = new Running(["start", ...SMALL], "nothing");
  await mesh.ready();
  mesh.child.kill("SIGKILL");
  await mesh.ended;
  const { code, talk } = await run("status");
  assert.equal(code, 69);
  assert.match(talk, /has died/);
  assert.equal((await run("start", ...SMALL, "--for", "10ms", "--no-repl")).code, 0);
});

test("a reader who has seen enough is no error", async () => {
  const help = new Running(["help", "--json"], "");
  help.child.stdout?.destroy();
  const { code, talk } = await help.ended;
  assert.equal(code, 0);
  assert.equal(talk, "");
});

const PUPPETS = ["--agent", fileURLToPath(new URL("puppet-agent.mjs", import.meta.url))];

test("start --run has real agents cascade, answer and do tasks: a document each, and then an end", async () => {
  const lines = [
    `cascade act '{"do":"readyNothing"}' --strategy wave --at now --count 3`,
    `scatter '{"do":"readyNothing"}' --at "in 1s" --select CLASS_A_EDGE`,
    `ask --sample 5 '{"do":"echo","value":"same"}'`,
    `broadcast '{"do":"readyNothing"}'`,
    `delegate '{"do":"echo","value":7}'`,
    "status",
  ].flatMap((line) => ["--run", line]);
  const { code, out, talk } = await run("start", ...SMALL, ...PUPPETS, "--json", ...lines);
  assert.equal(code, 0, talk);
  const [cascade, scatter, ask, broadcast, delegate, status] = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepInclude(cascade, { command: "cascade", verb: "act", strategy: "wave", count: 3 });
  assert.deepInclude(cascade, { achieved: 3, ready: 36, conflict: 0, transit: 0, skipped: 0 });
  assert.isTrue(0 < cascade.p50Ms && cascade.p50Ms <= cascade.p95Ms, `${cascade.p50Ms}`);
  assert.deepInclude(cascade.tiers.agents, { expected: 36, reached: 36 });
  assert.deepInclude(scatter, { command: "scatter", verb: "sync", achieved: 1, conflict: 0 });
  assert.isAbove(scatter.ready, 0);
  assert.equal(scatter.addressed + scatter.skipped, scatter.selected);
  assert.isNumber(scatter.arrivalErrorMs.p99);
  assert.deepInclude(ask, { command: "ask", asked: 5, responses: 5 });
  assert.deepInclude(ask.groups[0], { count: 5, outcome: { state: 1, value: "same" } });
  assert.deepInclude(broadcast, { received: 12, acknowledged: 12 });
  assert.deepInclude(delegate.answer, { state: 1, value: 7 });
  assert.deepInclude(status, { command: "status", lost: 0 });
});

test("start --run ends with 1 when agents are in conflict instead of READY", async () => {
  const line = `cascade '{"do":"conflict","detail":{"type":"HASH_MISMATCH"}}' --at now`;
  const { code, out } = await run("start", ...SMALL, ...PUPPETS, "--run", line, "--run", "version");
  assert.equal(code, 1);
  assert.match(out, /^quorum missed sync wave cascade to 12 agents\nRESOLVE_CONFLICTS: /);
  assert.match(out, /\nin conflict +sector-\S+: HASH_MISMATCH\n/);
  assert.match(out, /\nmesh-30k +\d/);
});

test("what is wrong is one sentence and a usage, never a stack", async () => {
  const { code, out, talk } = await run("start", "--agents", "ten");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.equal(
    talk,
    'error: agents: expected a whole number from 1 to 1,000, got "ten" (--agents)\n',
  );
});

test("a mesh is frozen from another terminal, thawed, and copied beside itself", async () => {
  const mesh = new Running(["start", ...SMALL, "--no-repl"], "nothing");
  await mesh.ready();
  const frozen = await run("freeze", "--json");
  const { file, preserved } = JSON.parse(frozen.out);
  assert.deepInclude(preserved, { file, snapshots: 0, withoutSnapshot: 12, operations: 0 });
  assert.match((await run("status")).out, /Frozen: all since/);
  const forked = await run("fork", file, "--workers", "2", "--json");
  assert.equal(forked.code, 0, forked.talk);
  const { id, pid, data } = JSON.parse(forked.out);
  try {
    // The copy goes while the original stands still.
    assert.equal(id, "fork-1");
    const copy = JSON.parse((await run("status", "--json", "--data", data)).out);
    assert.deepInclude(copy, { state: "running", workers: 2 });
    assert.equal(copy.agents.total, 12);
    assert.equal(JSON.parse((await run("status", "--json")).out).state, "frozen");
    assert.match((await run("thaw")).out, /^MESH THAWED\n12 agents go on after/);
    const { out: difference } = await run("diff", file);
    assert.match(difference, /messages in flight in both/);
    assert.match((await run("fork", "--stop", id)).out, /^fork-1 is stopping/);
    for (let gone = false; !gone; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      gone = (await run("fork", "--stop", id)).code !== 0;
    }
    assert.equal(JSON.parse((await run("status", "--json")).out).state, "running");
    // Of the mesh as it runs: it goes on, and its copy beside it.
    const live = await run("fork", "--workers", "1");
    assert.match(
      live.out,
      /^fork-2 runs beside the original.*\nthe original stood still for \d/,
      live.talk,
    );
    assert.equal(JSON.parse((await run("status", "--json")).out).state, "running");
    const beside = join(cwd, ".mesh-30k", "forks", "fork-2");
    assert.equal(
      JSON.parse((await run("status", "--json", "--data", beside)).out).agents.total,
      12,
    );
    assert.match((await run("undo")).out, /^fork taken back: fork fork-2/);
    const dry = await run("fork", "--dry-run");
    assert.equal(dry.code, 0, dry.talk);
    const missing = await run("fork", "nowhere.mesh");
    assert.match(missing.talk, /nowhere.mesh does not exist/);
    // A file that is no frozen mesh: the copy says so, and the asker hears it.
    const wrong = await run("fork", join(cwd, ".mesh-30k", "mesh.pid"));
    assert.match(wrong.talk, /the copy has not started: .*this is no frozen mesh/);
  } finally {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has stopped, as it was told.
    }
  }
});
