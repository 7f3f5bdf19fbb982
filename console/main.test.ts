import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { InvalidOptionError } from "../actors/errors.ts";
import { Person, type Surroundings } from "../test/person.ts";
import { COMMANDS } from "./commands.ts";
import type { StatusDocument } from "./reports/status.ts";

const AGENT = "sector-1/cluster-1/agent-1";
const SMALL = ["--sectors", "3", "--clusters", "2", "--agents", "4"];

let cwd: string;
const running: { person: Person; ended: Promise<number> }[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-main-"));
});

afterEach(async () => {
  for (const { person, ended } of running.splice(0)) {
    person.signals.emit("SIGTERM");
    await ended;
  }
});

function someone(more: Partial<Surroundings> = {}): Person {
  return new Person({ cwd, ...more });
}

/** A mesh that runs in the background until the end of the test. */
async function started(...words: string[]): Promise<Person> {
  const person = someone();
  const ended = person.run("start", ...SMALL, "--no-repl", ...words);
  running.push({ person, ended });
  await person.hears(/mesh ready/);
  return person;
}

describe("exit codes", () => {
  const cases: [string[], number, RegExp][] = [
    [[], 0, /^$/],
    [["--help"], 0, /^$/],
    [["--version"], 0, /^$/],
    [["help", "start"], 0, /^$/],
    [["start", "--help"], 0, /^$/],
    [["bench", "--help"], 0, /^$/],
    [["help", "strt"], 2, /unknown command "strt"; did you mean "start"\?/],
    [
      ["statsu"],
      2,
      /unknown command "statsu"; did you mean "status"\?\n\nUsage: mesh-30k <command>/,
    ],
    [["status", "--nope"], 2, /unknown flag --nope\nUsage: mesh-30k status \[target\] \[options\]/],
    [["inspect"], 2, /<address> is missing\nUsage: mesh-30k inspect <address>/],
    [["start", "--agents", "ten"], 2, /agents: expected a whole number .*got "ten" \(--agents\)/],
    [["start", "--config", "none.yaml"], 2, /config: expected a readable YAML file/],
    [["status"], 69, /no mesh is running in .*\.mesh-30k/],
    [["top"], 69, /no mesh is running/],
    [["attach", "--data", "x"], 69, /no mesh is running in .*x: start one/],
  ];
  for (const [argv, code, talk] of cases) {
    test(`mesh-30k ${argv.join(" ")} ends with ${code}`, async () => {
      const person = someone();
      assert.equal(await person.run(...argv), code);
      assert.match(person.talk, talk);
      assert.notMatch(person.talk, /\n\s+at /);
      assert.equal(person.out === "", code !== 0);
    });
  }

  test("MESH_DEBUG=1 shows the stack", async () => {
    const person = someone({ env: { MESH_DEBUG: "1" } });
    assert.equal(await person.run("nope"), 2);
    assert.match(person.talk, /\n\s+at /);
  });

  test("of what the mesh refuses at its boot: its own options are 2, a failure is 1", async () => {
    const refuse = (error: Error) => someone({ createMesh: () => Promise.reject(error) });
    const invalid = refuse(new InvalidOptionError("workers", 900, "at most 64"));
    assert.equal(await invalid.run("start", "--workers", "9"), 2);
    assert.match(invalid.talk, /workers: expected at most 64, got 900/);
    const broken = refuse(new Error("out of memory"));
    assert.equal(await broken.run("start"), 1);
    assert.match(broken.talk, /error: out of memory/);
  });
});

describe("help", () => {
  test("lists every command with a sentence", async () => {
    const person = someone();
    await person.run("help");
    for (const { name, help } of person.face.commands) {
      assert.include(person.out, `  ${name.padEnd(12)}  ${help}`);
    }
  });

  test("as JSON has the arguments of each as a schema", async () => {
    const person = someone();
    await person.run("help", "--json");
    const commands = JSON.parse(person.out);
    const tell = commands.find(({ name }: { name: string }) => name === "tell");
    assert.deepEqual(tell.arguments.required, ["address", "message"]);
    assert.isTrue(tell.changes);
  });

  for (const { name } of COMMANDS) {
    test(`of ${name} has usage, options and examples within 100 columns`, async () => {
      const person = someone();
      assert.equal(await person.run(name, "--help"), 0);
      assert.match(person.out, /^Usage: mesh-30k /);
      assert.match(person.out, /\nOptions:\n/);
      assert.match(person.out, /\nExamples:\n {2}mesh-30k /);
      for (const line of person.out.split("\n")) assert.isAtMost(line.length, 100, line);
    });
  }
});

