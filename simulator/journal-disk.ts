import type { JournalFile, JournalFiles } from "../runtime/journal/journal-files.ts";

/**
 * Ways of a journal's disk to go wrong: it is full; it takes the beginning of a write and fails; it says that it cannot
 * write through, and what it held is gone.
 */
export const JOURNAL_FAULTS = ["full", "short", "unsynced"] as const;

export type JournalFault = (typeof JOURNAL_FAULTS)[number];

interface File {
  bytes: Uint8Array;
  /** So many of them are on the disk, whatever happens. */
  synced: number;
  /** What was written behind these cannot be written through any more; Infinity when all can. */
  sound: number;
}

/** The disk under a journal: a crash leaves what was written through, and of the rest a beginning, drawn. */
export class JournalDisk implements JournalFiles {
  readonly #files = new Map<string, File>();
  readonly #draw: () => number;
  fault: JournalFault | undefined;
  /** Writes and syncs that went wrong, and bytes of writes that a crash has cut off. */
  faults = 0;
  torn = 0;

  /** `draw` gives numbers from 0 to 1. */
  constructor(draw: () => number) {
    this.#draw = draw;
  }

  list(): readonly string[] {
    return [...this.#files.keys()];
  }

  read(name: string): Uint8Array {
    return this.#file(name).bytes.slice();
  }

  create(name: string): JournalFile {
    if (this.fault === "full") throw this.#error("ENOSPC", -28);
    const file: File = { bytes: new Uint8Array(0), synced: 0, sound: Number.POSITIVE_INFINITY };
    this.#files.set(name, file);
    return {
      append: (bytes) => this.#append(file, bytes),
      sync: () => this.#sync(file),
      truncate: (length) => {
        file.bytes = file.bytes.slice(0, length);
        file.synced = Math.min(file.synced, length);
      },
      close() {},
    };
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  syncFolder(): void {}

  /** The machine is gone, and comes back. */
  crash(): void {
    this.fault = undefined;
    for (const file of this.#files.values()) {
      const loose = file.bytes.length - file.synced;
      const kept = Math.floor(this.#draw() * (loose + 1));
      this.torn += loose - kept;
      // What could not be written through may be anything: here it is nothing.
      const whole = Math.max(file.synced, Math.min(file.synced + kept, file.sound));
      file.bytes = file.bytes.slice(0, whole);
      file.synced = whole;
      file.sound = Number.POSITIVE_INFINITY;
    }
  }

  #append(file: File, bytes: Uint8Array): void {
    const isShort = this.fault === "short";
    if (this.fault === "full") throw this.#error("ENOSPC", -28);
    const count = isShort ? Math.floor(this.#draw() * bytes.length) : bytes.length;
    const longer = new Uint8Array(file.bytes.length + count);
    longer.set(file.bytes);
    longer.set(bytes.subarray(0, count), file.bytes.length);
    file.bytes = longer;
    if (isShort) throw this.#error("EIO", -5);
  }

  #sync(file: File): void {
    if (this.fault === "unsynced") {
      file.sound = Math.min(file.sound, file.synced);
      throw this.#error("EIO", -5);
    }
    file.synced = Math.max(file.synced, Math.min(file.bytes.length, file.sound));
  }

  #error(code: string, errno: number): Error {
    this.faults++;
    return Object.assign(new Error(`${code}, as simulated`), { code, errno });
  }

  #file(name: string): File {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no file ${name}`);
    return file;
  }
}
