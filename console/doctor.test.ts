import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, test } from "vitest";
import { Person } from "../test/person.ts";
import { type Diagnosis, diagnose } from "./catalog/doctor-command.ts";
import type { Machine } from "./reports/machine.ts";

const cwd = mkdtempSync(join(tmpdir(), "mesh-doctor-"));
afterAll(() => rmSync(cwd, { recursive: true }));

const GIB = 1024 ** 3;
const WELL: Machine = {
  cores: 4,
  memoryBytes: 8 * GIB,
  freeBytes: 4 * GIB,
  node: "20.20.2",
  openFiles: 4_096,
  clockStepMs: 0.001,
  sharedMemory: true,
  waitAsync: true,
  nativeCodec: true,
  sqlite: "libsql",
  data: { path: "/srv/mesh", exists: true, trouble: undefined, freeBytes: 100 * GIB },
  port: { number: 7_300, trouble: undefined },
  socket: { path: "/srv/mesh/mesh.sock" },
};

test("a machine that is well has no line with a cure", () => {
  const { verdict, checks } = diagnose(WELL);
  assert.equal(verdict, "ok");
  for (const check of checks) {
    assert.equal(check.grade, "ok", check.name);
    assert.isUndefined(check.cure);
  }
});

describe("what is wrong is named with its cure", () => {
  const cases: [string, Partial<Machine>, "warn" | "fail", RegExp][] = [
    ["cores", { cores: 1 }, "warn", /two/],
    ["memory", { memoryBytes: GIB }, "warn", /--sectors/],
    ["memory", { memoryBytes: GIB / 8 }, "fail", /--sectors/],
    ["node", { node: "18.20.4" }, "fail", /Node 20/],
    ["open files", { openFiles: 1_000 }, "warn", /ulimit -n 4096/],
    ["open files", { openFiles: 64 }, "fail", /ulimit -n 4096/],
    ["open files", { openFiles: undefined }, "warn", /ulimit/],
    ["clock", { clockStepMs: 15 }, "warn", /clock source/],
    ["clock", { clockStepMs: Number.POSITIVE_INFINITY }, "warn", /clock source/],
    ["threads", { sharedMemory: false }, "fail", /flags/],
    ["threads", { waitAsync: false }, "fail", /flags/],
    ["codec", { nativeCodec: false }, "warn", /npm rebuild/],
    ["sqlite", { sqlite: undefined }, "fail", /libsql/],
    ["data folder", { data: { ...WELL.data, trouble: "EACCES" } }, "fail", /--data/],
    ["disk", { data: { ...WELL.data, freeBytes: GIB } }, "warn", /make room/],
    ["disk", { data: { ...WELL.data, freeBytes: 1_000 } }, "fail", /make room/],
    ["disk", { data: { ...WELL.data, freeBytes: undefined } }, "warn", /df/],
    ["port", { port: { number: 7_300, trouble: "EADDRINUSE" } }, "warn", /another port/],
    ["socket", { socket: { trouble: "too long" } }, "fail", /shorter/],
  ];
  for (const [name, wrong, grade, cure] of cases) {
    test(`${name}: ${Object.keys(wrong)} ${grade}`, () => {
      const { verdict, checks } = diagnose({ ...WELL, ...wrong });
      assert.equal(verdict, grade);
      const ill = checks.filter((check) => check.grade !== "ok");
      assert.deepEqual(
        ill.map((check) => [check.name, check.grade]),
        [[name, grade]],
      );
      assert.match(String(ill[0].cure), cure);
    });
  }
});

describe("on this machine", () => {
  async function doctor(...words: string[]): Promise<Diagnosis & { code: number }> {
    const person = new Person({ cwd });
    const code = await person.run("doctor", "--json", ...words);
    assert.equal(person.talk, "");
    return { ...JSON.parse(person.out), code };
  }
  const gradeOf = ({ checks }: Diagnosis, name: string): string | undefined =>
    checks.find((check) => check.name === name)?.grade;

  test("what the mesh needs is found, and nothing is left in the data folder", async () => {
    const found = await doctor("--data", cwd);
    for (const name of ["node", "threads", "sqlite", "data folder", "socket"])
      assert.equal(gradeOf(found, name), "ok", name);
    assert.equal(found.code, found.verdict === "fail" ? 1 : 0);
  });

  test("a port that is taken is seen", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    assert.equal(gradeOf(await doctor("--port", String(port)), "port"), "warn");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(gradeOf(await doctor("--port", String(port)), "port"), "ok");
  });

  test("a data folder that is a file fails, and so does the command", async () => {
    writeFileSync(join(cwd, "file"), "");
    const found = await doctor("--data", join(cwd, "file"));
    assert.equal(gradeOf(found, "data folder"), "fail");
    assert.equal(found.code, 1);
    const person = new Person({ cwd });
    await person.run("doctor", "--data", join(cwd, "file"));
    assert.match(person.out, /fail +data folder .*is no folder\n +→ name a folder of yours/);
    assert.match(person.out, /cannot run a mesh as it is/);
  });
});
