import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_EDGE, type WaitGraphSize, waitGraphBytes } from "./wait-edges.ts";
import { WaitGraph } from "./wait-graph.ts";

const ROWS = 12;
const SIZE: WaitGraphSize = { rows: ROWS, threads: 3, edgesPerThread: 8 };

/** One graph as three threads hold it; actor a belongs to thread a % 3. */
function threeThreads(size: WaitGraphSize = SIZE): { buffer: ArrayBuffer; graphs: WaitGraph[] } {
  const buffer = new ArrayBuffer(waitGraphBytes(size));
  return { buffer, graphs: [0, 1, 2].map((thread) => new WaitGraph(buffer, size, thread)) };
}

describe("the wait graph", () => {
  test("names the circle that an ask across threads would close, in order", () => {
    const { graphs } = threeThreads();
    graphs[1].add(1, 2);
    graphs[2].add(2, 3);
    graphs[0].add(3, 1);
    expect(graphs[0].findCycle(3, 1)).toEqual([3, 1, 2]);
    expect(graphs[1].findCycle(1, 2)).toEqual([1, 2, 3]);
  });

  test("sees no circle in a chain, nor in another's circle", () => {
    const { graphs } = threeThreads();
    graphs[1].add(1, 2);
    graphs[2].add(2, 1);
    graphs[0].add(0, 1);
    expect(graphs[0].findCycle(0, 1)).toBeUndefined();
  });

  test("knows an actor that asks itself", () => {
    expect(threeThreads().graphs[0].findCycle(3, 3)).toEqual([3]);
  });

  test("forgets a wait that is over, and keeps the others of the same asker", () => {
    const { graphs } = threeThreads();
    const edges = [1, 2, 5].map((target) => graphs[0].add(0, target));
    graphs[0].remove(0, edges[1]);
    graphs[1].add(1, 0);
    graphs[2].add(2, 0);
    graphs[2].add(5, 0);
    expect(graphs[1].findCycle(1, 0)).toEqual([1, 0]);
    expect(graphs[2].findCycle(2, 0)).toBeUndefined();
    expect(graphs[2].findCycle(5, 0)).toEqual([5, 0]);
  });

  test("sees no circle once the answer is on its way, before the asker has it", () => {
    const { graphs } = threeThreads();
    const edge = graphs[0].add(0, 1);
    expect(graphs[1].settle(0, 1, edge)).toBe(true);
    graphs[1].add(1, 0);
    expect(graphs[1].findCycle(1, 0)).toBeUndefined();
    expect(graphs[1].settle(0, 1, edge)).toBe(false);
    graphs[0].remove(0, edge);
    expect(graphs[0].open).toBe(0);
  });

  test("settles one of two asks at a time", () => {
    const { graphs } = threeThreads();
    const edges = [graphs[0].add(0, 1), graphs[0].add(0, 1)];
    graphs[1].settle(0, 1, edges[0]);
    graphs[1].add(1, 0);
    expect(graphs[1].findCycle(1, 0)).toEqual([1, 0]);
    graphs[1].settle(0, 1, edges[1]);
    expect(graphs[1].findCycle(1, 0)).toBeUndefined();
  });

  test("lets an ask go unwatched when the thread's region is full, and has room again after", () => {
    const { graphs } = threeThreads();
    const edges = Array.from({ length: 8 }, () => graphs[0].add(0, 1));
    expect(graphs[0].add(0, 1)).toBe(NO_EDGE);
    graphs[0].remove(0, NO_EDGE);
    expect(graphs[0].open).toBe(8);
    for (const edge of edges) graphs[0].remove(0, edge);
    expect(graphs[0].open).toBe(0);
    expect(graphs[0].add(0, 1)).not.toBe(NO_EDGE);
  });

  test("clears what a thread left behind when its successor takes over, and nothing else", () => {
    const { buffer, graphs } = threeThreads();
    graphs[0].add(0, 1);
    graphs[0].add(3, 1);
    graphs[2].add(2, 1);
    const successor = new WaitGraph(buffer, SIZE, 0);
    graphs[1].add(1, 0);
    graphs[1].add(1, 2);
    expect(successor.open).toBe(0);
    expect(graphs[1].findCycle(1, 0)).toBeUndefined();
    expect(graphs[1].findCycle(1, 2)).toEqual([1, 2]);
  });

  test("gives up on a chain of more than 64 waits", () => {
    const size = { rows: 100, threads: 1, edgesPerThread: 100 };
    const graph = new WaitGraph(new ArrayBuffer(waitGraphBytes(size)), size, 0);
    for (let actor = 1; actor < 90; actor++) graph.add(actor, actor + 1);
    graph.add(90, 0);
    const last = graph.add(64, 0);
    expect(graph.findCycle(0, 1)).toHaveLength(65);
    graph.settle(64, 0, last);
    expect(graph.findCycle(0, 1)).toBeUndefined();
  });

  test("ends on a buffer of nonsense, as a reader might meet it in a race", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer()), fc.boolean(), (words, isSmall) => {
        const { buffer, graphs } = threeThreads();
        const view = new Int32Array(buffer);
        for (let word = 0; word < view.length; word++) {
          const value = words.next().value as number;
          view[word] = isSmall ? Math.abs(value) % 26 : value;
        }
        const cycle = graphs[0].findCycle(0, 1);
        for (const actor of cycle ?? []) expect(actor).toBeLessThan(ROWS);
        graphs[1].settle(0, 1, 0);
      }),
    );
  });

  test("agrees with a plain graph over any course of events", () => {
    const actor = fc.integer({ min: 0, max: ROWS - 1 });
    const event = fc.record({
      kind: fc.constantFrom("ask", "ask", "over", "settle"),
      asker: actor,
      target: actor,
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { graphs } = threeThreads();
        const waits: { asker: number; target: number; edge: number; stands: boolean }[] = [];
        for (const { kind, asker, target } of events) {
          const own = graphs[asker % 3];
          if (kind === "ask") {
            const edge = own.add(asker, target);
            const isFull = waits.filter((wait) => wait.asker % 3 === asker % 3).length === 8;
            expect(edge === NO_EDGE).toBe(isFull);
            if (!isFull) waits.push({ asker, target, edge, stands: true });
            const length = own.findCycle(asker, target)?.length;
            expect(length).toBe(shortestCircle(waits, asker, target));
          } else if (kind === "over") {
            const at = waits.findIndex((wait) => wait.asker === asker);
            if (at >= 0) own.remove(asker, waits.splice(at, 1)[0].edge);
          } else {
            const wait = waits.find((each) => each.asker === asker && each.target === target);
            const edge = wait?.edge ?? NO_EDGE;
            const settled = graphs[target % 3].settle(asker, target, edge);
            expect(settled).toBe(wait?.stands === true);
            if (wait) wait.stands = false;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Number of actors on the shortest way asker → target → … → asker along standing waits. */
function shortestCircle(
  waits: readonly { asker: number; target: number; stands: boolean }[],
  asker: number,
  target: number,
): number | undefined {
  if (asker === target) return 1;
  const distances = new Map([[target, 1]]);
  for (const [actor, distance] of distances) {
    for (const wait of waits) {
      if (wait.asker !== actor || !wait.stands || distances.has(wait.target)) continue;
      distances.set(wait.target, distance + 1);
    }
  }
  return distances.get(asker);
}
