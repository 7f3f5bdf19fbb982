/**
 * The audit log of a running mesh: append-only, chained, signed at checkpoints, and bounded by letting its oldest
 * segments go. Every entry is handed to the system before `write` returns, so that it outlives a kill of the process;
 * what changes the mesh is on disk and anchored within {@link SYNC_MS}, a single command at once.
 *
 *     write ──▶ line ──▶ (now, or within 1 s) fdatasync ──▶ checkpoint, signed ──▶ anchor
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type ChainHead, EMPTY_CHAIN, extendChain } from "../../coordination/log-chain.ts";
import { ChainAnchor, readAnchor } from "../../runtime/conflicts/chain-anchor.ts";
import { type FolderLock, lockFolder } from "../../runtime/machine/folder-lock.ts";
import type { KeyEnvironment } from "../../runtime/trust/key-files.ts";
import type { Signer } from "../../trust/signatures.ts";
import { ConsoleError, sentenceOf } from "../terminal/exit.ts";
import type { AuditEntry } from "./audit-entry.ts";
import {
  type AuditPaths,
  auditPaths,
  checkpointBytes,
  readHead,
  readLine,
  segmentName,
  segmentsOf,
  writeHead,
  writeLine,
} from "./audit-file.ts";
import { auditSigner } from "./audit-signer.ts";

/** An entry is on disk and under a checkpoint this long after it was written, at the latest, ms. */
export const SYNC_MS = 1_000;
/** Between two syncs that commands cause by themselves, ms: what comes faster waits for the next. */
const APART_MS = 50;

/** Where, how long, and by whose clock. */
export interface AuditLogOptions {
  readonly dataDir: string;
  readonly env: KeyEnvironment;
  readonly nowMs: () => number;
  /** Bytes of a segment, after which another is begun. */
  readonly segmentBytes?: number;
  /** Segments kept; for one more, the oldest is deleted. */
  readonly segments?: number;
}

/** Where entries go; a mesh without a data folder keeps them in memory only. */
export interface AuditSink {
  /** Appends an entry. `isUrgent`: it should be on disk before what it tells of is done. */
  write(entry: AuditEntry, isUrgent: boolean): void;
  readonly head: ChainHead;
  /** Puts what was written on disk, under a checkpoint. */
  sync(): void;
  close(): void;
}

/** The log on disk; one process at a time. */
export class AuditLog implements AuditSink {
  readonly paths: AuditPaths;
  readonly #nowMs: () => number;
  readonly #signer: Signer;
  readonly #segmentBytes: number;
  readonly #segments: number;
  readonly #anchor: ChainAnchor;
  readonly #log: string;
  readonly #lock: FolderLock;
  #file: number;
  #bytes: number;
  #head: ChainHead;
  /** Where the chain was after the last checkpoint. */
  #checked = 0;
  #syncedMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Set when the disk took no more: what changes the mesh is then refused. */
  #broken: string | undefined;
  #closed = false;

  private constructor(options: AuditLogOptions, last: LastSegment | undefined, lock: FolderLock) {
    this.#lock = lock;
    this.#nowMs = options.nowMs;
    this.#segmentBytes = options.segmentBytes ?? 8 * 1_048_576;
    this.#segments = Math.max(2, options.segments ?? 32);
    this.paths = auditPaths(options.dataDir);
    this.#signer = auditSigner(this.paths, options.env);
    this.#log = last?.log ?? randomBytes(16).toString("hex");
    this.#head = last?.head ?? EMPTY_CHAIN;
    this.#anchor = new ChainAnchor(this.paths.anchor);
    if (last?.path === undefined) {
      this.#file = -1;
      this.#bytes = 0;
      this.#begin();
    } else {
      this.#file = openSync(last.path, "a", 0o600);
      this.#bytes = fstatSync(this.#file).size;
    }
  }

