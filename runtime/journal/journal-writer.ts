import { FRAME_TYPE } from "../../mailbox/frame.ts";
import { SEGMENT_BYTES, segmentHeader } from "../../mailbox/journal-batch.ts";
import { EntryKind } from "../../mailbox/journal-entry.ts";
import {
  JOURNAL_BATCHES,
  JOURNAL_ERRNO,
  JOURNAL_KIB,
  JOURNAL_STATE,
  JournalState,
} from "../../mailbox/layout.ts";
import type { Ring } from "../../mailbox/ring.ts";
import { SegmentCleaning } from "./journal-cleaning.ts";
import { JournalDraft } from "./journal-draft.ts";
import type { JournalFile, JournalFiles } from "./journal-files.ts";
import type { LiveEntries } from "./journal-live.ts";
import { segmentName } from "./journal-segments.ts";

/** Segments that are kept before the oldest is looked through, at least. */
const LEAST_SEGMENTS = 4;

/** Where a journal goes on. */
export interface JournalStart {
  readonly run: number;
  /** Segments that stand, oldest first, and how many of their bytes count. */
  readonly segments: readonly { readonly number: number; readonly bytes: number }[];
  /** Of the next batch and entry. */
  readonly sequence: number;
  readonly ordinal: number;
  /** What of them counts, with the ordinal of each entry. */
  readonly live: LiveEntries<number>;
}

/** What the writer needs of its mesh and machine. */
export interface JournalWriterPorts {
  readonly files: JournalFiles;
  /** By thread: what it hands over. */
  readonly rings: readonly Ring[];
  /** What all threads may read of the writer (`layout.ts`). */
  readonly control: Int32Array;
  /** What mesh this is, as JSON; stands in every segment. */
  readonly mesh: () => string;
  /** The table of message shapes as JSON; the same object while it is the same. */
  readonly shapes: () => string;
  /** Something of this thread's is on disk, and it wants to know. */
  readonly wake: (thread: number) => void;
  /** A segment is full when it has so many bytes. */
  readonly segmentBytes: number;
}

/**
 * The one writer of a journal. It takes what all threads have handed over, writes it as one batch, waits for the
 * disk, and only then gives the rings back: whatever arrived meanwhile is the next batch. So a commit waits for
 * nobody and many share one, and until it is on disk nothing is forgotten in memory.
 *
 * **A batch is a cut.** What a thread did because of another's message was handed over later than what the other
 * did: rings are looked at until none has changed between two looks, and what lies before that moment has all
 * of its causes in it.
 */
export class JournalWriter {
  readonly #ports: JournalWriterPorts;
  readonly #start: JournalStart;
  readonly #live: LiveEntries<number>;
  readonly #draft = new JournalDraft();
  readonly #tails: Int32Array;
  /** Full ones, oldest first. */
  readonly #segments: { readonly number: number; readonly bytes: number }[];
  #file: JournalFile | undefined;
  #number: number;
  /** Of the open segment; of the last one while none is open. */
  #bytes: number;
  #sequence: number;
  #ordinal: number;
  #shapes = "";
  #cleaning: SegmentCleaning | undefined;
  #limit = LEAST_SEGMENTS;
  #isFailing = false;

