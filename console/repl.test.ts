import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../test/fake-mesh.ts";
import { Person } from "../test/person.ts";
import { localLine } from "./command/line.ts";
import { Repl } from "./repl.ts";

const AGENT = "sector-1/cluster-1/agent-1";

let cwd: string;
let fake: FakeMesh;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-repl-"));
  fake = new FakeMesh();
});

function session(person: Person, json = false): Repl {
  const face = { ...person.face, json };
  return new Repl(face, localLine(fake.mesh, face.commands));
}

describe("a piped session", () => {
  test("runs each command to its end before the next, and ends with the pipe", async () => {
    const order: string[] = [];
    fake.answer = async (message) => {
      // The first is slow: were they not in order, the second would overtake it.
      if (message === "first") await new Promise((resolve) => setTimeout(resolve, 30));
      order.push(String(message));
      return { state: 1, value: message };
    };
    const person = new Person({ cwd });
    person.type(`ask ${AGENT} first`, "", "# a comment", `ask ${AGENT} second`, "status");
    person.stdin.end();
    const outcome = await session(person).run();
    assert.deepEqual(order, ["first", "second"]);
    assert.deepEqual(outcome, { interactive: false, commands: 3, failed: 0, lost: false });
    assert.match(person.out, /READY first .*\nREADY second .*\n┌─+┐\n│ MESH-30K STATUS/s);
    assert.equal(person.talk, "");
  });

  test("goes on after an error, and counts it", async () => {
    const person = new Person({ cwd });
    person.type("inspct", "inspect sector-9", `tell ${AGENT} {"open": `, "version");
    person.stdin.end();
    const outcome = await session(person).run();
    assert.deepInclude(outcome, { commands: 4, failed: 3 });
    assert.match(person.talk, /unknown command "inspct"; did you mean "inspect"\?/);
    assert.match(person.talk, /no actor "sector-9"/);
    assert.match(person.talk, /JSON that opens at column/);
    assert.match(person.out, /mesh-30k +\d/);
  });

  test("with --json gives one named line a command, errors too", async () => {
    const person = new Person({ cwd });
    person.type("version", `tell ${AGENT} {"a": 1}`, "inspect sector-9");
    person.stdin.end();
    await session(person, true).run();
    const lines = person.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(lines[0].command, "version");
    assert.deepEqual(lines[1], { command: "tell", data: { address: AGENT, status: "accepted" } });
    assert.equal(lines[2].error.code, "MESH_UNKNOWN_ACTOR");
  });

  test("takes more lines at once than wait in memory", async () => {
    const person = new Person({ cwd });
    person.stdin.end(`tell ${AGENT} 1\n`.repeat(1_000));
    const outcome = await session(person).run();
    assert.deepInclude(outcome, { commands: 1_000, failed: 0 });
    assert.lengthOf(fake.calls, 1_000);
  });

  test("ends at .exit, whatever follows", async () => {
    const person = new Person({ cwd });
    person.stdin.end(`.exit\ntell ${AGENT} 1\n`);
    assert.deepInclude(await session(person).run(), { commands: 0 });
    assert.isEmpty(fake.calls);
  });

  test("what belongs to the command line is refused inside", async () => {
    const person = new Person({ cwd });
    person.stdin.end("start\nstatus --data elsewhere\n");
    assert.deepInclude(await session(person).run(), { failed: 2 });
    assert.match(person.talk, /start: not inside a REPL/);
    assert.match(person.talk, /--data: this REPL has its mesh already/);
  });

  test("each command has its help, with or without a dot", async () => {
    const person = new Person({ cwd });
    person.stdin.end("inspect --help\n.help tell\n");
    await session(person).run();
    assert.match(person.out, /Usage: mesh-30k inspect <address> \[options\]/);
    assert.match(person.out, /Usage: mesh-30k tell <address> <message…> \[options\]/);
  });
});

describe("a session at a terminal", () => {
  test("prompts, remembers what was typed, and leaves at Ctrl-D", async () => {
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    await person.hears(/mesh> /);
    person.type("version");
    await person.hears(/mesh-30k +\d/);
    person.stdin.write("\u0004");
    assert.deepInclude(await running, { interactive: true, commands: 1, lost: false });
    const history = join(cwd, "mesh-30k", "repl-history");
    assert.equal(readFileSync(history, "utf8"), "version\n");
  });

  test("Tab completes a command and the levels of an address", async () => {
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    await person.hears(/mesh> /);
    // Key by key: a tab within a chunk is taken for a paste.
    for (const keys of ["te", "\t", "sector-3/cl", "\t", "2/ag", "\t", "4 hello\n", ".exit\n"]) {
      person.stdin.write(keys);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running;
    assert.deepEqual(fake.calls, ['tell sector-3/cluster-2/agent-4 "hello" {}']);
  });

  test("Ctrl-C cancels the command that runs, and the session goes on", async () => {
    fake.answer = () => new Promise(() => {});
    const asking = new Promise<void>((resolve) => {
      fake.answer = (_, signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          resolve();
        });
    });
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    person.type(`ask ${AGENT} hello`);
    await asking;
    person.stdin.write("\u0003");
    await person.hears(/cancelled/);
    person.type("version");
    await person.hears(/mesh-30k +\d/);
    person.type(".exit");
    assert.deepInclude(await running, { commands: 2, failed: 1 });
  });

  test("Ctrl-C also leaves a command that the mesh cannot call off", async () => {
    const restarting = new Promise<void>((resolve) => {
      fake.restart = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    person.type(`restart ${AGENT}`);
    await restarting;
    person.stdin.write("\u0003");
    await person.hears(/cancelled/);
    person.type(".exit");
    assert.deepInclude(await running, { commands: 1, failed: 1 });
  });

  test("Ctrl-C empties the line that is typed; on an empty one it says how to leave", async () => {
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    await person.hears(/mesh> /);
    person.stdin.write("kill worker-1");
    await person.hears(/kill worker-1/);
    person.stdin.write("\u0003\n");
    person.stdin.write("\u0003");
    await person.hears(/type \.exit or press Ctrl-D/);
    person.type(".exit");
    await running;
    assert.isEmpty(fake.calls);
  });

  test("a notice stands above the line that is typed", async () => {
    const person = new Person({ cwd, terminal: true });
    const repl = session(person);
    const running = repl.run();
    await person.hears(/mesh> /);
    person.stdin.write("sta");
    await person.hears(/sta/);
    repl.notice("worker-1 lost");
    await person.hears(/worker-1 lost\n/);
    person.type("tus");
    await person.hears(/MESH-30K STATUS/);
    repl.close();
    await running;
  });

  test("top has the terminal for itself, and gives it back", async () => {
    const person = new Person({ cwd, terminal: true });
    const running = session(person).run();
    person.type("top");
    await person.hears(/IMPEDANCE▼/);
    person.stdin.write("u");
    await person.hears(/QUEUE▼/);
    person.stdin.write("q");
    await person.hears(/mesh> $/);
    person.type("version", ".exit");
    assert.deepInclude(await running, { commands: 2, failed: 0 });
    assert.isTrue(person.out.includes("\x1b[?1049h") && person.out.includes("\x1b[?1049l"));
  });
});

test("close ends a session that waits for input", async () => {
  const person = new Person({ cwd });
  const repl = session(person);
  const running = repl.run();
  repl.close();
  assert.deepInclude(await running, { commands: 0, lost: false });
});
