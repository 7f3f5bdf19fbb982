import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Behavior } from "../../actors/behavior.ts";
import { InvalidOptionError, MeshError, MeshStoppedError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import { createTopology, topologySize } from "../../coordination/topology.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import {
  Command,
  JOURNAL_BATCHES,
  JOURNAL_COMMAND,
  JOURNAL_ERRNO,
  JOURNAL_KIB,
  JOURNAL_STATE,
  JournalState,
} from "../../mailbox/layout.ts";
import type { Cut } from "../api/cut.ts";
import type { Journal, JournalRestored, JournalStatus } from "../api/journal-api.ts";
import type { MeshOptions } from "../api/mesh-api.ts";
import { diskError } from "../dispatch/journal-error.ts";
import {
  journalBytes,
  journalControl,
  journalRing,
  type ThreadJournal,
} from "../dispatch/thread-journal.ts";
import { systemClock } from "../machine/clock.ts";
import { type FolderLock, lockFolder } from "../machine/folder-lock.ts";
import { sourceLoader } from "../machine/source-loader.ts";
import type { JournalPlan, MeshPlan } from "../plan/memory.ts";
import { topologyFrom } from "../plan/mesh-plan.ts";
import type { Settings } from "../plan/options.ts";
import { openJournalFiles } from "./journal-files.ts";
import { LiveEntries } from "./journal-live.ts";
import {
  checkJournalMesh,
  cutOfJournal,
  type JournalMesh,
  type RecoveredJournal,
  recoverJournal,
} from "./journal-recovery.ts";
import type { JournalTask } from "./journal-worker.ts";
import { PopulationFile } from "./population-file.ts";

const FOLDER = "journal";
const LOCK = "journal.lock";
/** Bytes after which a segment is full. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const LEAST_RING_BYTES = 1024 * 1024;
/** How often to look whether what somebody waits for is on disk, ms. */
const LOOK_MS = 1;
/** What a writer gets to write the last of it, ms. */
const STOP_MS = 10_000;

/** The journal of a mesh, from main's side: what is found in it, its writer, its end. */
export class MeshJournal implements Journal {
  /** What the threads are told. */
  readonly plan: JournalPlan;
  readonly population: PopulationFile;
  /** What the mesh goes on from; undefined when there is nothing, and once it has begun. */
  cut: Cut | undefined;
  #recovered: RecoveredJournal;
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #control: Int32Array;
  readonly #mesh: JournalMesh;
  readonly #threads: number;
  readonly #restored: JournalRestored;
  readonly #behaviorOf: (agent: number) => Behavior;
  #worker: Worker | undefined;
  #resumed = 0;
  /** The writer has ended. */
  #isOver = false;

