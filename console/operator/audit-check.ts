/** Reading an audit log again: what it says, and whether it is what was written. */
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ChainCheck, type ChainHead, EMPTY_CHAIN } from "../../coordination/log-chain.ts";
import { readAnchor } from "../../runtime/conflicts/chain-anchor.ts";
import { fingerprintOf } from "../../trust/identity.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import type { Verifier } from "../../trust/signatures.ts";
import type { AuditEntry } from "./audit-entry.ts";
import {
  type AuditPaths,
  checkpointBytes,
  entryOf,
  readHead,
  readLine,
  segmentsOf,
} from "./audit-file.ts";
import { auditKey } from "./audit-signer.ts";

/** What `audit verify` finds. */
export interface AuditVerdict {
  readonly ok: boolean;
  /** Where the log first is not what it was; null when it is whole. */
  readonly fault: string | null;
  readonly entries: number;
  /** First and last number of those that are kept. */
  readonly first: number;
  readonly last: number;
  /** Hash of the last: whoever notes it elsewhere can tell later whether the log still contains it. */
  readonly head: string;
  readonly checkpoints: number;
  /** Entries behind the last checkpoint: chained, and not yet signed. */
  readonly unsigned: number;
  /** Of the key that signed the checkpoints; null when there is none. */
  readonly signer: string | null;
  readonly segments: number;
}

/** What a log is held against, beside its own anchor. */
export interface AuditExpectation {
  /** Fingerprint of the key that has to have signed; default: the one written beside the log. */
  readonly signer?: string | undefined;
  /** A head that was noted earlier. */
  readonly head?: ChainHead | undefined;
  /** Of the running mesh, which knows how long its log is. */
  readonly live?: ChainHead | undefined;
}

/** Follows a log from its oldest segment to its end. */
export async function checkAudit(
  paths: AuditPaths,
  expected: AuditExpectation = {},
): Promise<AuditVerdict> {
  const run = new AuditRun(paths, expected);
  const names = segmentsOf(paths.folder);
  for (const [place, name] of names.entries()) {
    if (run.fault !== undefined) break;
    await run.segment(name, place === names.length - 1 && expected.live === undefined);
  }
  return run.verdict(names.length);
}

class AuditRun {
  readonly #paths: AuditPaths;
  readonly #expected: AuditExpectation;
  readonly #verifier: Verifier | undefined;
  readonly #anchor: ChainHead;
  #check: ChainCheck | undefined;
  #first = 0;
  #log = "";
  #entries = 0;
  #checkpoints = 0;
  #unsigned = 0;
  #begin = 0;
  readonly #let = new Set<number>([0]);
  #seen = false;
  fault: string | undefined;

  constructor(paths: AuditPaths, expected: AuditExpectation) {
    this.#paths = paths;
    this.#expected = expected;
    const key = auditKey(paths);
    this.#verifier = key && nativeSignatures.verifier(key);
    const anchor = readAnchor(paths.anchor);
    this.#anchor =
      expected.live === undefined || anchor.count > expected.live.count ? anchor : expected.live;
    const pinned = expected.signer;
    if (key === undefined) this.fault = `${paths.publicKey}: expected the key of the log's signer`;
    else if (pinned !== undefined && fingerprintOf(key) !== pinned.toLowerCase())
      this.fault = `signer: expected ${pinned}, got ${fingerprintOf(key)}`;
  }

