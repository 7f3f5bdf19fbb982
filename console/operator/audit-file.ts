/**
 * How the audit log lies on disk: segments of lines, oldest first, in a folder of their own.
 *
 *     audit/0000000000000001.log   first line   mesh-30k-audit 1 LOG COUNT HASH     where the chain was before
 *                                  then         NUMBER HASH JSON                    one entry a line
 *     audit/anchor                 how long the chain is known to have been
 *     audit/signer.sealed, signer.pub           what signs checkpoints
 *
 * A segment is named after the number of its first entry. Entries are chained (coordination/log-chain.ts) across
 * segments. A checkpoint is an entry that signs the count and hash before it.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ChainHead } from "../../coordination/log-chain.ts";
import type { AuditEntry } from "./audit-entry.ts";

/** Where the parts of a log are. */
export interface AuditPaths {
  readonly folder: string;
  readonly anchor: string;
  readonly signer: string;
  readonly publicKey: string;
}

export function auditPaths(dataDir: string): AuditPaths {
  const folder = join(dataDir, "audit");
  return {
    folder,
    anchor: join(folder, "anchor"),
    signer: join(folder, "signer.sealed"),
    publicKey: join(folder, "signer.pub"),
  };
}

/** True when a data folder has an audit log. */
export function hasAudit(dataDir: string): boolean {
  return segmentsOf(auditPaths(dataDir).folder).length > 0;
}

/** The segments of a folder by name, oldest first. */
export function segmentsOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d{16}\.log$/.test(name))
    .sort();
}

export function segmentName(firstNumber: number): string {
  return `${String(firstNumber).padStart(16, "0")}.log`;
}

/** What the first line of a segment says. */
export interface SegmentHead {
  /** Names the log: 32 hexadecimal digits, drawn when it was begun. */
  readonly log: string;
  readonly before: ChainHead;
}

export function writeHead({ log, before }: SegmentHead): string {
  return `mesh-30k-audit 1 ${log} ${before.count} ${before.hash}\n`;
}

export function readHead(line: string): SegmentHead | undefined {
  const match = /^mesh-30k-audit 1 ([0-9a-f]{32}) (\d{1,15}) ([0-9a-f]{64})$/.exec(line);
  if (match === null) return undefined;
  return { log: match[1], before: { count: Number(match[2]), hash: match[3] } };
}

export function writeLine(number: number, hash: string, text: string): string {
  return `${number} ${hash} ${text}\n`;
}

/** A line as it is read. */
export interface AuditLine {
  readonly number: number;
  readonly hash: string;
  readonly text: string;
}

export function readLine(line: string): AuditLine | undefined {
  const match = /^(\d{1,15}) ([0-9a-f]{64}) (.+)$/.exec(line);
  return match === null ? undefined : { number: Number(match[1]), hash: match[2], text: match[3] };
}

/** The entry in a line; undefined when it is none. */
export function entryOf(text: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === "object" && entry !== null && "what" in entry
      ? (entry as AuditEntry)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What a checkpoint signs: the log, how long it was, and its hash then. */
export function checkpointBytes(log: string, { count, hash }: ChainHead, atMs: number): Uint8Array {
  return new TextEncoder().encode(`mesh30k/audit/1\n${log}\n${count}\n${hash}\n${atMs}`);
}
