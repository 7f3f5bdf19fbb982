import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { InvalidOptionError } from "../actors/errors.ts";
import { TraceFileError } from "./trace-file.ts";
import { type ClassTraces, loadTraceMix, loadTraces, MAX_FILES } from "./traces.ts";

const HEADER = "agent,class,t_s,rtt_ms,proc_ms,weight,queue,other_ms";

let root: string;
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "traces-"));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with these files, by name without the ending, each a list of rows. */
async function folderOf(files: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const folder = join(root, `folder-${++made}`);
  await mkdir(folder);
  for (const [name, rows] of Object.entries(files)) {
    await writeFile(join(folder, `${name}.csv.gz`), gzipSync([HEADER, ...rows, ""].join("\n")));
  }
  return folder;
}

function names(traces: ClassTraces | undefined): { paths: string[]; works: string[] } {
  return {
    paths: traces?.paths.map(({ name }) => name) ?? [],
    works: traces?.works.map(({ name }) => name) ?? [],
  };
}

describe("the shipped mix", () => {
  test("gives each class the systems that stand for it", async () => {
    const mix = await loadTraceMix();
    const counts = Object.entries(mix).map(([name, { paths, works }]) => [
      name,
      paths.length,
      works.length,
    ]);
    assert.deepEqual(counts, [
      ["CLASS_A_EDGE", 31, 0],
      ["CLASS_B_SERVERLESS", 0, 25],
      ["CLASS_C_PERSISTENT", 25, 24],
      ["CLASS_D_GPU", 25, 10],
      ["CLASS_E_LOCAL", 486, 0],
      ["CLASS_F_HUMAN", 0, 64],
    ]);
  });

  test("takes of language models the time to first token only", async () => {
    const { works } = (await loadTraceMix()).CLASS_D_GPU;
    for (const { name } of works) assert.match(name, /-ttft$/);
  });

  test("leaves out processing that is off the impedance scale", async () => {
    const mix = await loadTraceMix();
    const works = [mix.CLASS_B_SERVERLESS, mix.CLASS_C_PERSISTENT, mix.CLASS_D_GPU].flatMap(
      (traces) => traces.works,
    );
    for (const { name, processingMs } of works) {
      const sorted = processingMs.toSorted();
      assert.isAtMost(sorted[sorted.length >> 1], 1_000, name);
    }
  });

  test("is the same at every reading", async () => {
    assert.deepEqual(await loadTraceMix(), await loadTraceMix());
  });
});

describe("a folder of one's own", () => {
  test("takes the part of a known file name, whatever its class field says", async () => {
    const folder = await folderOf({
      cell5g: ["car,E,,20,,,,"],
      atlas: ["probe,C,,180,,,,"],
      vm: ["vm,C,,,3,,,"],
      llm: ["m-ttft,D,,,400,,,", "m-e2e,D,,,900,,,"],
      seattle: ["phone,E,,220,,,,"],
    });
    const traces = await loadTraces(folder);
    assert.deepEqual(names(traces.get("CLASS_A_EDGE")), { paths: ["car"], works: [] });
    assert.deepEqual(names(traces.get("CLASS_C_PERSISTENT")), { paths: ["probe"], works: ["vm"] });
    assert.deepEqual(names(traces.get("CLASS_D_GPU")), { paths: ["probe"], works: ["m-ttft"] });
    assert.deepEqual(names(traces.get("CLASS_E_LOCAL")), { paths: ["phone"], works: [] });
    assert.isFalse(traces.has("CLASS_B_SERVERLESS"));
  });

  test("replaces the drawn functions by measured ones, but for the slow", async () => {
    const folder = await folderOf({ faas: ["fast,B,,,90,,,30", "slow,B,,,900,,,200"] });
    const mix = await loadTraceMix(folder);
    assert.deepEqual(names(mix.CLASS_B_SERVERLESS), { paths: [], works: ["fast"] });
    assert.deepEqual([...mix.CLASS_B_SERVERLESS.works[0].processingMs], [120]);
  });

  test("keeps the shipped traces of the classes it has nothing for", async () => {
    const folder = await folderOf({ mine: ["inbox,F,,,60000,,,", "laptop,E,,30,5,,,"] });
    const [mix, shipped] = await Promise.all([loadTraceMix(folder), loadTraceMix()]);
    assert.deepEqual(names(mix.CLASS_F_HUMAN), { paths: [], works: ["inbox"] });
    assert.deepEqual(names(mix.CLASS_E_LOCAL), { paths: ["laptop"], works: [] });
    assert.deepEqual(mix.CLASS_A_EDGE, shipped.CLASS_A_EDGE);
    assert.deepEqual(mix.CLASS_B_SERVERLESS, shipped.CLASS_B_SERVERLESS);
  });

  test("reads neither the files that are in no class nor those that are no traces", async () => {
    const folder = await folderOf({ seattle: ["phone,E,,220,,,,"], queue: ["bad row"] });
    await writeFile(join(folder, "README.md"), "about these traces");
    assert.deepEqual([...(await loadTraces(folder)).keys()], ["CLASS_E_LOCAL"]);
  });

  test("is refused with file, line and field when a row is wrong", async () => {
    const folder = await folderOf({ good: ["a,A,,1,,,,"], wrong: ["a,A,,1,,,,", "a,A,,?,,,,"] });
    const error: unknown = await loadTraceMix(folder).catch((reason) => reason);
    assert.instanceOf(error, TraceFileError);
    assert.include(error.message, `${join(folder, "wrong.csv.gz")}:3: rtt_ms`);
  });

  test("is refused when it is missing, a file, empty, or too full", async () => {
    const empty = await folderOf({});
    const file = join(empty, "note.txt");
    await writeFile(file, "");
    const full = await folderOf({});
    for (let index = 0; index <= MAX_FILES; index++) {
      await writeFile(join(full, `t${index}.csv.gz`), "");
    }
    for (const [folder, says] of [
      [join(root, "nowhere"), /^traces: expected a folder that exists, got .*nowhere/],
      [file, /^traces: expected a folder that exists/],
      [empty, /^traces: expected a folder of 1 to 256 traces \(\*\.csv\.gz\), not 0, got/],
      [full, /^traces: expected a folder of 1 to 256 traces \(\*\.csv\.gz\), not 257, got/],
    ] as const) {
      const error: unknown = await loadTraceMix(folder).catch((reason) => reason);
      assert.instanceOf(error, InvalidOptionError);
      assert.match(error.message, says);
    }
  });
});