describe("start", () => {
  test("--for --no-repl --json prints one document, and drains", async () => {
    const person = someone();
    const code = await person.run("start", ...SMALL, "--for", "20ms", "--no-repl", "--json");
    assert.equal(code, 0);
    const document = JSON.parse(person.out) as StatusDocument;
    assert.deepInclude(document.agents, { total: 24, active: 24 });
    assert.deepInclude(document, { heartbeats: 12_345, workers: 2, lost: 0 });
    assert.deepEqual(person.mesh.calls, ["stop 10000"]);
    assert.match(
      person.talk,
      /booting: 0 \/ 24 agents \(0%\)\nbooting: 24 \/ 24 agents \(100%\)\n/,
    );
    assert.match(person.talk, /mesh ready: 24 agents on 2 workers in 1m 1s/);
    assert.match(person.talk, /stopping: up to 10.0s .*\nstopped\n$/);
  });

  test("for people the last status is the box", async () => {
    const person = someone();
    await person.run("start", ...SMALL, "--for", "1ms", "--no-repl");
    assert.match(person.out, /^┌─+┐\n│ MESH-30K STATUS/);
  });

  test("hands its settings to the mesh, and nothing that was not set", async () => {
    writeFileSync(join(cwd, "agent.js"), "");
    const person = someone({ env: { MESH_HEARTBEAT: "2s" } });
    const words = ["--agent", "agent.js", "--traces", ".", "--mailbox-messages", "10_000"];
    await person.run("start", ...SMALL, ...words, "--for", "1ms", "--no-repl", "--drain", "0ms");
    const { signal, onProgress, agent, ...options } = person.mesh.options ?? assert.fail();
    assert.equal(String(agent), `file://${join(cwd, "agent.js")}`);
    assert.deepEqual(options, {
      dataDir: join(cwd, ".mesh-30k"),
      agentOptions: { traces: cwd },
      topology: { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4 },
      mailbox: { maxMessages: 10_000 },
      heartbeatMs: 2_000,
      log: "info",
    });
    assert.deepEqual(person.mesh.calls, ["stop 0"]);
  });

  test("without --agent the agents are trace agents, and a terminal's log goes to a file", async () => {
    const person = someone({ terminal: true });
    await person.run("start", ...SMALL, "--for", "1ms");
    assert.match(String(person.mesh.options?.agent), /\/remote\/trace-agent\.[jt]s$/);
    assert.equal(person.mesh.options?.logFile, join(cwd, ".mesh-30k", "mesh.log"));
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`one ${signal} drains and ends with 0, a second one at once with ${code}`, async () => {
      const person = await started("--drain", "3s");
      let finish = (): void => {};
      person.mesh.stop = () => new Promise((resolve) => (finish = resolve));
      person.signals.emit(signal, signal);
      await person.hears(/stopping: up to 3.0s/);
      assert.deepEqual(person.exits, []);
      person.signals.emit(signal, signal);
      assert.deepEqual(person.exits, [code]);
      finish();
      assert.equal(await running[0].ended, 0);
    });

    test(`${signal} during the boot ends it with ${code}`, async () => {
      const person = someone({
        createMesh: (options) =>
          new Promise((_, reject) => {
            options.signal?.addEventListener("abort", () => reject(new Error("aborted")));
            setTimeout(() => person.signals.emit(signal, signal), 1);
          }),
      });
      assert.equal(await person.run("start", "--no-repl"), code);
      assert.match(person.talk, /stopped before the mesh was ready/);
    });
  }

  test("leaves no listener behind", async () => {
    const person = someone();
    await person.run("start", ...SMALL, "--for", "1ms", "--no-repl");
    assert.deepEqual(person.signals.eventNames(), []);
  });

  test("a mesh that stops by itself is a failure", async () => {
    const person = await started();
    person.mesh.emit("state", "stopped");
    assert.equal(await running[0].ended, 1);
    assert.match(person.talk, /stopped by itself/);
  });

  test("workers that come and go are told", async () => {
    const person = await started();
    person.mesh.emit("workerLost", { worker: "worker-1", reason: "killed" });
    person.mesh.emit("workerBack", { worker: "worker-1", afterMs: 120, redelivered: 3 });
    assert.match(person.talk, /worker-1 lost: killed\nworker-1 back after 120ms, 3 messages/);
  });

  test("a second mesh in the same folder is refused, and the first lives on", async () => {
    await started();
    const second = someone();
    assert.equal(await second.run("start", ...SMALL, "--no-repl"), 1);
    assert.match(second.talk, new RegExp(`already running in .*process ${process.pid}\\)`));
    assert.isEmpty(second.meshes);
    assert.equal(await someone().run("status"), 0);
  });

  test("commands from a pipe run in order, and its end stops the mesh", async () => {
    const person = someone();
    person.stdin.end(`tell ${AGENT} 1\nversion\n`);
    assert.equal(await person.run("start", ...SMALL), 0);
    assert.deepEqual(person.mesh.calls, [`tell ${AGENT} 1 {}`, "stop 10000"]);
    assert.match(person.out, /accepted\nmesh-30k +\d/);
  });

  test("the end of /dev/null does not stop it", async () => {
    const person = someone({ stdinEnds: false });
    person.stdin.end();
    const ended = person.run("start", ...SMALL);
    running.push({ person, ended });
    await person.hears(/mesh ready/);
    assert.equal(await someone().run("status"), 0);
    assert.isEmpty(person.mesh.calls);
  });

  test("with --for the end of a pipe does not stop it", async () => {
    const person = someone();
    person.stdin.end("version\n");
    const ended = person.run("start", ...SMALL, "--for", "1h");
    running.push({ person, ended });
    await person.hears(/mesh-30k +\d/);
    assert.equal(await someone().run("status"), 0);
  });

  test("at a terminal .exit stops it, and says so", async () => {
    const person = someone({ terminal: true });
    const ended = person.run("start", ...SMALL);
    await person.hears(/Ctrl-D stops this mesh/);
    person.type("status", ".exit");
    assert.equal(await ended, 0);
    assert.match(person.talk, /stopping: .*; Ctrl-C stops at once/);
    assert.deepEqual(person.mesh.calls, ["stop 10000"]);
  });
});

