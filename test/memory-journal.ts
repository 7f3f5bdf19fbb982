// Files of a journal in memory, which remember what a disk would: what is written, what is synced, and what fails.
import type { JournalFile, JournalFiles } from "../runtime/journal/journal-files.ts";

interface Entry {
  bytes: Uint8Array;
  /** As of the last sync. */
  synced: Uint8Array;
}

/** What the journal asked for, in its order. */
export type JournalStep =
  | { readonly do: "create" | "remove" | "sync" | "close"; readonly name: string }
  | { readonly do: "append"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly do: "truncate"; readonly name: string; readonly length: number }
  | { readonly do: "sync-folder" };

export class MemoryJournal implements JournalFiles {
  readonly files: Map<string, Entry> = new Map();
  readonly steps: JournalStep[] = [];
  /** Throws for a step that is to fail; `half` of an append is written before it does. */
  fault: (step: JournalStep) => { readonly errno: number; readonly half?: boolean } | undefined =
    () => undefined;

  list(): readonly string[] {
    return [...this.files.keys()];
  }

  read(name: string): Uint8Array {
    return this.#entry(name).bytes.slice();
  }

  create(name: string): JournalFile {
    this.#step({ do: "create", name });
    if (this.files.has(name)) throw new Error(`${name} exists`);
    this.files.set(name, { bytes: new Uint8Array(0), synced: new Uint8Array(0) });
    return {
      append: (bytes) => this.#append(name, bytes),
      sync: () => {
        this.#step({ do: "sync", name });
        const entry = this.#entry(name);
        entry.synced = entry.bytes;
      },
      truncate: (length) => {
        this.#step({ do: "truncate", name, length });
        const entry = this.#entry(name);
        entry.bytes = entry.bytes.slice(0, length);
      },
      close: () => this.#step({ do: "close", name }),
    };
  }

  remove(name: string): void {
    this.#step({ do: "remove", name });
    this.files.delete(name);
  }

  syncFolder(): void {
    this.#step({ do: "sync-folder" });
  }

  /** The same files with other bytes in one of them. */
  with(name: string, bytes: Uint8Array): MemoryJournal {
    const copy = new MemoryJournal();
    for (const [each, entry] of this.files) copy.files.set(each, { ...entry });
    copy.files.set(name, { bytes, synced: bytes });
    return copy;
  }

  #append(name: string, bytes: Uint8Array): void {
    const entry = this.#entry(name);
    const kept = bytes.slice();
    const put = (part: Uint8Array): void => {
      const whole = new Uint8Array(entry.bytes.length + part.length);
      whole.set(entry.bytes);
      whole.set(part, entry.bytes.length);
      entry.bytes = whole;
    };
    try {
      this.#step({ do: "append", name, bytes: kept });
    } catch (error) {
      if ((error as { half?: boolean }).half === true) put(kept.subarray(0, kept.length >>> 1));
      throw error;
    }
    put(kept);
  }

  #step(step: JournalStep): void {
    const fault = this.fault(step);
    if (fault !== undefined)
      throw Object.assign(new Error(`${step.do} failed`), {
        errno: -fault.errno,
        half: fault.half,
      });
    this.steps.push(step);
  }

  #entry(name: string): Entry {
    const entry = this.files.get(name);
    if (entry === undefined) throw new Error(`there is no ${name}`);
    return entry;
  }
}
