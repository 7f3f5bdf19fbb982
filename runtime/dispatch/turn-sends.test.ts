// Durable messages of turns that are open when their thread or their process dies: on their way once, whatever comes.
import { describe, expect, test } from "vitest";
import { type Behavior, defineAgent } from "../../actors/behavior.ts";
import { CONTROL_EPOCH, Count } from "../../mailbox/layout.ts";
import { MemoryJournal } from "../../test/memory-journal.ts";
import { planThreads } from "../../test/two-threads.ts";
import type { Cut } from "../api/cut.ts";
import { restoreCut } from "../freeze/cut-restorer.ts";
import {
  cutOfJournal,
  type RecoveredJournal,
  recoverJournal,
} from "../journal/journal-recovery.ts";
import { JournalWriter } from "../journal/journal-writer.ts";
import { seededRandom } from "../machine/clock.ts";
import { type JournalPlan, viewMemory } from "../plan/memory.ts";
import { bootShard } from "../workers/shard-boot.ts";
import { Dispatcher } from "./dispatcher.ts";
import { journalBytes, journalControl, journalRing } from "./thread-journal.ts";

const TOPOLOGY = { sectors: 2, clustersPerSector: 2, agentsPerCluster: 2, spawnCapacity: 0 };
const RING_BYTES = 1024 * 1024;
const SENDER = 1;
const TARGET = 2;
const FULL = 3;
const WORDS = ["first", "first", "second"].map((word) => ({ word }));
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Main and a shard over a journal in memory; each life after the first goes on from what is on disk. */
class Process {
  readonly heard: unknown[] = [];
  main!: Dispatcher;
  shard!: Dispatcher;
  readonly #files = new MemoryJournal();
  #writer!: JournalWriter;
  #clockMs = 1_000_000;
  #epoch = 0;
  #waiting: (() => void)[] = [];
  #run = 0;
  isBlocked = true;

