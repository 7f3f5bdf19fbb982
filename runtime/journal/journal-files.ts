import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** A file that is only written at its end. Every method throws what the system has to say. */
export interface JournalFile {
  /** Writes all of `bytes` behind what is there. */
  append(bytes: Uint8Array): void;
  /** Returns when everything appended is on disk. */
  sync(): void;
  /** Cuts the file to its first `bytes`, where the next append goes. */
  truncate(bytes: number): void;
  close(): void;
}

/** All that the journal asks of a file system, of one folder. Synchronous: its writer is a thread of its own. */
export interface JournalFiles {
  /** Names of the files in the folder. */
  list(): readonly string[];
  /** All bytes of a file, at the start of a buffer of its own. */
  read(name: string): Uint8Array;
  /** Makes a file that must not exist. */
  create(name: string): JournalFile;
  remove(name: string): void;
  /** Returns when it is on disk which files there are. */
  syncFolder(): void;
}

/** The real files of a folder, which is made when it is missing. */
export function openJournalFiles(folder: string): JournalFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The folder itself must survive too, or what is synced in it is nowhere.
  syncPath(dirname(folder));
  return {
    list: () => readdirSync(folder),
    read: (name) => new Uint8Array(readFileSync(join(folder, name))),
    create: (name) => createFile(join(folder, name)),
    remove: (name) => rmSync(join(folder, name)),
    syncFolder: () => syncPath(folder),
  };
}

function createFile(path: string): JournalFile {
  const file = openSync(path, "wx", 0o600);
  let end = 0;
  return {
    append(bytes) {
      for (let written = 0; written < bytes.length; )
        written += writeSync(file, bytes, written, bytes.length - written, end + written);
      end += bytes.length;
    },
    sync: () => fdatasyncSync(file),
    truncate(bytes) {
      ftruncateSync(file, bytes);
      end = bytes;
    },
    close: () => closeSync(file),
  };
}

function syncPath(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
