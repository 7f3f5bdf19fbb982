// `start --run`: commands on a fresh mesh, one document each, and an end in good order.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../test/fake-mesh.ts";
import { Person, type Surroundings } from "../test/person.ts";

const SMALL = ["--sectors", "3", "--clusters", "2", "--agents", "4"];
const AGENT = "sector-1/cluster-1/agent-1";

let cwd: string;
const running: { person: Person; ended: Promise<number> }[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-run-"));
});

afterEach(async () => {
  for (const { person, ended } of running.splice(0)) {
    person.signals.emit("SIGTERM", "SIGTERM");
    await ended;
  }
});

function someone(more: Partial<Surroundings> = {}): Person {
  return new Person({ cwd, ...more });
}

function runWords(lines: readonly string[]): string[] {
  return lines.flatMap((line) => ["--run", line]);
}

/** A mesh, prepared before it is there, that is to run these lines; goes on in the background. */
function starts(
  lines: readonly string[],
  words: readonly string[] = [],
  prepare: (mesh: FakeMesh) => void = () => {},
): Person {
  const person: Person = someone({
    createMesh: async (options) => {
      const fake = new FakeMesh(options);
      prepare(fake);
      person.meshes.push(fake);
      return fake.mesh;
    },
  });
  const ended = person.run("start", ...SMALL, ...words, ...runWords(lines));
  running.push({ person, ended });
  return person;
}

