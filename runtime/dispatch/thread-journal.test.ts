// What a thread promises and when, with a disk that is as slow, and as full, as the test wants.
import { describe, expect, test } from "vitest";
import type { Behavior } from "../../actors/behavior.ts";
import { type Answer, ready } from "../../actors/result.ts";
import { Count, JOURNAL_ERRNO, JOURNAL_STATE, JournalState } from "../../mailbox/layout.ts";
import { MemoryJournal } from "../../test/memory-journal.ts";
import { type TwoThreads, twoThreads } from "../../test/two-threads.ts";
import { LiveEntries } from "../journal/journal-live.ts";
import { type RecoveredJournal, recoverJournal } from "../journal/journal-recovery.ts";
import { JournalWriter } from "../journal/journal-writer.ts";
import { type JournalPlan, viewMemory } from "../plan/memory.ts";
import { openAsk } from "./cell.ts";
import { Dispatcher } from "./dispatcher.ts";
import { succeed } from "./succession.ts";
import { journalBytes, journalControl, journalRing, type ThreadJournal } from "./thread-journal.ts";

const RING_BYTES = 1024 * 1024;
const ORIGIN = 256;

interface Desk extends TwoThreads {
  readonly files: MemoryJournal;
  readonly control: Int32Array;
  /** Has the disk do what it was asked to, and the threads hear of it. */
  write(): void;
  found(): RecoveredJournal;
}

async function desk(behavior: Partial<Behavior>, checkpointMs = 1_000_000): Promise<Desk> {
  const memory = new SharedArrayBuffer(journalBytes(2, RING_BYTES));
  const plan: JournalPlan = {
    run: 1,
    restored: false,
    ringBytes: RING_BYTES,
    checkpointMs,
    memory,
  };
  const threads = await twoThreads(behavior, {}, 1, plan, 16 * 1024 * 1024);
  const files = new MemoryJournal();
  const writer = new JournalWriter(
    {
      files,
      rings: [journalRing(plan, 0), journalRing(plan, 1)],
      control: journalControl(plan),
      mesh: () => "{}",
      shapes: () => threads.main.view.shapes.text(),
      wake() {},
      segmentBytes: 1 << 20,
    },
    { run: 1, segments: [], sequence: 1, ordinal: 1, live: new LiveEntries() },
  );
  const write = (): void => {
    while (writer.pump());
    threads.settle();
  };
  return {
    ...threads,
    files,
    control: journalControl(plan),
    write,
    found: () => recoverJournal(files),
  };
}

/** A counter that outlives the process. */
const counter: Partial<Behavior<{ n: number }, number>> = {
  init: () => ({ n: 0 }),
  receive(state, add) {
    state.n += add;
    return ready(state.n);
  },
  snapshot: ({ n }) => n,
  restore: (n) => ({ n: n as number }),
};
const COUNTER = counter as Partial<Behavior>;

function stateOf(found: RecoveredJournal, agent: number): unknown {
  // One number of msgpack.
  const bytes = found.live.states.get(agent)?.value as Uint8Array | undefined;
  return bytes?.[0];
}

