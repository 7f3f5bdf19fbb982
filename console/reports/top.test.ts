import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { Person } from "../../test/person.ts";
import { localLine, type MeshLine } from "../command/line.ts";
import { showTop, sortOfKey } from "./top.ts";
import { TOP_SORTS, topFrame } from "./top-frame.ts";

let fake: FakeMesh;
let person: Person;
let modes: boolean[];

beforeEach(() => {
  fake = new FakeMesh();
  person = new Person({ cwd: mkdtempSync(join(tmpdir(), "mesh-top-")), terminal: true });
  modes = [];
  Object.assign(person.stdin, { setRawMode: (raw: boolean) => modes.push(raw) });
});

function line(more: Partial<MeshLine> = {}): MeshLine {
  return { ...localLine(fake.mesh, person.face.commands), ...more };
}

/** The terminal is as it was: cooked, its own screen, the cursor visible, nobody listening. */
function assertSane(): void {
  assert.deepEqual(modes, [true, false]);
  assert.isTrue(person.out.startsWith("\x1b[?1049h\x1b[?25l"));
  assert.isTrue(person.out.endsWith("\x1b[?25h\x1b[?1049l"));
  assert.equal(person.stdin.listenerCount("keypress"), 0);
  assert.equal(person.stdout.listenerCount("resize"), 0);
  assert.isEmpty(person.signals.eventNames());
}

describe("top", () => {
  test("every column has a key of its own, and q is not one of them", () => {
    const keys = [..."ilpurd"];
    assert.deepEqual(keys.map(sortOfKey), [...TOP_SORTS]);
    assert.isUndefined(sortOfKey("q"));
  });

  for (const sort of TOP_SORTS) {
    test(`puts the worst by ${sort} first`, () => {
      const [first] = topFrame(fake.mesh, sort, undefined, 3).agents;
      const worst = { processing: 1, queue: 5 }[sort as string] ?? (sort === "drift" ? 1 : 24);
      const rows = fake.agents({ limit: 24 });
      assert.equal(first.agentId, rows[worst - 1].agentId);
    });
  }

  test("shows only what is asked for", () => {
    const frame = topFrame(fake.mesh, "latency", "sector-2/cluster-1", 2);
    assert.lengthOf(frame.agents, 2);
    for (const { agentId } of frame.agents) assert.match(agentId, /^sector-2\/cluster-1\//);
  });

  test("fills the screen and no more, and leaves it at q", async () => {
    const shown = showTop(person.face, line(), {});
    await person.hears(/q quit/);
    person.stdin.write("q");
    assert.equal(await shown, 0);
    const frames = person.out.split("\x1b[?2026h").slice(1);
    for (const frame of frames) {
      const rows = frame.split("\x1b[?2026l")[0].split("\r\n");
      assert.lengthOf(rows, 30);
      for (const row of rows) assert.isTrue(row.includes("\x1b[K"));
    }
    assertSane();
  });

  for (const [name, leave] of [
    ["Ctrl-C", () => person.stdin.write("\u0003")],
    ["SIGTERM", () => person.signals.emit("SIGTERM")],
  ] as const) {
    test(`${name} leaves it as q does`, async () => {
      const shown = showTop(person.face, line(), {});
      await person.hears(/q quit/);
      leave();
      assert.equal(await shown, 0);
      assertSane();
    });
  }

  test("a mesh that goes away ends it with its reason, the terminal sane", async () => {
    const gone = new AbortController();
    const shown = showTop(person.face, line({ gone: gone.signal }), {});
    await person.hears(/q quit/);
    gone.abort(new Error("the mesh has died"));
    const reason = await shown.then(
      () => "",
      (error: Error) => error.message,
    );
    assert.equal(reason, "the mesh has died");
    assertSane();
  });

  test("holds a picture at space, and goes on at the next", async () => {
    const shown = showTop(person.face, line(), {});
    await person.hears(/q quit/);
    person.stdin.write(" ");
    await person.hears(/held · /);
    person.stdin.write("q");
    await shown;
    assertSane();
  });

  test("where the output is no terminal it prints one picture", async () => {
    Object.assign(person.stdout, { isTTY: false });
    assert.equal(await showTop(person.face, line(), { limit: 2 }), 0);
    assert.match(person.out, /^MESH-30K FULL/);
    assert.notInclude(person.out, "\x1b");
    assert.isEmpty(modes);
  });
});
