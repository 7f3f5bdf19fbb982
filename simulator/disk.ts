import { type Append, type ConflictLog, promised } from "../runtime/api/conflict-log.ts";
import { MemoryLog } from "../runtime/conflicts/memory-log.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * Ways of a disk to go wrong: it takes nothing; it takes what it is given and does not say so; it takes its time.
 */
export const DISK_FAULTS = ["full", "silent", "slow"] as const;

export type DiskFault = (typeof DISK_FAULTS)[number];

/** A write to a slow disk takes this long, ms. */
const SLOW_MS = 400;

/** The disk under the log of conflicts: what it has said to have taken, it has. */
export class Disk {
  readonly #time: VirtualTime;
  readonly #file = new MemoryLog();
  #fault: DiskFault | undefined;
  #untilMs = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** From now on until then it goes wrong in this way. */
  spoil(fault: DiskFault, untilMs: number): void {
    this.#fault = fault;
    this.#untilMs = untilMs;
  }

  /** Nothing is wrong with it any more. */
  heal(): void {
    this.#fault = undefined;
  }

  /** What is really on it. */
  get file(): MemoryLog {
    return this.#file;
  }

  /** The log on it, as its mesh sees it. */
  get log(): ConflictLog {
    return { ...promised(this.#file), append: (entries, after) => this.#append(entries, after) };
  }

  async #append(
    entries: readonly Append[],
    after: number | undefined,
  ): ReturnType<ConflictLog["append"]> {
    const fault = this.#time.currentMs < this.#untilMs ? this.#fault : undefined;
    if (fault === "slow")
      await new Promise<void>((resolve) => {
        this.#time.later(SLOW_MS, resolve);
      });
    if (fault === "full") throw new Error("ENOSPC: no space left on device, write, as simulated");
    // The call before succeeded, and nobody heard of it.
    const hasAlready = after !== undefined && this.#file.head().count === after + entries.length;
    if (!hasAlready) this.#file.append(entries);
    if (fault === "silent") throw new Error("EIO: i/o error, fdatasync, as simulated");
    return this.#file.head();
  }
}