describe("commands on a running mesh", () => {
  const cases: [string[], number, RegExp][] = [
    [["status"], 0, /│ Agents: 24 \/ 24 active \(100\.0%\) +│/],
    [["tree"], 0, /^orchestrator .*\n├─ sector-1 .*\n├─ sector-2 {2}7\/8 active.*\n└─ sector-3/],
    [["tree", "sector-2", "--depth", "2"], 0, /├─ cluster-1 .*\n│ {2}├─ agent-1 {2}active [A-F]_/],
    [["tree", "sector-2/cluster-1"], 0, /^sector-2\/cluster-1 .*\n├─ agent-1 /],
    [["tree", "sector-2/cluster-1/agent-1"], 2, /^$/],
    [["tree", "sector-9"], 1, /^$/],
    [["tree", "sector-2/cluster-9"], 1, /^$/],
    [["inspect", AGENT], 0, /current message +number 7, for 4m 23s\n/],
    [["inspect", "sector-9"], 1, /^$/],
    [["agents", "--slow", "--limit", "1"], 0, /AGENT .*\nsector-3\/cluster-2\/agent-4 .*230/],
    [["agents", "--state", "degraded"], 0, /agent-4 +D_GPU +degraded/],
    [["agents", "--class", "gpu", "--state", "offline"], 0, /no agent fits/],
    [["tell", AGENT, "hello"], 0, /accepted/],
    [["ask", AGENT, '{"add": 1}'], 0, /READY \{\n {2}"echo": \{\n {4}"add": 1/],
    [["restart", AGENT], 0, /1 agent restarted/],
    [["kill", "worker-1"], 0, /worker-1 killed/],
    [["kill", "worker-3"], 2, /^$/],
    [["dead-letters"], 0, /no dead letters/],
    [["dead-letters", "summary"], 0, /expired +2 +2\n/],
    [["dead-letters", "replay"], 2, /^$/],
    [["dead-letters", "replay", "7"], 1, /^$/],
    [["top"], 0, /^MESH-30K FULL, up 1m 1s\n[\s\S]*worker-2 +blocked .*agent-2 for 3\.2s/],
  ];
  for (const [argv, code, out] of cases) {
    test(`mesh-30k ${argv.join(" ")} ends with ${code}`, async () => {
      await started();
      const person = someone();
      assert.equal(await person.run(...argv), code, person.talk);
      assert.match(person.out, out);
      assert.equal(person.talk === "", code === 0);
      if (argv[0] === "top" || code !== 0) return;
      const machine = someone();
      assert.equal(await machine.run(...argv, "--json"), 0);
      assert.doesNotThrow(() => JSON.parse(machine.out));
    });
  }

  test("no answer in time is TRANSIT and ends with 1; a conflict is an answer", async () => {
    const { mesh } = await started();
    mesh.answer = () => ({ state: 0, waitedMs: 5_000 });
    const [late, torn] = [someone(), someone()];
    assert.equal(await late.run("ask", AGENT, "x"), 1);
    assert.match(late.out, /TRANSIT no answer came in 5.0s/);
    mesh.answer = () => ({ state: -1, conflict: { type: "HASH_MISMATCH" } });
    assert.equal(await torn.run("ask", AGENT, "x"), 0);
    assert.match(torn.out, /CONFLICT \{/);
  });

  test("a dead letter is replayed, or refused again", async () => {
    const { mesh } = await started();
    const letter = {
      atMs: 1,
      reason: "expired" as const,
      target: AGENT,
      sender: undefined,
      sequence: 1,
      priority: 1,
      message: { text: "\u001b[2J" },
    };
    mesh.letters = [0, 1, 2].map((id) => ({ ...letter, id }));
    assert.equal(await someone().run("dead-letters", "replay", "1"), 0);
    assert.equal(await someone().run("dead-letters", "replay", "0"), 1);
    const failed = someone();
    assert.equal(await failed.run("dead-letters", "replay", "2"), 1);
    assert.match(failed.talk, /did not take the message: stopped/);
    const list = someone();
    await list.run("dead-letters", "list", "--reason", "expired");
    assert.match(list.out, /expired +sector-1\/cluster-1\/agent-1 +outside +1 +\{/);
    assert.notInclude(list.out, "\u001b[2J");
  });

  test("what agents say cannot steer the terminal", async () => {
    await started();
    const person = someone();
    await person.run("inspect", AGENT);
    assert.match(person.out, /Error: \\x1b\[2Jboom → restart after 100ms/);
    assert.match(person.out, /own state +not to be had: worker-2 is blocked/);
  });

  test("colour is for terminals, and NO_COLOR and FORCE_COLOR decide", async () => {
    await started();
    const colourOf = async (more: Partial<Surroundings>): Promise<boolean> => {
      const person = someone(more);
      await person.run("status");
      return person.out.includes("\x1b[32m");
    };
    assert.isFalse(await colourOf({}));
    assert.isTrue(await colourOf({ terminal: true }));
    assert.isTrue(await colourOf({ env: { FORCE_COLOR: "1" } }));
    assert.isFalse(await colourOf({ terminal: true, env: { FORCE_COLOR: "0" } }));
    assert.isFalse(await colourOf({ terminal: true, env: { NO_COLOR: "1", FORCE_COLOR: "1" } }));
  });

  test("attach speaks to it and leaves it running", async () => {
    const host = await started();
    const guest = someone();
    guest.stdin.end(`tell ${AGENT} hello\n.exit\n`);
    assert.equal(await guest.run("attach"), 0);
    assert.deepEqual(host.mesh.calls, [`tell ${AGENT} "hello" {}`]);
    assert.equal(await someone().run("status"), 0);
  });

  test("a piped attach with a failed command ends with 1", async () => {
    await started();
    const guest = someone();
    guest.stdin.end("inspect sector-9\n");
    assert.equal(await guest.run("attach"), 1);
  });

  test("attach ends with 69 when the mesh goes", async () => {
    const host = await started();
    const guest = someone({ terminal: true });
    const ended = guest.run("attach");
    await guest.hears(/mesh> /);
    host.signals.emit("SIGTERM", "SIGTERM");
    assert.equal(await ended, 69);
    assert.match(guest.talk, /the mesh has closed the connection/);
  });

  test("the folder may be named by --data or MESH_DATA", async () => {
    await started("--data", "elsewhere");
    assert.equal(await someone().run("status"), 69);
    assert.equal(await someone().run("status", "--data", "elsewhere"), 0);
    assert.equal(await someone({ env: { MESH_DATA: "elsewhere" } }).run("status"), 0);
    assert.equal(statSync(join(cwd, "elsewhere/mesh.sock")).mode & 0o777, 0o600);
  });
});
