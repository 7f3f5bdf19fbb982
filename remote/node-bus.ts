import type { LeaseWrite, LeaseWritten, NodeRecord, PostRecord } from "./lease-records.ts";

/** What nodes need of whatever carries their words: at most once, in order, and one bucket of records for all. */
export interface NodeBus {
  /** Whether it carries anything at this moment. */
  readonly connected: boolean;
  /** Longest message that it carries, bytes. */
  readonly maxBytes: number;
  /** Says something to whoever listens at `subject`; nothing when nobody does, or nothing is carried. */
  publish(subject: string, bytes: Uint8Array): void;
  /** `*` stands for one part of a subject. */
  subscribe(subject: string, listener: (bytes: Uint8Array, subject: string) => void): void;
  write(write: LeaseWrite): Promise<LeaseWritten>;
  /** Hears of every record as it is, and of each change; resolves when all that stand now have been told. */
  watch(listener: RecordListener): Promise<void>;
  /** Keeps something under a name for whoever comes next; false when it could not be kept. */
  keep(name: string, bytes: Uint8Array): Promise<boolean>;
  /** What is kept under a name; undefined when nothing is, or cannot be had. */
  kept(name: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

export interface RecordListener {
  onEntry(key: string, value: NodeRecord | PostRecord, revision: number): void;
  /** The bucket is another one: what it had is lost. */
  onReset(): void;
  /** It carries again, or no more. */
  onConnection(connected: boolean): void;
}
