import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import type { ActorRef } from "../actors/ref.ts";
import { type Ready, ready } from "../actors/result.ts";
import { createTopology } from "../coordination/topology.ts";
import { CONTROL_EPOCH } from "../mailbox/layout.ts";
import { DEFAULT_BOUNDS } from "../mailbox/overflow.ts";
import { Dispatcher } from "../runtime/dispatch/dispatcher.ts";
import { journalBytes, journalControl, journalRing } from "../runtime/dispatch/thread-journal.ts";
import { restoreCut } from "../runtime/freeze/cut-restorer.ts";
import { cutOfJournal, recoverJournal } from "../runtime/journal/journal-recovery.ts";
import { JournalWriter } from "../runtime/journal/journal-writer.ts";
import { seededRandom } from "../runtime/machine/clock.ts";
import { createMemory, type MeshPlan, planLanes, viewMemory } from "../runtime/plan/memory.ts";
import { bootShard } from "../runtime/workers/shard-boot.ts";
import { completeSupervision } from "../supervisors/restart.ts";
import { Chance } from "./chance.ts";
import { JOURNAL_FAULTS, JournalDisk } from "./journal-disk.ts";

const TOPOLOGY = { sectors: 2, clustersPerSector: 1, agentsPerCluster: 4, spawnCapacity: 0 };
const AGENTS = 8;
const RING_BYTES = 1024 * 1024;
const PAYLOAD_BYTES = 16_384;
const CUSTODY_BYTES = 4 * 1024 * 1024;
/** Small, so that segments are closed and cleaned all the time. */
const SEGMENT_BYTES = 24 * 1024;
/** A turn that takes its time sends on in so many steps. */
const SLOW_STEPS = 2;
const REST_STEPS = 2_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const SINK = {
  onReport() {},
  onResponse() {},
  onIncidents() {},
  onDeadLetter() {},
  onConflict() {},
};

/** What the books of an agent say: by stream the numbers that it has handled, by target how many it has sent. */
interface Books {
  readonly seen: Record<string, number[]>;
  readonly sent: Record<string, number>;
}

interface Entry {
  readonly stream: string;
  readonly n: number;
  readonly to?: number;
}

/** Ways to put something wrong in: for tests of what must hold. */
export interface JournalSabotage {
  readonly thread?: (dispatcher: Dispatcher) => void;
  readonly disk?: (disk: JournalDisk) => void;
}

export interface JournalStormOptions {
  readonly seed: number;
  /** Things that happen. */
  readonly steps: number;
  readonly sabotage?: JournalSabotage;
}

export interface JournalStormOutcome {
  /** The first thing that did not hold; undefined when all did. */
  readonly violation: string | undefined;
  /** Messages of which it was said that they are on disk, and deaths of workers and of main. */
  readonly accepted: number;
  readonly workerDeaths: number;
  readonly mainDeaths: number;
  /** Writes that failed, and bytes torn off by deaths. */
  readonly diskFaults: number;
  readonly tornBytes: number;
}

/**
 * A mesh with a journal, main and one worker, whose worker dies, whose process dies with its machine and starts again
 * on what is on disk, and whose disk fails: the real dispatchers, journal, recovery and succession, in an order that
 * follows from the seed. What was said to be on disk must have its effect once and in its order.
 */
export async function journalStorm(options: JournalStormOptions): Promise<JournalStormOutcome> {
  return new JournalStorm(options).run();
}

class JournalStorm {
  readonly #options: JournalStormOptions;
  readonly #chance: Chance;
  readonly #disk: JournalDisk;
  readonly #behavior: Behavior;
  #main!: Dispatcher;
  #shard!: Dispatcher;
  #writer!: JournalWriter;
  #nowMs = 1_000_000;
  #epoch = 0;
  #run = 0;
  #life = 0;
  #sleepers: (() => void)[] = [];
  #violation: string | undefined;
  #workerDeaths = 0;
  #mainDeaths = 0;
  #given = 0;
  /** By stream, numbers that were said to be on disk. */
  readonly #accepted = new Map<string, number[]>();

