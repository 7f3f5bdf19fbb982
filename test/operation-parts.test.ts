// What sectors do with their part of an operation, step by step on one thread.
import { describe, expect, test } from "vitest";
import { FRAME_DATA } from "../mailbox/frame.ts";
import { SLOT_FRAME } from "../mailbox/layout.ts";
import { OperationFlag } from "../mailbox/operation-frame.ts";
import type { Gather, GatherPlan } from "../runtime/operations/gather.ts";
import { operationPlan, type TwoThreads, twoThreads } from "./two-threads.ts";

const ALL = Int32Array.from({ length: 8 }, (_, agent) => agent);

/** Sends `payload` to all agents; what became of it stands in the gather. */
function scatter(
  { gathers, clock }: TwoThreads,
  payload: unknown,
  fields: Partial<GatherPlan> = {},
): { gather: Gather; ends: string[] } {
  const ends: string[] = [];
  const plan = operationPlan(clock.nowMs, payload, 5000, fields);
  const shares = gathers.sharesOf(ALL);
  const gather = gathers.scatter(gathers.nextOperation(), plan, shares, {
    onEnd: (_gather, end) => ends.push(end),
  });
  return { gather, ends };
}

describe("integrity", () => {
  test("a payload that has changed is a HASH_MISMATCH of all its agents, and no handler sees it", async () => {
    const seen: unknown[] = [];
    const threads = await twoThreads({ receive: (_state, message) => void seen.push(message) });
    const { gather, ends } = scatter(threads, { text: "as it was sent" });
    const { bytes } = threads.main.view.custody;
    bytes[(gather.payload + SLOT_FRAME + FRAME_DATA) * 4 + 5] ^= 1;
    threads.settle();
    expect(ends).toEqual(["reported"]);
    expect(gather.counts).toMatchObject({ ready: 0, conflict: 8 });
    expect(seen).toEqual([]);
    expect(gather.conflicts.map(({ agent }) => agent)).toEqual([...ALL]);
    for (const { detail } of gather.conflicts) {
      expect(detail.type).toBe("HASH_MISMATCH");
      expect(detail.expected).toMatch(/^[0-9a-f]{64}$/);
      expect(detail.received).not.toBe(detail.expected);
    }
    // Each is told to main, though the message itself cannot be read.
    expect(threads.conflicts.map(({ agent }) => agent)).toEqual([...ALL]);
    for (const { news } of threads.conflicts) {
      expect(news).toMatchObject({ via: "operation", detail: { type: "HASH_MISMATCH" } });
      expect(news.missing).toMatch(/cannot be read/);
    }
  });

  test("an unchanged one reaches everyone, the same frozen object on a thread", async () => {
    const seen = new Set<unknown>();
    const threads = await twoThreads({ receive: (_state, message) => void seen.add(message) });
    const { gather } = scatter(threads, { text: "as it was sent" });
    threads.settle();
    expect(gather.counts).toMatchObject({ ready: 8, conflict: 0 });
    expect([...seen]).toEqual([{ text: "as it was sent" }]);
  });

  test("who has lost a capability since it was selected answers CAPABILITY_MISMATCH", async () => {
    const threads = await twoThreads({ capabilities: ["see", "hear"] });
    threads.shard.view.registry.capabilitiesLow[3] = 1;
    const { gather } = scatter(threads, "look", { requiresLow: 3 });
    threads.settle();
    expect(gather.counts).toMatchObject({ ready: 7, conflict: 1 });
    expect(gather.conflicts).toMatchObject([{ agent: 3, detail: { type: "CAPABILITY_MISMATCH" } }]);
    expect(threads.conflicts).toMatchObject([{ agent: 3, news: { via: "operation" } }]);
  });
});