describe("a durable tell", () => {
  test("is accepted when it is on disk, and not before, though it is handled before", async () => {
    const { main, shard, settle, write, found } = await desk(COUNTER);
    const receipt = main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    expect(receipt.status).toBe("waiting");
    settle();
    expect(shard.ledger.counts[Count.HANDLED]).toBe(1);
    expect(receipt.status).toBe("waiting");
    write();
    expect(receipt.status).toBe("accepted");
    expect(await receipt).toBe("accepted");
    // Handled, and so its state is there and it is not.
    expect(found().live.messageCount).toBe(0);
    expect(stateOf(found(), 1)).toBe(5);
  });

  test("that was not handled is found, whole", async () => {
    const never = new Promise<void>(() => {});
    const { main, write, settle, found, clock } = await desk({ receive: () => never });
    const options = { durable: true, priority: 2, ttlMs: 5000 } as const;
    main.outbox.tell(3, 1, 42, options, undefined);
    settle();
    write();
    const [message] = [...(found().live.messages.get(ORIGIN)?.values() ?? [])];
    expect(message.value).toMatchObject({
      kind: "tell",
      target: 1,
      sender: 3,
      priority: 2,
      origin: ORIGIN,
      payload: { number: 42 },
      redelivered: true,
    });
    expect((message.value as { leftMs: number }).leftMs).toBeGreaterThan(clock.nowMs);
  });

  test("whose journal cannot be written is refused at once, and the mesh goes on", async () => {
    const { main, shard, settle, files, write, control } = await desk(COUNTER);
    files.fault = (step) => (step.do === "append" ? { errno: 28 } : undefined);
    const first = main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    settle();
    write();
    await expect(first).rejects.toMatchObject({
      code: "MESH_JOURNAL_DISK",
      message: expect.stringContaining("no space is left on the disk (ENOSPC)"),
    });
    expect(first.status).toBe("rejected");
    const second = main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    expect(second.status).toBe("rejected");
    await expect(second).rejects.toMatchObject({ code: "MESH_JOURNAL_DISK" });
    expect(main.outbox.tell(0, 1, 7, undefined, undefined).status).toBe("accepted");
    settle();
    expect(shard.ledger.counts[Count.HANDLED]).toBe(2);
    expect(control[JOURNAL_ERRNO]).toBe(28);
    files.fault = () => undefined;
    write();
    expect(control[JOURNAL_STATE]).toBe(JournalState.RUNNING);
    const third = main.outbox.tell(0, 1, 1, { durable: true }, undefined);
    settle();
    write();
    expect(await third).toBe("accepted");
  });

  test("more of them than the journal has room for wait, and all come in their order", async () => {
    const seen: number[] = [];
    const { main, write, settle, found } = await desk({
      receive(_state, message) {
        seen.push((message as { id: number }).id);
      },
    });
    const text = "x".repeat(1000);
    const receipts = [...Array(3000).keys()].map((id) =>
      main.outbox.tell(0, 1, { id, text }, { durable: true }, undefined),
    );
    settle();
    expect(main.outbox.waiting).toBeGreaterThan(0);
    for (let i = 0; i < 1000 && seen.length < 3000; i++) write();
    write();
    expect(seen).toEqual([...Array(3000).keys()]);
    expect(receipts.every(({ status }) => status === "accepted")).toBe(true);
    expect(found().live.messageCount).toBe(0);
  });
});

test("what waits for room is refused too, while the disk cannot be written", async () => {
  const { main, settle, files, write, clock } = await desk(COUNTER);
  files.fault = (step) => (step.do === "append" ? { errno: 28 } : undefined);
  const receipts = [...Array(2000).keys()].map(() =>
    main.outbox.tell(0, 1, "x".repeat(1000), { durable: true }, undefined),
  );
  settle();
  write();
  // Many that wait are tried again once a millisecond.
  clock.nowMs += 2;
  settle();
  const ends = await Promise.allSettled(receipts);
  expect(ends.every(({ status }) => status === "rejected")).toBe(true);
  expect(main.outbox.waiting).toBe(0);
});

describe("a durable agent", () => {
  test("answers when its state is on disk", async () => {
    const { main, settle, write, found } = await desk({ ...COUNTER, durable: true });
    let answer: Answer | undefined;
    openAsk(main, main.view.topology.orchestrator, 1, 5, undefined, undefined).then((given) => {
      answer = given;
    });
    settle();
    await null;
    expect(answer).toBeUndefined();
    write();
    await null;
    await null;
    expect(answer).toEqual({ state: 1, value: 5 });
    expect(stateOf(found(), 1)).toBe(5);
  });

  test("of which an answer cannot be encoded has failed, as any other", async () => {
    const { main, settle } = await desk({
      ...COUNTER,
      durable: true,
      receive: () => ready(Symbol("none")),
    });
    const asked = openAsk(main, main.view.topology.orchestrator, 1, 5, undefined, undefined);
    settle();
    await expect(asked).rejects.toMatchObject({ code: "MESH_AGENT_FAILED" });
  });
});

