// The promises of the wait graph that only real threads can break. Two actors on two threads, in step:
// both ask each other at once (one of them must see it), then one asks back whom it has just answered
// (neither may see anything).
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { waitGraphBytes } from "../coordination/wait-edges.ts";

const ROUNDS = 1_000;
const SIZE = { rows: 2, threads: 2, edgesPerThread: 4 };
const GRAPH = new URL("../dist/coordination/wait-graph.js", import.meta.url).href;

/** What both workers run: `self` is thread and actor at once. */
const SCRIPT = `
const { workerData, parentPort } = require("node:worker_threads");
import(workerData.graph).then(({ WaitGraph }) => {
  const { buffer, size, self, step, rounds } = workerData;
  const steps = new Int32Array(step);
  const idle = new Int32Array(new SharedArrayBuffer(4));
  const other = 1 - self;
  const graph = new WaitGraph(buffer, size, self);
  let own = 0;
  const meet = () => {
    own = Atomics.add(steps, self, 1) + 1;
    for (let spins = 1; Atomics.load(steps, other) < own; spins++) {
      if (spins % 20000 === 0) Atomics.wait(idle, 0, 0, 1);
    }
  };
  const seen = [];
  let phantoms = 0;
  for (let round = 0; round < rounds; round++) {
    meet();
    const edge = graph.add(self, other);
    seen.push(graph.findCycle(self, other) !== undefined);
    meet();
    graph.remove(self, edge);
    meet();
    // 0 asks, 1 answers and at once asks back, while 0 is clearing up.
    if (self === 0) {
      const asked = graph.add(0, 1);
      Atomics.store(steps, 2, asked);
      meet();
      graph.remove(0, asked);
    } else {
      meet();
      graph.settle(0, 1, Atomics.load(steps, 2));
      const back = graph.add(1, 0);
      if (graph.findCycle(1, 0)) phantoms++;
      graph.remove(1, back);
    }
  }
  parentPort.postMessage({ seen, phantoms, open: graph.open });
});
`;

interface Report {
  readonly seen: readonly boolean[];
  readonly phantoms: number;
  readonly open: number;
}

function run(self: number, buffer: SharedArrayBuffer, step: SharedArrayBuffer): Promise<Report> {
  const workerData = { graph: GRAPH, buffer, size: SIZE, self, step, rounds: ROUNDS };
  const worker = new Worker(SCRIPT, { eval: true, workerData });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

describe("the wait graph between threads", () => {
  test("one of two who ask each other at once sees it, and an answered ask is never a circle", async () => {
    const buffer = new SharedArrayBuffer(waitGraphBytes(SIZE));
    // How far each of them is, and the edge of the ask that is to be answered.
    const step = new SharedArrayBuffer(12);
    const reports = await Promise.all([run(0, buffer, step), run(1, buffer, step)]);
    const missed = reports[0].seen.filter((seen, round) => !seen && !reports[1].seen[round]);
    expect(missed).toHaveLength(0);
    expect(reports.map((report) => report.phantoms)).toEqual([0, 0]);
    expect(reports.map((report) => report.open)).toEqual([0, 0]);
  });
});
