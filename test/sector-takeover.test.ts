// What becomes of a sector's part of an operation when its thread no longer speaks, step by step on one thread.
import { describe, expect, test } from "vitest";
import { REPORT_MAPS, REPORT_TERM } from "../mailbox/operation-frame.ts";
import type { Ring } from "../mailbox/ring.ts";
import { type Gather, SectorShare } from "../runtime/operations/gather.ts";
import { progressWords, SectorProgress } from "../supervisors/sector-coordinator.ts";
import { operationPlan, type TwoThreads, twoThreads } from "./two-threads.ts";

/** Agents of the first sector are 0 to 3; this one never finishes. */
const STUCK = 2;
const TIMEOUT_MS = 1000;

/** Sends an operation to all; the first sector is done but for one agent, the second is done. */
async function halfDone(): Promise<TwoThreads & { gather: Gather; ends: string[] }> {
  const threads = await twoThreads(
    {
      receive: (_state, _message, ctx) =>
        ctx.self === STUCK ? new Promise<void>(() => {}) : undefined,
    },
    {},
    2,
  );
  const { gathers, clock } = threads;
  const ends: string[] = [];
  const plan = operationPlan(clock.nowMs, "work", TIMEOUT_MS);
  const shares = gathers.sharesOf(Int32Array.from({ length: 8 }, (_, agent) => agent));
  const gather = gathers.scatter(gathers.nextOperation(), plan, shares, {
    onEnd: (_gather, end) => ends.push(end),
  });
  threads.settle();
  expect(gather.counts).toMatchObject({ ready: 4 });
  expect(ends).toEqual([]);
  return { ...threads, gather, ends };
}

/** As main does when the first shard is lost: its sector is the second one's. */
function promote({ main, shards }: TwoThreads): void {
  const { seats } = main.view;
  expect(seats.promoteCoordinator(0, seats.sectorTerm(0), 2)).toBe(2);
  shards[1].deputies.assume(1);
}

describe("a sector whose thread is gone", () => {
  test("its backup tells at the end who was READY by what was committed: the operation ends in time", async () => {
    const threads = await halfDone();
    const { main, shards, clock, settle, gather, ends } = threads;
    promote(threads);
    settle([main, shards[1]]);
    expect(ends).toEqual([]);
    clock.nowMs += TIMEOUT_MS;
    settle([main, shards[1]]);
    expect(ends).toEqual(["reported"]);
    expect(gather.counts).toMatchObject({ ready: 7, conflict: 0, failed: 0 });
  });

  test("a backup whose term is over says nothing", async () => {
    const threads = await halfDone();
    const { main, shards, clock, settle, gather, ends } = threads;
    promote(threads);
    // The successor is up, and has taken its seat back.
    expect(main.view.seats.promoteCoordinator(0, 2, 1)).toBe(3);
    clock.nowMs += TIMEOUT_MS;
    settle([main, shards[1]]);
    expect(ends).toEqual([]);
    expect(gather.counts).toMatchObject({ ready: 4 });
    // It reports itself, in its own term.
    settle();
    expect(ends).toEqual(["reported"]);
    expect(gather.counts).toMatchObject({ ready: 7 });
  });

  test("without a backup main reads the same, a little later", async () => {
    const { main, shards, clock, settle, gather, ends } = await halfDone();
    clock.nowMs += TIMEOUT_MS + 300;
    settle([main, shards[1]]);
    expect(ends).toEqual(["timeout"]);
    expect(gather.counts).toMatchObject({ ready: 7, conflict: 0, failed: 0 });
  });
});

describe("what another thread reads of a sector's progress", () => {
  test("is what was committed, not what the open cycle has noted", () => {
    const words = new Int32Array(progressWords(40));
    const progress = new SectorProgress(words, new Float64Array(words.buffer), 0, 40);
    progress.note(3, 1, 5);
    progress.note(39, -1, 6);
    expect(progress.asOf(5).tally(40)).toMatchObject({ ready: 1, conflict: 0, open: 39 });
    expect(progress.asOf(6).tally(40)).toMatchObject({ ready: 1, conflict: 1, open: 38 });
    progress.noteActed(3, 7);
    expect(progress.asOf(6).tally(40)).toMatchObject({ acted: 0, conflict: 1 });
  });
});

test("a report of an earlier term does not undo what a later one has told", () => {
  const share = new SectorShare(0, 4);
  share.addAll(4);
  const report = (term: number, done: number): void => {
    const words = new Int32Array(64);
    words[18] = 1;
    words[REPORT_MAPS] = done;
    words[REPORT_TERM] = term;
    share.read({ words, doubles: new Float64Array(words.buffer) } as Ring, 0, false, 0);
  };
  report(2, 0b1011);
  report(1, 0b0001);
  expect(share.count(0)).toBe(3);
  report(3, 0b1111);
  expect(share.count(0)).toBe(4);
});
