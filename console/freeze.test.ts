// freeze, thaw, diff and start --thaw, as people and as scripts see them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import type { FreezeResult } from "../runtime/api/freeze-api.ts";
import { writeCut } from "../runtime/freeze/cut-file.ts";
import { cutOf, messageTo, snapshotOf } from "../test/cut.ts";
import { Host } from "../test/host.ts";
import { Person } from "../test/person.ts";

const host = new Host();
const folder = mkdtempSync(join(tmpdir(), "mesh-diff-"));
beforeEach(() => host.open());
afterEach(() => host.close());

const FROZEN: FreezeResult = {
  scope: "all",
  sinceMs: 1_700_000_000_000,
  agents: 29_847,
  late: [],
  file: "/mesh/frozen/2024-11-30T00-00-00.000Z.mesh",
  barrierMs: 12,
  suspended: 3,
  preserved: {
    file: "/mesh/frozen/2024-11-30T00-00-00.000Z.mesh",
    bytes: 2048,
    writeMs: 20,
    snapshots: 28_647,
    withoutSnapshot: 1_200,
    messages: 41,
    timers: 7,
    children: 0,
    unkept: 0,
    operations: 0,
  },
};

/** Lets the host's mesh freeze with this result; gives what it was asked. */
function freezing(result: FreezeResult): unknown[][] {
  const asked: unknown[][] = [];
  Object.assign(host.mesh, {
    freeze: async (...args: unknown[]) => {
      asked.push(args);
      return result;
    },
    thaw: async (scope?: string) => ({
      scope: scope ?? "all",
      agents: 5,
      stoodMs: 1500,
      thawMs: 2,
    }),
  });
  return asked;
}

describe("freeze", () => {
  test("says it in the words of the specification, and what is preserved", async () => {
    const asked = freezing(FROZEN);
    const { code, out } = await host.say("freeze");
    assert.equal(code, 0);
    assert.equal(
      out,
      "MESH FROZEN\n" +
        "All 29,847 agents paused\n" +
        "State preserved to /mesh/frozen/2024-11-30T00-00-00.000Z.mesh\n" +
        "To resume: mesh.thaw()\n" +
        "stood still within 12ms; 3 turns await something; 28,647 states, 41 messages; 7 timers; " +
        "2.0 KiB; 1,200 agents without snapshot would begin anew\n",
    );
    assert.deepEqual(await host.json("freeze", "--no-file"), { ...FROZEN });
    await host.say("freeze", "--to", "/tmp/state.mesh");
    assert.deepEqual(asked, [
      [undefined, {}],
      [undefined, { file: false }],
      [undefined, { file: "/tmp/state.mesh" }],
    ]);
  });

  test("names who is late, and ends with 1", async () => {
    const { preserved: _, file: __, ...rest } = FROZEN;
    const late = [{ worker: "worker-2", address: "sector-3/cluster-1/agent-9", sinceMs: 812 }];
    freezing({ ...rest, late });
    const { code, out } = await host.say("freeze");
    assert.equal(code, 1);
    assert.match(out, /worker-2 has not come to a boundary for 812 ms, held up by sector-3/);
  });

  test("of a part, and thaw of it", async () => {
    const { preserved: _, file: __, ...rest } = FROZEN;
    freezing({ ...rest, scope: "sector-7", agents: 300 });
    const { out } = await host.say("freeze", "sector-7");
    assert.match(out, /^sector-7 FROZEN\n300 agents paused\nTo resume: mesh.thaw\("sector-7"\)\n/);
    const thawed = await host.say("thaw", "sector-7");
    assert.equal(thawed.out, "sector-7 THAWED\n5 agents go on after 1.5s\n");
    assert.match((await host.say("thaw")).out, /^MESH THAWED\n/);
    assert.equal((await host.say("freeze", "--to", "x", "--no-file")).code, 2);
  });
});

describe("diff", () => {
  test("tells what is different, for people and as one document", async () => {
    const before = join(folder, "before.mesh");
    const after = join(folder, "after.mesh");
    const states = [snapshotOf(0, { n: 1 }), snapshotOf(1, { n: 1 }), snapshotOf(2, { n: 1 })];
    await writeCut(before, cutOf(states, [messageTo(3, 1, 1), messageTo(3, 2, 1)], 5));
    const later = [states[0], snapshotOf(1, { n: 2 }), snapshotOf(4, { n: 1 })];
    await writeCut(
      after,
      cutOf(later, [messageTo(3, 2, 1), messageTo(9, 3, 1, { sender: 4 })], 6, {
        routes: [{ target: "sector-2", sinceMs: 1 }],
      }),
    );
    const { code, out } = await host.say("diff", before, after);
    assert.equal(code, 0);
    assert.match(out, /agents +added +1\n/);
    assert.match(out, /, 1 messages in flight in both\n/);
    assert.match(out, /counts +handled +\+1\n/);
    assert.match(out, /routes +new +sector-2\n/);
    assert.match(out, /sector-1\/cluster-1\/agent-2 changed\n/);
    assert.match(out, /message 3 of sector-1\/cluster-1\/agent-5 to .*agent-5 new\n/);
    const document = (await host.json("diff", before, after)) as Record<string, unknown>;
    assert.deepInclude(document.agents, { counts: { added: 1, lost: 1, changed: 1, moved: 0 } });
    assert.deepInclude(document.messages, { same: 1, gone: 1, new: 1 });
    assert.match((await host.say("diff", before, before)).out, /nothing differs/);
    rmSync(folder, { recursive: true });
  });
});

test("start --thaw starts from the file, with its size where no other is given", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "mesh-thaw-"));
  await writeCut(join(cwd, "state.mesh"), cutOf([snapshotOf(0, { n: 1 })], [messageTo(3, 1, 1)]));
  const person = new Person({ cwd });
  const ended = person.run("start", "--thaw", "state.mesh", "--no-repl");
  await person.hears(
    /thawed as of 00:00:02.000Z: 1 states, 1 messages, 39 agents without snapshot/,
  );
  assert.deepInclude(person.mesh.options?.topology, { sectors: 4, spawnCapacity: 64 });
  assert.equal(person.mesh.options?.from?.takenMs, 2000);
  person.signals.emit("SIGTERM", "SIGTERM");
  assert.equal(await ended, 0);
  const other = new Person({ cwd });
  assert.equal(await other.run("start", "--thaw", "nowhere.mesh", "--no-repl"), 2);
  rmSync(cwd, { recursive: true });
});