  /** The sender tells the target three words and waits after each; the full one takes no turn to its end. */
  readonly #behavior = defineAgent({
    init: () => ({}),
    receive: (_state, message: { do?: string; ttlMs?: number }, ctx) => {
      if (message.do === "tell") return this.#tell(ctx);
      if (message.do === "tell full") {
        const { ttlMs = 1e6 } = message;
        for (let id = 0; id < 3; id++) ctx.tell(FULL as never, { id }, { durable: true, ttlMs });
        return undefined;
      }
      if (ctx.self === FULL && this.isBlocked) return new Promise<void>(() => {});
      if (typeof message === "object") this.heard.push(message);
      return undefined;
    },
  }) as unknown as Behavior;

  async #tell(ctx: { tell(to: never, message: unknown, how: object): unknown }): Promise<void> {
    for (const word of WORDS) {
      ctx.tell(TARGET as never, word, { durable: true });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async begin(cut?: Cut): Promise<void> {
    const run = ++this.#run;
    const memory = new SharedArrayBuffer(journalBytes(2, RING_BYTES));
    const restored = cut !== undefined;
    const journal: JournalPlan = {
      run,
      restored,
      ringBytes: RING_BYTES,
      checkpointMs: 1e6,
      memory,
    };
    const plan = planThreads(TOPOLOGY, 1, 16 * 1024 * 1024, { journal });
    if (cut !== undefined) restoreCut(plan, cut, this.#clockMs);
    const { read, live } = recoverJournal(this.#files);
    this.#writer = new JournalWriter(
      {
        files: this.#files,
        rings: [journalRing(journal, 0), journalRing(journal, 1)],
        control: journalControl(journal),
        mesh: () => JSON.stringify({ run, epoch: this.#epoch, topology: TOPOLOGY }),
        shapes: () => this.main.view.shapes.text(),
        wake() {},
        segmentBytes: 1 << 20,
      },
      {
        run,
        segments: read.segments.map(({ number, bytes }) => ({ number, bytes })),
        sequence: read.sequence,
        ordinal: read.ordinal,
        live: live.map(({ ordinal }) => ordinal),
      },
    );
    this.main = this.#dispatcher(plan, 0);
    await this.#boot(plan);
  }

  #dispatcher(plan: Dispatcher["plan"], thread: number): Dispatcher {
    const epoch = ++this.#epoch;
    const view = viewMemory(plan, thread, epoch);
    view.control[CONTROL_EPOCH] = epoch;
    const clock = { nowMs: () => (this.#clockMs += 0.1) };
    const sink = {
      onReport() {},
      onResponse() {},
      onIncidents() {},
      onDeadLetter() {},
      onConflict() {},
    };
    return new Dispatcher(plan, view, { clock, random: seededRandom(1), log: silent, sink });
  }

  async #boot(plan: Dispatcher["plan"]): Promise<void> {
    this.shard = this.#dispatcher(plan, 1);
    await bootShard(this.shard, [this.#behavior], { blameless: true, current: 0 });
  }

  /** The shard dies between two cycles, and has a successor. */
  async killWorker(): Promise<void> {
    this.#waiting = [];
    await this.#boot(this.main.plan);
  }

  /** The process dies, and begins again with what is on disk. */
  async kill(): Promise<void> {
    this.#waiting = [];
    await this.begin(cutOfJournal(this.found(), "arrival", this.#clockMs));
  }

  found(): RecoveredJournal {
    return recoverJournal(this.#files);
  }

  /** Everything goes on until nothing has anything to do, the disk included. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const worked = [this.main, this.shard].map((thread) => thread.cycle()).some(Boolean);
      const wrote = this.#writer.pump();
      for (let i = 0; i < 4; i++) await null;
      idle = worked || wrote ? 0 : idle + 1;
    }
  }

  /** Lets those who wait go on, one step. */
  async go(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    await this.settle();
  }

  /** Past the time after which what waits for room is tried again. */
  async later(ms = 5): Promise<void> {
    this.#clockMs += ms;
    await this.settle();
  }

  tell(agent: number, message: unknown): void {
    this.main.outbox.tell(0, agent, message, { durable: true }, undefined);
  }
}

async function begun(): Promise<Process> {
  const process = new Process();
  await process.begin();
  return process;
}

describe("what a turn has sent durably before it awaited", () => {
  test.each([
    ["its worker", 1],
    ["its worker, twice", 2],
    ["its process", 3],
    ["its process, twice", 4],
    ["its worker, and then its process", 5],
  ])("is not sent again after the death of %s", async (_who, way) => {
    const process = await begun();
    process.tell(SENDER, { do: "tell" });
    await process.settle();
    await process.go();
    expect(process.heard).toEqual(WORDS.slice(0, 2));
    if (way === 1 || way === 2 || way === 5) await process.killWorker();
    if (way === 2) await process.killWorker();
    if (way >= 3) await process.kill();
    if (way === 4) await process.kill();
    await process.settle();
    for (let i = 0; i < 4; i++) await process.go();
    expect(process.heard).toEqual(WORDS);
    const { live } = process.found();
    expect({ open: live.sends.size, messages: live.messageCount }).toEqual({
      open: 0,
      messages: 0,
    });
  });

  test("is noted only while the turn is open, and in no custody when it is over", async () => {
    const process = await begun();
    process.tell(SENDER, { do: "tell" });
    await process.settle();
    await process.go();
    const custody = (): number =>
      process.shard.view.custody.survey(process.shard.ledger.committed).belongings.length;
    expect([process.found().live.sends.size, custody()]).toEqual([1, 2]);
    await process.go();
    await process.go();
    expect([process.found().live.sends.size, custody()]).toEqual([0, 0]);
  });
});

describe("a turn whose durable sends wait for room", () => {
  /** Its target takes no more: what it tells waits. */
  async function waiting(ttlMs?: number): Promise<Process> {
    const process = await begun();
    const { maxMessages } = process.main.plan.bounds;
    for (let i = 0; i <= maxMessages; i++)
      process.main.outbox.tell(0, FULL, i, undefined, undefined);
    await process.settle();
    process.tell(SENDER, { do: "tell full", ttlMs });
    await process.settle();
    return process;
  }

  test("ends at once, and the journal has its end and all of them", async () => {
    const process = await waiting();
    expect(process.shard.ledger.counts[Count.HANDLED]).toBe(1);
    expect(process.shard.outbox.waiting).toBe(3);
    const messages = [...process.found().live.messages.values()].flatMap((of) => [...of.values()]);
    expect(messages.map(({ value }) => (value as { sender: number }).sender)).toEqual(
      [1, 1, 1].map(() => SENDER),
    );
  });

  test.each([
    ["its worker", false],
    ["its process", true],
  ])("has sent each once after the death of %s", async (_who, all) => {
    const process = await waiting();
    process.isBlocked = false;
    if (all) await process.kill();
    else await process.killWorker();
    await process.settle();
    await process.later();
    expect(process.heard).toEqual([0, 1, 2].map((id) => ({ id })));
    expect(process.found().live.messageCount).toBe(0);
  });

  test("has not sent what expires while it waits, to the journal either", async () => {
    const process = await waiting(500);
    expect(process.shard.outbox.waiting).toBe(3);
    await process.later(1000);
    expect(process.shard.outbox.waiting).toBe(0);
    expect(process.found().live.messageCount).toBe(0);
  });
});
