/** The thread of the journal's writer: it may wait for the disk, and nobody waits for it. */
import { workerData } from "node:worker_threads";
import { lieDown, ringDoorbell, standUp } from "../../mailbox/doorbell.ts";
import { controlOf } from "../../mailbox/lanes.ts";
import { CONTROL_EPOCH, CONTROL_PARKED, Command, JOURNAL_COMMAND } from "../../mailbox/layout.ts";
import { ShapeTable } from "../../mailbox/shapes.ts";
import { journalControl, journalRing } from "../dispatch/thread-journal.ts";
import type { JournalPlan } from "../plan/memory.ts";
import { openJournalFiles } from "./journal-files.ts";
import { LiveEntries } from "./journal-live.ts";
import type { JournalMesh } from "./journal-recovery.ts";
import { type JournalStart, JournalWriter } from "./journal-writer.ts";

/** How long to wait before a disk that could not be written is tried again, ms. */
const RETRY_MS = 250;

/** What main passes to the writer's thread. */
export interface JournalTask {
  readonly folder: string;
  readonly threads: number;
  readonly plan: JournalPlan;
  readonly segmentBytes: number;
  /** Control blocks of the threads, and the table of shapes. */
  readonly control: SharedArrayBuffer;
  readonly shapes: SharedArrayBuffer;
  readonly mesh: JournalMesh;
  readonly start: Omit<JournalStart, "live"> & {
    readonly live: Pick<LiveEntries<number>, "states" | "messages" | "operations" | "sends">;
  };
}

function serve(task: JournalTask): void {
  const { plan, threads } = task;
  const control = journalControl(plan);
  const writer = new JournalWriter(
    {
      files: openJournalFiles(task.folder),
      rings: Array.from({ length: threads }, (_, thread) => journalRing(plan, thread)),
      control,
      mesh: () => JSON.stringify({ ...task.mesh, epoch: highestEpoch(task) }),
      shapes: shapesOf(new ShapeTable(task.shapes, 0)),
      wake: (thread) => ringDoorbell(controlOf(task.control, thread)),
      segmentBytes: task.segmentBytes,
    },
    { ...task.start, live: LiveEntries.of(task.start.live) },
  );
  const isOver = (): boolean => Atomics.load(control, JOURNAL_COMMAND) === Command.STOP;
  for (;;) {
    if (writer.pump()) continue;
    if (isOver()) break;
    lieDown(control);
    if (isOver() || (writer.hasNews && !writer.isFailing)) {
      standUp(control);
      continue;
    }
    const waitMs = writer.isFailing ? RETRY_MS : Number.POSITIVE_INFINITY;
    Atomics.wait(control, CONTROL_PARKED, 1, waitMs);
    standUp(control);
  }
  writer.stop();
}

/** Of the threads by now, and of the runs before. */
function highestEpoch({ control, threads, mesh }: JournalTask): number {
  let highest = mesh.epoch;
  for (let thread = 0; thread < threads; thread++)
    highest = Math.max(highest, Atomics.load(controlOf(control, thread), CONTROL_EPOCH));
  return highest;
}

/** The table as a text, the same one while it has not changed. */
function shapesOf(table: ShapeTable): () => string {
  let version = -1;
  let text = "";
  return () => {
    const standing = table.version;
    if (standing !== version) {
      text = table.text();
      version = standing;
    }
    return text;
  };
}

serve(workerData as JournalTask);