  async segment(name: string, mayBeTorn: boolean): Promise<void> {
    const path = join(this.#paths.folder, name);
    let isFirst = true;
    // The last line of a log that is being written, or that was cut short by a kill, has no end yet.
    const torn = mayBeTorn && !endsWithLine(path);
    let held: string | undefined;
    for await (const line of createInterface({ input: createReadStream(path, "utf8") })) {
      if (isFirst) this.#opening(name, line);
      else if (held !== undefined) this.#line(held);
      held = isFirst ? undefined : line;
      isFirst = false;
      if (this.fault !== undefined) return;
      const { live } = this.#expected;
      if (live !== undefined && this.#check !== undefined && this.#check.head.count >= live.count)
        return;
    }
    if (isFirst) this.fault = `${name}: empty`;
    else if (held !== undefined && !torn) this.#line(held);
  }

  verdict(segments: number): AuditVerdict {
    const { head: noted } = this.#expected;
    this.fault ??= this.#check?.end();
    if (this.fault === undefined && segments === 0 && this.#anchor.count > 0)
      this.fault = `cut off: the anchor says that there were ${this.#anchor.count} entries, and there is no log`;
    if (this.fault === undefined && !this.#let.has(this.#begin))
      this.fault = `entry ${this.#begin}: everything up to it is gone, and the log has not let it go itself`;
    if (this.fault === undefined && noted !== undefined && !this.#seen)
      this.fault =
        noted.count <= this.#begin
          ? `entry ${noted.count}: let go since it was noted, so that nothing can be held against it: note a newer head`
          : `entry ${noted.count}: not the one whose hash was noted`;
    const head = this.#check?.head ?? EMPTY_CHAIN;
    return {
      ok: this.fault === undefined,
      fault: this.fault ?? null,
      entries: this.#entries,
      first: this.#first,
      last: head.count,
      head: head.hash,
      checkpoints: this.#checkpoints,
      unsigned: this.#unsigned,
      signer: this.#verifier === undefined ? null : fingerprintOf(this.#verifier.publicKey),
      segments,
    };
  }

  #opening(name: string, line: string): void {
    const head = readHead(line);
    if (head === undefined) {
      this.fault = `${name}: its first line is not that of a segment`;
      return;
    }
    const { log, before } = head;
    if (this.#check === undefined) {
      this.#check = new ChainCheck(this.#anchor, before);
      this.#first = before.count + 1;
      this.#begin = before.count;
      const { head: noted } = this.#expected;
      this.#seen = noted?.count === before.count && noted.hash === before.hash;
      this.#log = log;
    }
    const { count, hash } = this.#check.head;
    if (log !== this.#log) this.fault = `${name}: of another log`;
    else if (Number(name.slice(0, 16)) !== before.count + 1)
      this.fault = `${name}: its name is not the number of its first entry, ${before.count + 1}`;
    else if (before.count !== count || before.hash !== hash)
      this.fault = `${name}: does not follow from entry ${count}`;
  }

  #line(line: string): void {
    const check = this.#check as ChainCheck;
    const before = check.head;
    const read = readLine(line);
    if (read === undefined) {
      this.fault = `entry ${before.count + 1}: not a line of an audit log`;
      return;
    }
    if (!check.add(read.number, read.text, read.hash)) {
      this.fault = check.end();
      return;
    }
    const entry = entryOf(read.text);
    if (entry === undefined) {
      this.fault = `entry ${read.number}: not an entry`;
      return;
    }
    this.#entries++;
    const { head: noted } = this.#expected;
    if (read.number === noted?.count) {
      this.#seen = true;
      if (read.hash !== noted.hash)
        this.fault = `entry ${read.number}: not the one whose hash was noted`;
    }
    if (entry.kind === "log") this.#own(entry, before, read.number);
    else this.#unsigned++;
  }

  /** An entry of the log's own: a checkpoint, what it let go, what it found when it was opened. */
  #own({ what, more = {}, atMs }: AuditEntry, before: ChainHead, number: number): void {
    if (what === "rotated") this.#let.add(Number(more.through));
    if (what === "recovered" && more.isFault === true)
      this.fault = `entry ${number}: before it the log was not what it had been: ${String(more.found)}`;
    if (what !== "checkpoint") return;
    const signature = Buffer.from(String(more.signature), "base64");
    const isOf = more.count === before.count && more.hash === before.hash;
    if (!isOf || !this.#verifier?.verify(checkpointBytes(this.#log, before, atMs), signature)) {
      this.fault = `entry ${number}: its checkpoint is not signed by the log's signer`;
      return;
    }
    this.#checkpoints++;
    this.#unsigned = 0;
  }
}

function endsWithLine(path: string): boolean {
  const text = readFileSync(path, "latin1");
  return text === "" || text.endsWith("\n");
}

/** Which entries are wanted. */
export interface AuditQuery {
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  readonly outcome?: string | undefined;
  readonly number?: number | undefined;
  /** The newest so many. */
  readonly limit: number;
}

/** An entry with its number. */
export interface NumberedEntry extends AuditEntry {
  readonly number: number;
}

/** The newest entries that fit, oldest first; checkpoints are left out unless they are asked for. */
export async function readAudit(paths: AuditPaths, query: AuditQuery): Promise<NumberedEntry[]> {
  const found: NumberedEntry[] = [];
  for (const name of [...segmentsOf(paths.folder)].reverse()) {
    const inSegment: NumberedEntry[] = [];
    const input = createReadStream(join(paths.folder, name), "utf8");
    for await (const line of createInterface({ input })) {
      const read = readLine(line);
      const entry = read && entryOf(read.text);
      if (read === undefined || entry === undefined || !fits(read.number, entry, query)) continue;
      inSegment.push({ number: read.number, ...entry });
      if (inSegment.length > query.limit) inSegment.shift();
    }
    found.unshift(...inSegment);
    if (found.length >= query.limit) break;
  }
  return found.slice(-query.limit);
}

/** Whether an entry is among those that are wanted. */
export function fits(number: number, entry: AuditEntry, query: AuditQuery): boolean {
  if (query.number !== undefined) return number === query.number;
  if (query.what === undefined && entry.what === "checkpoint") return false;
  return (
    (query.who === undefined || entry.who === query.who) &&
    (query.what === undefined || entry.what === query.what) &&
    (query.outcome === undefined || entry.outcome === query.outcome)
  );
}