  /**
   * Opens the log of a data folder, and goes on where it ended. A last line that was cut short is dropped when it was
   * written after the last anchor; a log that is not what it was is left as it is, for `audit verify`, and a new
   * segment is begun behind it that says so.
   */
  static open(options: AuditLogOptions): AuditLog {
    const paths = auditPaths(options.dataDir);
    mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
    const lock = lockFolder(join(paths.folder, "lock"));
    try {
      return AuditLog.#openLocked(options, paths, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static #openLocked(options: AuditLogOptions, paths: AuditPaths, lock: FolderLock): AuditLog {
    const found = lastSegment(paths);
    const log = new AuditLog(options, found?.last, lock);
    if (found?.note !== undefined)
      log.#note("recovered", { found: found.note, isFault: found.last.path === undefined });
    return log;
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** What checkpoints are signed with, for whoever pins it. */
  get publicKey(): Uint8Array {
    return this.#signer.publicKey;
  }

  write(entry: AuditEntry, isUrgent: boolean): void {
    if (this.#closed || this.#broken !== undefined) this.#refuse();
    if (this.#bytes >= this.#segmentBytes) this.#rotate();
    this.#append(entry);
    const nowMs = this.#nowMs();
    if (isUrgent && nowMs - this.#syncedMs >= APART_MS) this.sync();
    else this.#timer ??= setTimeout(() => this.#syncLater(), SYNC_MS).unref();
  }

  sync(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed || this.#head.count === this.#checked) return;
    this.#guarded(() => {
      this.#checkpoint();
      fdatasyncSync(this.#file);
      this.#anchor.write(this.#head);
    });
    this.#syncedMs = this.#nowMs();
  }

  close(): void {
    if (this.#closed) return;
    try {
      this.sync();
    } finally {
      this.#closed = true;
      clearTimeout(this.#timer);
      closeSync(this.#file);
      this.#anchor.close();
      this.#lock.release();
    }
  }

  #refuse(): never {
    const why = this.#broken ?? "it is closed";
    throw new ConsoleError("CONSOLE_AUDIT", `audit: the log cannot be written: ${why}`);
  }

  #syncLater(): void {
    try {
      this.sync();
    } catch {
      // Whoever writes next is told.
    }
  }

  #append(entry: AuditEntry): void {
    const text = JSON.stringify(entry);
    const head = extendChain(this.#head, text);
    const line = Buffer.from(writeLine(head.count, head.hash, text));
    this.#guarded(() => {
      const written = writeSync(this.#file, line);
      if (written === line.length) return;
      // Half a line must not stand before the next one.
      ftruncateSync(this.#file, this.#bytes);
      throw new Error(`only ${written} of ${line.length} bytes could be written`);
    });
    this.#bytes += line.length;
    this.#head = head;
  }

  #checkpoint(): void {
    const atMs = Math.floor(this.#nowMs());
    const { count, hash } = this.#head;
    const signature = this.#signer.sign(checkpointBytes(this.#log, this.#head, atMs));
    const more = { count, hash, signature: Buffer.from(signature).toString("base64") };
    this.#append({ atMs, kind: "log", what: "checkpoint", who: "mesh", outcome: "done", more });
    this.#checked = this.#head.count;
  }

  #note(what: string, more: Record<string, unknown>): void {
    const atMs = Math.floor(this.#nowMs());
    this.#append({ atMs, kind: "log", what, who: "mesh", outcome: "done", more });
  }

  /** Another segment, whose first entry is a checkpoint of all that lies before it. */
  #begin(): void {
    const path = join(this.paths.folder, segmentName(this.#head.count + 1));
    const head = Buffer.from(writeHead({ log: this.#log, before: this.#head }));
    this.#guarded(() => {
      // Only what could not be gone on with can have this name.
      if (existsSync(path)) renameSync(path, `${path}.broken`);
      const file = openSync(path, "ax", 0o600);
      if (this.#file >= 0) {
        fdatasyncSync(this.#file);
        closeSync(this.#file);
      }
      this.#file = file;
      writeSync(file, head);
      const folder = openSync(this.paths.folder, "r");
      fsyncSync(folder);
      closeSync(folder);
    });
    this.#bytes = head.length;
    this.#checkpoint();
  }

  #rotate(): void {
    this.#begin();
    const names = segmentsOf(this.paths.folder);
    const gone = names.slice(0, -this.#segments);
    if (gone.length === 0) return;
    // Said first: whoever takes away more than this is found out.
    const [oldest] = names.slice(-this.#segments);
    this.#note("rotated", { through: Number(oldest.slice(0, 16)) - 1, segments: gone });
    for (const name of gone) rmSync(join(this.paths.folder, name));
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broken = sentenceOf(error);
      this.#refuse();
    }
  }
}

interface LastSegment {
  readonly log: string;
  /** Undefined: what is there cannot be gone on with, and another is begun behind it. */
  readonly path: string | undefined;
  readonly head: ChainHead;
}

/** How the newest segment ends, and what had to be done about it. */
function lastSegment(
  paths: AuditPaths,
): { readonly last: LastSegment; readonly note?: string } | undefined {
  const anchor = readAnchor(paths.anchor);
  const name = segmentsOf(paths.folder).at(-1);
  if (name === undefined) {
    if (anchor.count === 0) return undefined;
    const log = randomBytes(16).toString("hex");
    const note = `the anchor says that there were ${anchor.count} entries, and there is no log`;
    return { last: { log, path: undefined, head: anchor }, note };
  }
  const path = join(paths.folder, name);
  const text = readFileSync(path, "utf8");
  const end = text.lastIndexOf("\n") + 1;
  const [first = "", ...lines] = text.slice(0, end).split("\n").slice(0, -1);
  const head = readHead(first);
  let at: ChainHead | undefined = head?.before;
  for (const line of lines) {
    const read = at && readLine(line);
    const next = at && read && extendChain(at, read.text);
    at = next?.hash === read?.hash && next?.count === read?.number ? next : undefined;
    if (at === undefined) break;
  }
  if (head === undefined || at === undefined || at.count < anchor.count) {
    const behind = at !== undefined && at.count >= anchor.count ? at : anchor;
    const log = head?.log ?? randomBytes(16).toString("hex");
    const last = { log, path: undefined, head: behind };
    return { last, note: `${name} is not what it was` };
  }
  if (end === text.length) return { last: { log: head.log, path, head: at } };
  // The process ended within a write; what it had begun to say was not yet done.
  const file = openSync(path, "r+");
  ftruncateSync(file, Buffer.byteLength(text.slice(0, end)));
  closeSync(file);
  const note = `the last line was cut short after ${text.length - end} characters`;
  return { last: { log: head.log, path, head: at }, note };
}

/** The last entries in memory, chained like those on disk: for a mesh without a data folder. */
export class MemoryAudit implements AuditSink {
  readonly #most: number;
  readonly entries: { readonly number: number; readonly entry: AuditEntry }[] = [];
  #head: ChainHead = EMPTY_CHAIN;

  constructor(most = 1_000) {
    this.#most = most;
  }

  get head(): ChainHead {
    return this.#head;
  }

  write(entry: AuditEntry): void {
    this.#head = extendChain(this.#head, JSON.stringify(entry));
    this.entries.push({ number: this.#head.count, entry });
    if (this.entries.length > this.#most) this.entries.shift();
  }

  sync(): void {}

  close(): void {}
}
