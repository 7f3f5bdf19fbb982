import { lieDown, nextRing, ringDoorbell, standUp } from "../mailbox/doorbell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** How long cycles may follow each other before the event loop (I/O, timers of others) gets its turn, ms. */
const LOOP_SHARE_MS = 1;
/** Microtask turns given to awaiting handlers after a cycle, so that their next sends join the next one. */
const SETTLE_TURNS = 4;

/**
 * Runs a thread's duty cycle until `done` says so: cycle while there is work, let promises settle in
 * between, give the event loop its share, and sleep when there is nothing, without stopping the event loop.
 */
export async function runDuty(dispatcher: Dispatcher, done: () => boolean): Promise<void> {
  const { view, wheel, ports } = dispatcher;
  const { control } = view;
  // `Atomics.waitAsync` alone does not keep a thread alive (nodejs/node#44409).
  const keepAlive = setInterval(() => {}, 2 ** 30);
  let alarm: NodeJS.Timeout | undefined;
  let alarmMs = Number.POSITIVE_INFINITY;
  let sharedMs = ports.clock.nowMs();
  try {
    while (!done()) {
      if (dispatcher.cycle()) {
        for (let i = 0; i < SETTLE_TURNS; i++) await undefined;
        if (dispatcher.nowMs - sharedMs > LOOP_SHARE_MS) {
          dispatcher.clockStale = true;
          await new Promise(setImmediate);
          sharedMs = dispatcher.nowMs;
        }
        continue;
      }
      dispatcher.clockStale = true;
      lieDown(control);
      if (dispatcher.busy || done()) {
        standUp(control);
        continue;
      }
      const dueMs = dispatcher.nowMs + wheel.nextDueMs(dispatcher.nowMs);
      if (dueMs < alarmMs) {
        clearTimeout(alarm);
        alarmMs = dueMs;
        const delayMs = Math.min(Math.max(0, dueMs - ports.clock.nowMs()), 2 ** 31 - 1);
        alarm = setTimeout(() => {
          alarmMs = Number.POSITIVE_INFINITY;
          ringDoorbell(control);
        }, delayMs);
      }
      const ring = nextRing(control);
      if (ring !== undefined) await ring;
      standUp(control);
      sharedMs = dispatcher.nowMs;
    }
  } finally {
    clearTimeout(alarm);
    clearInterval(keepAlive);
    standUp(control);
  }
}