function documents({ out }: Person): Record<string, unknown>[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("with --json", () => {
  test("each command is one document on a line, in order, and no status follows", async () => {
    const person = someone();
    const lines = [
      "cascade sync --strategy wave --count 50",
      "agents --limit 2",
      `ask ${AGENT} x`,
      "kpis",
    ];
    const code = await person.run("start", ...SMALL, "--no-repl", "--json", ...runWords(lines));
    assert.equal(code, 0, person.talk);
    const [cascade, agents, ask, kpis, ...more] = documents(person);
    assert.isEmpty(more);
    assert.deepInclude(cascade, {
      command: "cascade",
      ready: 1_200,
      conflict: 0,
      transit: 0,
      skipped: 0,
      p50Ms: 285,
      p95Ms: 515,
      p99Ms: 535,
      arrivalErrorMs: { p50: 4, p90: 21, p99: 43 },
    });
    assert.equal(agents.command, "agents");
    assert.lengthOf(agents.data as unknown[], 2);
    assert.deepInclude(ask, { command: "ask", state: 1, value: { echo: "x" } });
    assert.equal(kpis.command, "kpis");
    assert.equal(person.mesh.calls.at(-1), "stop 10000");
    assert.match(person.talk, /mesh ready: [\s\S]*stopping: [\s\S]*stopped\n$/);
  });

  test("the last status is printed when it is asked for", async () => {
    const person = someone();
    await person.run("start", ...SMALL, "--json", "--run", "status");
    const [status, ...more] = documents(person);
    assert.isEmpty(more);
    assert.equal(status.command, "status");
    assert.deepInclude(status.agents, { total: 24 });
  });

  test("a command that fails is a document too, and the next one runs", async () => {
    const person = someone();
    const lines = ["inspect sector-9", "version"];
    assert.equal(await person.run("start", ...SMALL, "--json", ...runWords(lines)), 1);
    const [failed, version] = documents(person);
    assert.equal(failed.command, "inspect");
    assert.deepInclude(failed.error, { code: "MESH_UNKNOWN_ACTOR" });
    assert.equal(version.command, "version");
    assert.match(person.talk, /error: no actor "sector-9"/);
  });
});

describe("for people", () => {
  test("each command prints its page, and no box follows", async () => {
    const person = someone();
    const lines = ["broadcast 'all is well'", "version --json"];
    assert.equal(await person.run("start", ...SMALL, "--no-repl", ...runWords(lines)), 0);
    assert.match(
      person.out,
      /^Broadcast complete: 24 received, 24 acknowledged\n\{"version":.*\}\n$/,
    );
  });

  test("nothing is read from stdin", async () => {
    const person = someone();
    person.stdin.end(`tell ${AGENT} 1\n`);
    assert.equal(await person.run("start", ...SMALL, "--run", "version"), 0);
    assert.deepEqual(person.mesh.calls, ["stop 10000"]);
  });
});

test("a missed quorum ends with 1", async () => {
  const person = starts(["scatter", "scatter"], ["--json"], (mesh) => {
    mesh.outcome = (nth) => (nth === 0 ? { ready: 1, transit: 23 } : {});
  });
  assert.equal(await running[0].ended, 1);
  assert.deepEqual(
    documents(person).map(({ command, achieved }) => [command, achieved]),
    [
      ["scatter", 0],
      ["scatter", 1],
    ],
  );
});

describe("a line that cannot be run is refused before the boot", () => {
  const cases: [line: string, why: RegExp][] = [
    [
      "cascad sync",
      /run: expected a command of a running mesh, got "cascad sync": unknown command/,
    ],
    [
      "cascade --strategy tree",
      /got "cascade --strategy tree": cascade: strategy: expected one of/,
    ],
    ["cascade --hold --no-hold", /: cascade: expected --hold or --no-hold, got both/],
    ["route avoid", /: route: avoid needs a <target>/],
    ["ask 'x", /: the quote that opens at column 5 is never closed/],
    ["status --data x", /: status: --data: this REPL has its mesh already/],
    ["start", /: start: not inside a REPL/],
    ["top", /: top needs a terminal/],
    [" ", /run: expected commands, got \["version"," "\]/],
  ];
  for (const [line, why] of cases) {
    test(line, async () => {
      const person = someone();
      assert.equal(await person.run("start", ...SMALL, "--run", "version", "--run", line), 2);
      assert.match(person.talk, why);
      assert.isEmpty(person.meshes);
      assert.equal(person.out, "");
    });
  }
});

describe("the end", () => {
  test("with --for the mesh stays for that time after the commands", async () => {
    const person = starts(["version"], ["--for", "1h"]);
    await person.hears(/mesh-30k +\d/);
    assert.equal(await someone().run("status"), 0);
    assert.isEmpty(person.mesh.calls);
  });

  test("the time of --for does not end a command", async () => {
    const person = starts([`ask ${AGENT} x`, "version"], ["--for", "1ms"], (mesh) => {
      mesh.answer = () => new Promise((give) => setTimeout(() => give({ state: 1, value: 7 }), 50));
    });
    assert.equal(await running[0].ended, 0);
    assert.match(person.out, /^READY 7 .*\nmesh-30k /);
  });

  test("a signal calls the commands off, drains, and ends with 1", async () => {
    const person = starts([`ask ${AGENT} x`, `tell ${AGENT} 1`], ["--json"], (mesh) => {
      mesh.answer = () => {
        person.signals.emit("SIGINT", "SIGINT");
        return new Promise(() => {});
      };
    });
    assert.equal(await running[0].ended, 1);
    const [cancelled, ...more] = documents(person);
    assert.isEmpty(more);
    assert.deepInclude(cancelled.error, { message: "stopped by SIGINT" });
    assert.deepEqual(person.mesh.calls, [`ask ${AGENT} "x" {}`, "stop 10000"]);
  });

  test("a mesh that stops by itself is a failure, whatever was asked", async () => {
    const person = starts([`ask ${AGENT} x`], [], (mesh) => {
      mesh.answer = () => {
        mesh.emit("state", "stopped");
        return new Promise(() => {});
      };
    });
    assert.equal(await running[0].ended, 1);
    assert.match(person.talk, /error: the mesh has stopped by itself/);
  });
});

test("the predictor is a setting, handed to the mesh", async () => {
  const person = someone({ env: { MESH_PREDICTOR: "jacobson" } });
  await person.run("start", ...SMALL, "--run", "version");
  assert.equal(person.mesh.options?.predictor, "jacobson");
  const flagged = someone();
  await flagged.run("start", ...SMALL, "--predictor", "EWMA", "--run", "version");
  assert.equal(flagged.mesh.options?.predictor, "ewma");
  const wrong = someone();
  assert.equal(await wrong.run("start", "--predictor", "oracle"), 2);
  assert.match(
    wrong.talk,
    /predictor: expected one of arrival, seed, .*got "oracle" \(--predictor\)/,
  );
});