  /**
   * Takes the folder for this mesh and reads what is there. Throws MESH_DATA_IN_USE, MESH_JOURNAL_CORRUPT,
   * MESH_JOURNAL_MISMATCH; then nothing has been changed.
   */
  constructor(
    dataDir: string,
    settings: Settings,
    options: MeshOptions,
    behaviors: readonly Behavior[],
  ) {
    this.#behaviorOf = (agent) => behaviors[settings.moduleOf?.[agent] ?? 0];
    this.#folder = join(dataDir, FOLDER);
    this.#lock = lockFolder(join(dataDir, LOCK));
    this.population = new PopulationFile(this.#folder);
    try {
      if (settings.fresh) setAside(this.#folder);
      const nowMs = systemClock.nowMs();
      const files = openJournalFiles(this.#folder);
      const recovered = recoverJournal(files);
      this.#recovered = recovered;
      const { mesh, live, read } = recovered;
      this.#mesh = meshOf(settings, options, recovered);
      if (mesh !== undefined && !live.isEmpty) checkJournalMesh(this.#folder, mesh, this.#mesh);
      if (!live.isEmpty && options.from !== undefined) throw notEmpty(this.#folder);
      this.cut = live.isEmpty ? undefined : cutOfJournal(recovered, settings.predictor, nowMs);
      // Main has the lock, and nobody else can have begun it.
      if (read.stillborn !== undefined) {
        files.remove(read.stillborn);
        files.syncFolder();
      }
      this.#restored = {
        agents: this.cut?.snapshots.length ?? 0,
        messages: this.cut?.messages.length ?? 0,
        operations: 0,
        elapsedMs: systemClock.nowMs() - nowMs,
        tornBytes: read.segments.at(-1)?.tornBytes ?? 0,
        cleanly: recovered.stopped || mesh === undefined,
      };
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#threads = settings.workers + 1;
    this.plan = planJournal(settings, this.#mesh.run, this.#threads, this.cut !== undefined);
    this.#control = journalControl(this.plan);
  }

  /** Starts the writer. */
  begin({ memory }: MeshPlan, log: Log): void {
    const { read, live } = this.#recovered;
    const { run, ...mesh } = this.#mesh;
    const task: JournalTask = {
      folder: this.#folder,
      threads: this.#threads,
      plan: this.plan,
      segmentBytes: SEGMENT_BYTES,
      control: memory.control,
      shapes: memory.shapes,
      mesh: { run, ...mesh },
      start: {
        run,
        segments: read.segments.map(({ number, bytes }) => ({ number, bytes })),
        sequence: read.sequence,
        ordinal: read.ordinal,
        live: live.map(({ ordinal }) => ordinal),
      },
    };
    const isSource = import.meta.url.endsWith(".ts");
    const module = isSource ? "./journal-worker.ts" : "./journal-worker.js";
    this.#worker = new Worker(new URL(module, import.meta.url), {
      workerData: task,
      execArgv: isSource ? sourceLoader() : [],
    });
    this.#worker.on("error", (error) => {
      Atomics.store(this.#control, JOURNAL_STATE, JournalState.FAILING);
      log.error(
        { error: error.message },
        "the journal's writer has ended: nothing durable is accepted",
      );
    });
    if (this.cut !== undefined || this.#restored.tornBytes > 0)
      log.info({ ...this.#restored }, "went on from the journal");
  }

  /** Whether an agent that was READY for an operation with a T has still something to do at T. */
  acts(agent: number): boolean {
    return this.#behaviorOf(agent).act !== undefined;
  }

  /** Operations that had not ended, once; what was found is not kept any longer. */
  takeOperations(): RecoveredJournal["live"]["operations"] {
    const { operations } = this.#recovered.live;
    this.#recovered = { ...this.#recovered, live: new LiveEntries() };
    this.cut = undefined;
    return operations;
  }

  /** So many of them are gone on with. */
  resumed(operations: number): void {
    this.#resumed = operations;
  }

  status(): JournalStatus {
    const state = Atomics.load(this.#control, JOURNAL_STATE);
    const isFailing = state === JournalState.FAILING;
    return {
      state: isFailing ? "failing" : state === JournalState.STOPPED ? "stopped" : "running",
      ...(isFailing && { error: this.#error().message }),
      run: this.plan.run,
      batches: Atomics.load(this.#control, JOURNAL_BATCHES) >>> 0,
      bytes: Atomics.load(this.#control, JOURNAL_KIB) * 1024,
      restored: { ...this.#restored, operations: this.#resumed },
    };
  }

  async flushed(): Promise<void> {
    const rings = Array.from({ length: this.#threads }, (_, thread) =>
      journalRing(this.plan, thread),
    );
    const tails = rings.map((ring) => ring.tail);
    const isBehind = (): boolean => rings.some((ring, i) => ((tails[i] - ring.head) | 0) > 0);
    while (isBehind()) {
      if (Atomics.load(this.#control, JOURNAL_STATE) === JournalState.FAILING) throw this.#error();
      if (this.#isOver) throw new MeshStoppedError();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Has the writer write what is left, tells who waits on main, and gives the folder free. */
  async stop(main?: ThreadJournal): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined && worker.threadId >= 0) {
      const exited = once(worker, "exit");
      Atomics.store(this.#control, JOURNAL_COMMAND, Command.STOP);
      ringDoorbell(this.#control);
      const late = setTimeout(() => worker.terminate(), STOP_MS);
      await exited;
      clearTimeout(late);
    }
    this.#isOver = true;
    main?.abandon();
    this.#lock.release();
  }

  #error(): MeshError {
    return diskError(Atomics.load(this.#control, JOURNAL_ERRNO));
  }
}

/** The journal of a mesh with a data folder. */
export function openJournal(
  settings: Settings,
  options: MeshOptions,
  behaviors: readonly Behavior[],
): MeshJournal | undefined {
  const { dataDir, modules } = settings;
  if (dataDir !== undefined) return new MeshJournal(dataDir, settings, options, behaviors);
  const promised = behaviors.findIndex((behavior) => behavior.durable === true);
  if (promised < 0) return undefined;
  throw new InvalidOptionError(
    "dataDir",
    dataDir,
    `a folder, for the agents of ${moduleName(modules[promised])} are durable`,
  );
}

function planJournal(
  settings: Settings,
  run: number,
  threads: number,
  restored: boolean,
): JournalPlan {
  const { maxPayloadBytes, topology, checkpointMs } = settings;
  // Half of a ring takes the longest entry (an operation with the map of its agents) wherever it begins.
  const longest = Math.max(2 * maxPayloadBytes, maxPayloadBytes + topology.agents / 8) + 64 * 1024;
  const ringBytes = Math.max(LEAST_RING_BYTES, 2 ** Math.ceil(Math.log2(4 * longest)));
  const memory = new SharedArrayBuffer(journalBytes(threads, ringBytes));
  return { run, restored, ringBytes, checkpointMs, memory };
}

function meshOf(
  settings: Settings,
  options: MeshOptions,
  recovered: RecoveredJournal,
): JournalMesh {
  const { moduleOf, modules } = settings;
  const given = topologyFrom(options);
  const { classes } = given;
  return {
    run: (recovered.mesh?.run ?? 0) + 1,
    epoch: recovered.epoch,
    topology: {
      ...topologySize(createTopology(given)),
      ...(classes !== undefined && { classes }),
    },
    modules: modules.map(moduleName),
    moduleOf: createHash("sha256")
      .update(moduleOf ?? "")
      .digest("hex"),
  };
}

/** What a module is called wherever it lies: of a file its name, of what has none its digest. */
function moduleName(url: string): string {
  if (url.startsWith("data:")) return `data:${createHash("sha256").update(url).digest("hex")}`;
  return basename(new URL(url).pathname);
}

/** Keeps what there was, out of the way. */
function setAside(folder: string): void {
  if (!existsSync(folder)) return;
  let number = 1;
  while (existsSync(`${folder}.aside-${number}`)) number++;
  renameSync(folder, `${folder}.aside-${number}`);
}

function notEmpty(folder: string): MeshError {
  return new MeshError(
    "MESH_JOURNAL_NOT_EMPTY",
    `from: ${folder} holds states or messages of its own; start afresh and set the journal aside, or without the cut`,
  );
}