describe("states that nobody waits for", () => {
  test("are handed over once a period, the last of each agent", async () => {
    const { main, settle, write, found, clock } = await desk(COUNTER, 50);
    for (const add of [1, 2, 3]) main.outbox.tell(0, 1, add, undefined, undefined);
    settle();
    write();
    expect(stateOf(found(), 1)).toBeUndefined();
    clock.nowMs += 60;
    write();
    write();
    expect(stateOf(found(), 1)).toBe(6);
  });

  test("are gone when the agent is started anew", async () => {
    const { main, shard, settle, write, found } = await desk(COUNTER);
    main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    settle();
    write();
    expect(stateOf(found(), 1)).toBe(5);
    shard.agents.restart(1);
    settle();
    write();
    expect(stateOf(found(), 1)).toBeUndefined();
  });
});

test("a turn for whose end the journal has no room waits until it has", async () => {
  const { main, shard, settle, write } = await desk({
    ...COUNTER,
    snapshot: () => "x".repeat(20_000),
  });
  const receipts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap(() => {
    settle();
    return [...Array(8).keys()].map((agent) =>
      main.outbox.tell(0, agent, 1, { durable: true }, undefined),
    );
  });
  settle();
  const handled = shard.ledger.counts[Count.HANDLED];
  expect(handled).toBeGreaterThan(0);
  expect(handled).toBeLessThan(80);
  for (let i = 0; i < 100; i++) write();
  expect(shard.ledger.counts[Count.HANDLED]).toBe(80);
  expect(receipts.every(({ status }) => status === "accepted")).toBe(true);
});

describe("a commit", () => {
  test("hands over to the journal before anybody can see what was sent", async () => {
    const { main } = await desk(COUNTER);
    const ring = journalRing(main.plan.journal as JournalPlan, 0);
    const { lanes } = main.view;
    const publish = lanes.publish.bind(lanes);
    let seen = 0;
    lanes.publish = () => {
      seen = ring.tail - ring.head;
      publish();
    };
    main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    expect(ring.tail).toBe(ring.head);
    main.commit();
    expect(seen).toBeGreaterThan(0);
  });

  test("that a thread did not live to hand over is handed over by its successor, before the lanes", async () => {
    const { main, settle, write, found } = await desk(COUNTER);
    const journal = main.journal as ThreadJournal;
    journal.publish = () => {
      throw new Error("dead");
    };
    main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    expect(() => main.commit()).toThrow("dead");
    main.cycle = () => false;
    settle();
    expect(found().live.isEmpty).toBe(true);
    const view = viewMemory(main.plan, 0, 2);
    const successor = new Dispatcher(main.plan, view, main.ports);
    const ring = journalRing(main.plan.journal as JournalPlan, 0);
    const recover = view.lanes.recoverProducer.bind(view.lanes);
    let seen = 0;
    view.lanes.recoverProducer = (cycle) => {
      seen = ring.tail - ring.head;
      recover(cycle);
    };
    succeed(successor, { blameless: true, current: 0 });
    expect(seen).toBeGreaterThan(0);
    settle();
    write();
    expect(stateOf(found(), 1)).toBe(5);
  });

  test("that did not come about hands nothing over", async () => {
    const { main, write, found } = await desk(COUNTER);
    main.outbox.tell(0, 1, 5, { durable: true }, undefined);
    const view = viewMemory(main.plan, 0, 2);
    succeed(new Dispatcher(main.plan, view, main.ports), { blameless: true, current: 0 });
    // Only what the dead thread would have done itself is left out: it is not asked to.
    main.cycle = () => false;
    write();
    expect(found().live.isEmpty).toBe(true);
  });
});

test("who waits when all is on disk already is told so", async () => {
  const { main, settle, write } = await desk(COUNTER);
  main.outbox.tell(0, 1, 5, { durable: true }, undefined);
  settle();
  write();
  write();
  let isTold = false;
  main.journal?.onDisk(() => {
    isTold = true;
  });
  settle();
  expect(isTold).toBe(true);
});

test("the origin of messages is that of their thread and run", async () => {
  const { main, shard } = await desk(COUNTER);
  expect(main.journal?.origin).toBe(ORIGIN);
  expect(shard.journal?.origin).toBe(ORIGIN + 1);
});
