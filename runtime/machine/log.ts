import { pino } from "pino";
import type { Log } from "../../actors/ports.ts";

/** Where and how much a thread logs. */
export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** A file; stderr when absent. */
  readonly file: string | undefined;
  /** `main`, `worker-1`, … */
  readonly thread: string;
}

/**
 * NDJSON by pino. Written synchronously to its file descriptor: a worker's asynchronous output would pass
 * through main's event loop and be lost with the worker, just when it matters.
 */
export function createLog(options: LogOptions): Log {
  const destination = pino.destination({ dest: options.file ?? 2, sync: true });
  return pino({ level: options.level, base: { thread: options.thread } }, destination);
}
