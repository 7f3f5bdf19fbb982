import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeEach, test } from "vitest";
import type { GrowResult, ScaleStatus, ShrinkResult } from "../runtime/api/scale-api.ts";
import { FakeMesh } from "../test/fake-mesh.ts";
import { Person } from "../test/person.ts";
import { localLine } from "./command/line.ts";
import { Repl } from "./repl.ts";

const GROWN: GrowResult = {
  action: "add",
  dryRun: false,
  asked: 7,
  clusters: [
    { cluster: "sector-2/cluster-1", agents: 3, whole: false },
    { cluster: "sector-3/cluster-3", agents: 4, whole: true },
  ],
  examples: ["sector-2/cluster-1/agent-2"],
  inFlight: 1,
  vacant: 5,
  elapsedMs: 61_000,
  started: 7,
  admitted: 5,
  heldBack: [
    { address: "sector-3/cluster-3/agent-1", why: "is slow" },
    { address: "sector-3/cluster-3/agent-2", why: "has reported a conflict" },
  ],
  conflicts: 1,
  complete: false,
};
const SHRUNK: ShrinkResult = {
  action: "remove",
  dryRun: false,
  asked: 7,
  clusters: [{ cluster: "sector-3/cluster-3", agents: 4, whole: true }],
  examples: [],
  inFlight: 0,
  vacant: 12,
  elapsedMs: 40,
  removed: 6,
  busy: [{ address: "sector-3/cluster-3/agent-1", waiting: 2 }],
  complete: false,
};
const STATUS: ScaleStatus = {
  places: 40,
  agents: 30,
  vacant: 10,
  outside: 2,
  outsiders: ["sector-1/cluster-3/agent-1", "sector-1/cluster-3/agent-2"],
};

let calls: unknown[][];
let fake: FakeMesh;
beforeEach(() => {
  calls = [];
  fake = new FakeMesh();
  const noted =
    (name: string, data: object) =>
    async (...args: unknown[]): Promise<object> => {
      const options = args.at(-1) as { dryRun?: boolean } | undefined;
      calls.push([name, ...args]);
      return { ...data, dryRun: options?.dryRun === true };
    };
  const scale = {
    status: () => STATUS,
    add: noted("add", GROWN),
    admit: noted("admit", { ...GROWN, action: "admit" }),
    remove: noted("remove", SHRUNK),
  };
  Object.assign(fake, { scale });
});

async function said(...lines: string[]): Promise<{ out: string; failed: number }> {
  const person = new Person({ cwd: mkdtempSync(join(tmpdir(), "mesh-scale-")) });
  person.type(...lines);
  person.stdin.end();
  const { failed } = await new Repl(person.face, localLine(fake.mesh, person.face.commands)).run();
  return { out: person.out + person.talk, failed };
}

/** What the mesh was asked to do, without what it tells on the way. */
function done(): unknown[] {
  return calls.map(([name, ...args]) => [
    name,
    ...args.map((arg) => {
      if (typeof arg !== "object" || arg === null) return arg;
      const { onProgress: _told, ...rest } = arg as Record<string, unknown>;
      return rest;
    }),
  ]);
}

test("shows how many there are and can be, and who is held back", async () => {
  const { out } = await said("scale");
  assert.include(out, "30 agents in 40 places: 10 can be added");
  assert.include(out, "2 not in the routing pool: sector-1/cluster-3/agent-1");
});

test("adds, tells where and who is held back and why, and fails when that is not all", async () => {
  const { out, failed } = await said("scale add 7 --within sector-3 --stable-beats 5 --timeout 2m");
  assert.deepEqual(done(), [
    ["add", 7, { within: "sector-3", stableBeats: 5, timeoutMs: 120_000 }],
  ]);
  assert.include(out, "1 new cluster and 1 cluster in 2 sectors");
  assert.include(out, "5 in the routing pool");
  assert.include(out, "sector-3/cluster-3/agent-2 has reported a conflict");
  assert.equal(failed, 1);
});

test("of what came of it even so, undo takes back as many as there are, either way", async () => {
  await said("scale add 7", "undo", "scale remove 7", "undo");
  assert.deepEqual(
    done().map((call) => (call as unknown[]).slice(0, 2)),
    [
      ["add", 7],
      ["remove", 7],
      ["remove", 7],
      ["add", 6],
    ],
  );
});

test("plain words show what it would do, and do it after a yes", async () => {
  const { out } = await said("add 7 more agents to sector 2", "yes", "remove 7 agents", "no");
  assert.match(out, /scale add 7 --within sector-2/);
  assert.match(out, /Would add 7 agents.*\n.*First sector-2\/cluster-1\/agent-2/);
  assert.deepEqual(done(), [
    ["add", 7, { within: "sector-2", dryRun: true }],
    ["add", 7, { within: "sector-2" }],
    ["remove", 7, { dryRun: true }],
  ]);
});

for (const [line, expected] of [
  ["scale add", /add needs a <count>/],
  ["scale add 0", /count: expected a whole number from 1/],
  ["scale admit 3", /admit takes no count, got 3/],
  ["scale remove 3 --stable-beats 2", /goes with add and admit only/],
  ["scale status --dry-run", /status takes nothing more/],
] as const) {
  test(`refuses "${line}"`, async () => {
    const { out } = await said(line);
    assert.match(out, expected);
    assert.deepEqual(calls, []);
  });
}