  constructor(options: JournalStormOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed, "journal");
    const disk = new Chance(options.seed, "disk");
    this.#disk = new JournalDisk(() => disk.between(0, 1));
    this.#behavior = this.#bookkeeper() as unknown as Behavior;
  }

  async run(): Promise<JournalStormOutcome> {
    this.#options.sabotage?.disk?.(this.#disk);
    try {
      await this.#begin();
      for (let i = 0; i < this.#options.steps && this.#violation === undefined; i++)
        await this.#step();
      this.#disk.fault = undefined;
      await this.#rest();
      // What is promised must be on disk, not only in memory.
      await this.#killMain();
      await this.#rest();
      this.#audit();
    } catch (error) {
      this.#accuse(`sound: ${String((error as Error).stack ?? error)}`);
    }
    let accepted = 0;
    for (const numbers of this.#accepted.values()) accepted += numbers.length;
    return {
      violation: this.#violation,
      accepted,
      workerDeaths: this.#workerDeaths,
      mainDeaths: this.#mainDeaths,
      diskFaults: this.#disk.faults,
      tornBytes: this.#disk.torn,
    };
  }

  #accuse(sentence: string): void {
    this.#violation ??= sentence;
  }

  async #step(): Promise<void> {
    const chance = this.#chance;
    if (chance.happens(0.3)) for (let i = chance.below(6); i >= 0; i--) this.#tell();
    if (chance.happens(0.6)) this.#main.cycle();
    if (chance.happens(0.6)) this.#shard.cycle();
    if (chance.happens(0.4)) this.#writer.pump();
    if (chance.happens(0.3)) this.#wake();
    if (chance.happens(0.02))
      this.#disk.fault = chance.happens(0.5) ? undefined : chance.pick(JOURNAL_FAULTS);
    this.#nowMs += chance.between(0, 2);
    await settled();
    if (chance.happens(0.01)) await this.#killWorker();
    if (chance.happens(0.008)) await this.#killMain();
  }

  /** Everything goes on, and nothing goes wrong, until there is nothing to do. */
  async #rest(): Promise<void> {
    for (let idle = 0, i = 0; idle < 5 && i < REST_STEPS; i++) {
      const worked = [this.#main, this.#shard].map((thread) => thread.cycle()).some(Boolean);
      const wrote = this.#writer.pump();
      const woken = this.#wake();
      this.#nowMs += 2;
      await settled();
      idle = worked || wrote || woken ? 0 : idle + 1;
    }
  }

  #wake(): boolean {
    const sleepers = this.#sleepers.splice(0);
    for (const wake of sleepers) wake();
    return sleepers.length > 0;
  }

  #tell(): void {
    const target = this.#chance.below(AGENTS);
    const stream = `outside>${target}`;
    const n = ++this.#given;
    const to = this.#chance.happens(0.5) ? { to: this.#chance.below(AGENTS) } : {};
    const options = { durable: true };
    const receipt = this.#main.outbox.tell(-1, target, { stream, n, ...to }, options, undefined);
    const life = this.#life;
    receipt.then(
      (status) => {
        if (status !== "accepted" || life !== this.#life) return;
        const numbers = this.#accepted.get(stream) ?? [];
        this.#accepted.set(stream, numbers);
        numbers.push(n);
      },
      () => {},
    );
  }

  #bookkeeper(): Behavior<Books, Entry, number> {
    return defineAgent<Books, Entry, number>({
      init: () => ({ seen: {}, sent: {} }),
      snapshot: (books) => books,
      restore: (saved) => saved as Books,
      receive: (books, entry, ctx) => {
        this.#passOn(books, entry, ctx);
        // Every other agent takes its time, and sends on all the while.
        if (ctx.self % 2 === 0) return this.#book(books, entry, ctx.self);
        return this.#slowly(books, entry, ctx);
      },
    });
  }

  async #slowly(books: Books, entry: Entry, ctx: ActorContext): Promise<Ready<number>> {
    for (let i = 0; i < SLOW_STEPS; i++) {
      await new Promise<void>((resolve) => this.#sleepers.push(resolve));
      this.#passOn(books, entry, ctx);
    }
    return this.#book(books, entry, ctx.self);
  }

  #passOn({ sent }: Books, { to }: Entry, ctx: ActorContext): void {
    if (to === undefined) return;
    const n = (sent[to] ?? 0) + 1;
    const entry = { stream: `${ctx.self}>${to}`, n };
    const receipt = ctx.tell(to as ActorRef<Entry>, entry, { durable: true });
    // While the disk is known to fail nothing durable is sent, and the sender is told.
    if (receipt.status !== "rejected") sent[to] = n;
    receipt.then(undefined, () => {});
  }

  #book({ seen }: Books, { stream, n }: Entry, self: number): Ready<number> {
    seen[stream] ??= [];
    const numbers = seen[stream];
    if (numbers.includes(n)) this.#accuse(`once: agent ${self} handles ${stream} ${n} twice`);
    const last = numbers.at(-1) ?? 0;
    if (n < last) this.#accuse(`order: agent ${self} handles ${stream} ${n} after ${last}`);
    numbers.push(n);
    return ready(n);
  }

  #audit(): void {
    const books = Array.from(
      { length: AGENTS },
      (_, agent) => this.#shard.agents.cellOf(agent)?.state as Books,
    );
    for (const [stream, numbers] of this.#accepted) {
      const seen = books[Number(stream.split(">")[1])].seen[stream] ?? [];
      const missing = numbers.filter((n) => !seen.includes(n));
      if (missing.length > 0)
        this.#accuse(`lost: of ${stream} ${missing.join(", ")} were said to be on disk`);
    }
    for (const [from, { sent }] of books.entries())
      for (const [to, count] of Object.entries(sent)) {
        const seen = books[Number(to)].seen[`${from}>${to}`] ?? [];
        if (seen.length !== count)
          this.#accuse(`lost: agent ${from} has sent ${to} ${count}, of which ${seen.length} came`);
      }
  }

  async #killWorker(): Promise<void> {
    this.#workerDeaths++;
    this.#bury();
    await this.#boot();
  }

  /** The process dies with its machine, and another begins on what is on disk. */
  async #killMain(): Promise<void> {
    this.#mainDeaths++;
    this.#life++;
    this.#bury();
    this.#disk.crash();
    await this.#begin();
  }

  /** What dead agents await never comes. */
  #bury(): void {
    this.#sleepers = [];
    for (let agent = 0; agent < AGENTS; agent++) {
      const cell = this.#shard.agents.cellOf(agent);
      if (cell !== undefined) cell.alive = false;
    }
  }

  async #begin(): Promise<void> {
    const found = recoverJournal(this.#disk);
    const { read, live } = found;
    if (read.stillborn !== undefined) this.#disk.remove(read.stillborn);
    const cut = live.isEmpty ? undefined : cutOfJournal(found, "arrival", this.#nowMs);
    const run = ++this.#run;
    const plan = planOf(run, cut !== undefined);
    const { journal } = plan;
    if (cut !== undefined) restoreCut(plan, cut, this.#nowMs);
    this.#epoch = Math.max(this.#epoch, found.epoch);
    const mesh = { run, epoch: this.#epoch, topology: TOPOLOGY, modules: [], moduleOf: "" };
    this.#writer = new JournalWriter(
      {
        files: this.#disk,
        rings: [journalRing(journal, 0), journalRing(journal, 1)],
        control: journalControl(journal),
        mesh: () => JSON.stringify({ ...mesh, epoch: this.#epoch }),
        shapes: () => this.#main.view.shapes.text(),
        wake() {},
        segmentBytes: SEGMENT_BYTES,
      },
      {
        run,
        segments: read.segments.map(({ number, bytes }) => ({ number, bytes })),
        sequence: read.sequence,
        ordinal: read.ordinal,
        live: live.map(({ ordinal }) => ordinal),
      },
    );
    this.#main = this.#dispatcher(plan, 0);
    await this.#boot();
  }

  async #boot(): Promise<void> {
    this.#shard = this.#dispatcher(this.#main.plan, 1);
    await bootShard(this.#shard, [this.#behavior], { blameless: true, current: 0 });
  }

  #dispatcher(plan: MeshPlan, thread: number): Dispatcher {
    const epoch = ++this.#epoch;
    const view = viewMemory(plan, thread, epoch);
    view.control[CONTROL_EPOCH] = epoch;
    const clock = { nowMs: () => (this.#nowMs += 0.001) };
    const ports = { clock, random: seededRandom(epoch), log: SILENT, sink: SINK };
    const dispatcher = new Dispatcher(plan, view, ports);
    this.#options.sabotage?.thread?.(dispatcher);
    return dispatcher;
  }
}

function planOf(run: number, restored: boolean): MeshPlan & Required<Pick<MeshPlan, "journal">> {
  const memory = new SharedArrayBuffer(journalBytes(2, RING_BYTES));
  const lanes = planLanes(2, PAYLOAD_BYTES);
  return {
    topology: TOPOLOGY,
    threads: 2,
    lanes,
    bounds: DEFAULT_BOUNDS,
    maxPayloadBytes: PAYLOAD_BYTES,
    maxDeliveries: 1e6,
    heartbeatMs: 5000,
    supervision: completeSupervision(),
    restart: "transient",
    modules: [],
    moduleOptions: [],
    moduleMemory: [],
    capabilities: [],
    seed: 1,
    predictor: "arrival",
    memory: createMemory(createTopology(TOPOLOGY), 2, lanes, CUSTODY_BYTES, "arrival"),
    journal: { run, restored, ringBytes: RING_BYTES, checkpointMs: 50, memory },
  };
}

/** Lets promises settle. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await null;
}