  constructor(ports: JournalWriterPorts, start: JournalStart) {
    this.#ports = ports;
    this.#start = start;
    this.#live = start.live;
    this.#segments = [...start.segments];
    const last = this.#segments.at(-1);
    this.#number = last?.number ?? 0;
    this.#bytes = last?.bytes ?? -1;
    this.#sequence = start.sequence;
    this.#ordinal = start.ordinal;
    this.#tails = new Int32Array(ports.rings.length);
    Atomics.store(ports.control, JOURNAL_KIB, Math.ceil(this.#totalBytes() / 1024));
    this.#say(JournalState.RUNNING, 0);
  }

  /** True when a thread has handed something over that is not on disk. */
  get hasNews(): boolean {
    const { rings } = this.#ports;
    for (let i = 0; i < rings.length; i++) if (rings[i].tail !== rings[i].head) return true;
    return false;
  }

  /** It could not write, and should be called again in a while. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Writes what there is; false when there was nothing to do, or it could not be done. */
  pump(): boolean {
    this.#draft.clear();
    const hasNews = this.hasNews;
    if (!hasNews && this.#cleaning === undefined) return false;
    try {
      this.#openSegment();
      // Before what is new: that may end what is written again here.
      const cleaned = this.#cleaning?.draft(this.#draft, this.#live) ?? false;
      if (hasNews) this.#collect();
      if (this.#draft.count > 0) this.#write();
      if (hasNews) this.#giveBack();
      if (cleaned) this.#dropCleaned();
      if (this.#bytes >= this.#ports.segmentBytes) this.#closeSegment();
      this.#beginCleaning();
    } catch (error) {
      this.#fail(error);
      return false;
    }
    if (this.#isFailing) this.#say(JournalState.RUNNING, 0);
    this.#isFailing = false;
    return true;
  }

  /** Writes what is left, and that the mesh stopped in good order. */
  stop(): void {
    while (this.hasNews && this.pump());
    if (this.#file !== undefined && !this.#isFailing) {
      this.#draft.clear();
      this.#draft.addText(EntryKind.STOPPED, "");
      try {
        this.#write();
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#file?.close();
    this.#file = undefined;
    this.#say(JournalState.STOPPED, Atomics.load(this.#ports.control, JOURNAL_ERRNO));
  }

  /** Takes all that the threads have handed over by one moment. */
  #collect(): void {
    const { rings } = this.#ports;
    const tails = this.#tails;
    for (let i = 0; i < rings.length; i++) tails[i] = rings[i].tail;
    for (let stable = false; !stable; ) {
      stable = true;
      for (let i = 0; i < rings.length; i++) {
        const tail = rings[i].tail;
        if (tail === tails[i]) continue;
        tails[i] = tail;
        stable = false;
      }
    }
    const shapes = this.#ports.shapes();
    if (shapes !== this.#shapes) {
      this.#shapes = shapes;
      this.#draft.addText(EntryKind.SHAPES, shapes);
    }
    // What ends messages last: one thread may have ended what another, whose ring comes later, had sent.
    for (const ends of [false, true]) {
      for (let i = 0; i < rings.length; i++) {
        const ring = rings[i];
        ring.visit(tails[i], (word) => {
          const kind = ring.words[word + FRAME_TYPE] & 0xff;
          if ((kind === EntryKind.DONE) === ends) this.#draft.add(ring, word);
        });
      }
    }
  }

  /** Writes the draft, and waits for the disk. */
  #write(): void {
    const file = this.#file as JournalFile;
    const batch = this.#draft.seal(this.#sequence, this.#ordinal);
    try {
      file.append(batch);
    } catch (error) {
      this.#cut(file);
      throw error;
    }
    try {
      file.sync();
    } catch (error) {
      // What the system held of the file may be gone, whatever a second sync says: go on in another.
      this.#abandon();
      throw error;
    }
    this.#bytes += batch.length;
    this.#sequence++;
    this.#draft.visit((memory, word, place) => {
      this.#live.apply(memory, word, () => this.#ordinal + place);
    });
    this.#ordinal += this.#draft.count;
    Atomics.add(this.#ports.control, JOURNAL_BATCHES, 1);
    Atomics.store(this.#ports.control, JOURNAL_KIB, Math.ceil(this.#totalBytes() / 1024));
  }

  /** Half a batch must not stand before the next one. */
  #cut(file: JournalFile): void {
    try {
      file.truncate(this.#bytes);
    } catch {
      this.#abandon();
    }
  }

  /** The open segment counts as far as it is known to be on disk; the next one says how far. */
  #abandon(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#segments.push({ number: this.#number, bytes: this.#bytes });
    try {
      file?.close();
    } catch {
      // It is given up already.
    }
  }

  #giveBack(): void {
    const { rings, wake } = this.#ports;
    for (let i = 0; i < rings.length; i++) {
      if (rings[i].head === this.#tails[i]) continue;
      rings[i].release(this.#tails[i]);
      if (rings[i].isWaitedFor()) wake(i);
    }
  }

  #openSegment(): void {
    if (this.#file !== undefined) return;
    const { files } = this.#ports;
    const number = this.#number + 1;
    const name = segmentName(number);
    const file = files.create(name);
    try {
      file.append(
        segmentHeader({
          run: this.#start.run,
          number,
          sequence: this.#sequence,
          previousBytes: this.#bytes,
        }),
      );
      file.sync();
      files.syncFolder();
    } catch (error) {
      file.close();
      files.remove(name);
      throw error;
    }
    this.#file = file;
    this.#number = number;
    this.#bytes = SEGMENT_BYTES;
    // Each segment can be read by itself: those before it will be gone.
    this.#draft.addText(EntryKind.RUN, this.#ports.mesh());
    this.#shapes = this.#ports.shapes();
    this.#draft.addText(EntryKind.SHAPES, this.#shapes);
  }

  #closeSegment(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#segments.push({ number: this.#number, bytes: this.#bytes });
  }

  /** With too many segments, what still counts of the oldest one is written again, and it goes. */
  #beginCleaning(): void {
    if (this.#cleaning !== undefined || this.#segments.length < this.#limit) return;
    const [oldest] = this.#segments;
    this.#cleaning = new SegmentCleaning(this.#ports.files, oldest.number, oldest.bytes);
  }

  #dropCleaned(): void {
    const { files } = this.#ports;
    const { number, bytes, rewritten } = this.#cleaning as SegmentCleaning;
    files.remove(segmentName(number));
    // Before the next one goes: were that to go first, what ends in it would begin again.
    files.syncFolder();
    this.#segments.shift();
    this.#cleaning = undefined;
    // Where most of it still counts, looking through more often would write the same again and again.
    if (rewritten > bytes / 2) this.#limit++;
    else this.#limit = Math.max(LEAST_SEGMENTS, this.#limit - 1);
  }

  #fail(error: unknown): void {
    this.#isFailing = true;
    this.#cleaning = undefined;
    // Those that were in the batch that failed are nowhere: without them nobody can read what is encoded with them.
    this.#shapes = "";
    this.#reclaim();
    this.#say(JournalState.FAILING, (error as NodeJS.ErrnoException).errno ?? -5);
    for (const [thread, ring] of this.#ports.rings.entries())
      if (ring.isWaitedFor()) this.#ports.wake(thread);
  }

  /** On a full disk: segments of which nothing counts any more can go without a byte being written. */
  #reclaim(): void {
    try {
      for (let [oldest] = this.#segments; oldest !== undefined; [oldest] = this.#segments) {
        this.#draft.clear();
        const cleaning = new SegmentCleaning(this.#ports.files, oldest.number, oldest.bytes);
        if (!cleaning.draft(this.#draft, this.#live) || this.#draft.count > 0) return;
        this.#cleaning = cleaning;
        this.#dropCleaned();
      }
    } catch {
      // Of the disk there is nothing better to be had now.
    } finally {
      this.#cleaning = undefined;
    }
  }

  #say(state: number, errno: number): void {
    Atomics.store(this.#ports.control, JOURNAL_ERRNO, Math.abs(errno));
    Atomics.store(this.#ports.control, JOURNAL_STATE, state);
  }

  #totalBytes(): number {
    let bytes = this.#file === undefined ? 0 : this.#bytes;
    for (const segment of this.#segments) bytes += segment.bytes;
    return bytes;
  }
}