describe("gates", () => {
  test("nothing goes out before enough sectors have confirmed, and everything at once then", async () => {
    let turns = 0;
    const threads = await twoThreads({ receive: () => void turns++ });
    const flags = OperationFlag.ROWS | OperationFlag.WAVE;
    const { gather } = scatter(threads, "wave", { flags, threshold: 3 });
    threads.settle();
    expect(turns).toBe(0);
    const { gates } = threads.main.view;
    expect(gates.confirmed(gather.gate)).toBe(2);
    // As a third sector would, on a thread of its own.
    expect(gates.confirm(gather.gate, gather.operation, 7, 1)).toBe(true);
    threads.settle();
    expect(turns).toBe(8);
    expect(gather.counts.ready).toBe(8);
  });

  test("a gate that failed stays shut, whoever confirms later", async () => {
    let turns = 0;
    const threads = await twoThreads({ receive: () => void turns++ });
    const flags = OperationFlag.ROWS | OperationFlag.WAVE;
    const { gather, ends } = scatter(threads, "wave", { flags, threshold: 3 });
    threads.settle();
    expect(threads.gathers.failGate(gather)).toBe(true);
    expect(threads.main.view.gates.confirm(gather.gate, gather.operation, 7, 1)).toBe(false);
    threads.settle();
    expect(turns).toBe(0);
    expect(ends).toEqual(["gate-failed"]);
    expect(gather.counts).toMatchObject({ ready: 0, skipped: 0 });
  });
});

describe("time", () => {
  test("copies go out at T less their lead, results are held, and acts come at T", async () => {
    const log: string[] = [];
    const threads = await twoThreads({
      receive: (_state, _message, ctx) => void log.push(`receive ${ctx.self}`),
      act: (_state, _message, ctx) => void log.push(`act ${ctx.self}`),
    });
    const { clock, shard } = threads;
    const leads = [...ALL].map((agent) => {
      for (let i = 0; i < 40; i++) shard.arrivals.observe(agent, 100 + 50 * agent, 1, 0);
      return agent;
    });
    const arrivalMs = clock.nowMs + 2000;
    const flags = OperationFlag.ROWS | OperationFlag.HOLD;
    const closeMs = arrivalMs + 500;
    const { gather } = scatter(threads, "together", {
      flags,
      arrivalMs,
      closeMs,
      deadlineMs: closeMs,
    });
    threads.settle();
    expect(log).toEqual([]);
    clock.nowMs = arrivalMs - 60;
    threads.settle();
    // The slowest were sent to first.
    expect(log).toEqual(leads.toReversed().map((agent) => `receive ${agent}`));
    expect(gather.counts.acted).toBe(0);
    clock.nowMs = arrivalMs + 1;
    threads.settle();
    expect(log.slice(8).toSorted()).toEqual(leads.map((agent) => `act ${agent}`));
    expect(gather.counts).toMatchObject({ ready: 8, acted: 8 });
  });

  test("what is cancelled before its time is not sent", async () => {
    let turns = 0;
    const threads = await twoThreads({ receive: () => void turns++ });
    const { clock, shard } = threads;
    for (const agent of ALL) for (let i = 0; i < 40; i++) shard.arrivals.observe(agent, 100, 1, 0);
    const arrivalMs = clock.nowMs + 2000;
    const times = { arrivalMs, closeMs: arrivalMs + 500, deadlineMs: arrivalMs + 500 };
    const { gather, ends } = scatter(threads, "never", times);
    threads.settle();
    threads.gathers.end(gather, "aborted");
    // Past their leads, and before the deadline that would keep them from it anyway.
    clock.nowMs = arrivalMs - 50;
    threads.settle();
    expect(turns).toBe(0);
    clock.nowMs = arrivalMs + 1000;
    threads.settle();
    expect(ends).toEqual(["aborted"]);
    expect(turns).toBe(0);
    expect(shard.operations.size).toBe(0);
  });
});

test("who is READY after T, before its timer has come, is asked once and acts once", async () => {
  const acts: number[] = [];
  let asked = 0;
  let arrivalMs = 0;
  const threads = await twoThreads({
    // T comes while they are at work, and they are READY between two cycles.
    receive: async () => {
      asked++;
      threads.clock.nowMs = Math.max(threads.clock.nowMs, arrivalMs + 1);
    },
    act: (_state, _message, ctx) => void acts.push(ctx.self),
  });
  arrivalMs = threads.clock.nowMs + 50;
  const times = { arrivalMs, closeMs: arrivalMs + 500, deadlineMs: arrivalMs + 500 };
  const flags = OperationFlag.ROWS | OperationFlag.HOLD;
  const { gather } = scatter(threads, "late", { flags, ...times });
  threads.main.cycle();
  threads.shard.cycle();
  for (let i = 0; i < 20; i++) {
    await new Promise(setImmediate);
    threads.settle();
  }
  expect(acts.toSorted()).toEqual([...ALL]);
  expect(asked).toBe(8);
  expect(gather.counts).toMatchObject({ ready: 8, acted: 8 });
});
