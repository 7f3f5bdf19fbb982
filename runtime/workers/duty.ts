import { lieDown, napUntilRing, nextRing, standUp, wakeUp } from "../../mailbox/doorbell.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";

/** How long cycles may follow each other before the event loop (I/O, timers of others) gets its turn, ms. */
const LOOP_SHARE_MS = 1;
/** Microtask turns given to awaiting handlers after a cycle, so that their next sends join the next one. */
const SETTLE_TURNS = 4;

/** A sleep shorter than this is not worth its two system calls, ms. */
const SHORT_SLEEP_MS = 0.15;
/** How long to look for work before a sleep that is expected to be short, ms. */
const LOOK_MS = 0.06;
/** Looks at the lanes between two readings of the clock. */
const LOOKS = 16;

/**
 * A release due within this time is waited for with the event loop standing still, ms: its timers are a
 * millisecond late or two, which is what a release may not be.
 */
const NAP_MS = 2;

/**
 * Whether it pays to look for work a moment longer instead of sleeping: it does while threads talk to each
 * other, when a sleep would end before it has begun, and not when they wait for time or the world. Learned
 * from the last sleeps, so an idle thread never looks and one that shares its core soon stops to.
 */
class Patience {
  #credit = 0;

  get pays(): boolean {
    return this.#credit > 0;
  }

  /** A sleep, or a look, has ended: was there work within a short sleep's time? */
  learn(soon: boolean): void {
    this.#credit = soon ? Math.min(8, this.#credit + 1) : Math.max(-4, this.#credit - 3);
  }
}

/** Looks for work for a moment; true when there was some. */
function lookLonger(dispatcher: Dispatcher): boolean {
  const { clock } = dispatcher.ports;
  const untilMs = clock.nowMs() + LOOK_MS;
  do {
    for (let i = 0; i < LOOKS; i++) if (!dispatcher.view.lanes.empty) return true;
  } while (clock.nowMs() < untilMs);
  return false;
}

/**
 * Runs a thread's duty cycle until `done` says so: cycle while there is work, let promises settle in
 * between, give the event loop its share, and sleep when there is nothing, without stopping the event loop.
 */
export async function runDuty(dispatcher: Dispatcher, done: () => boolean): Promise<void> {
  const { view, wheel, releases, ports } = dispatcher;
  const { control } = view;
  // `Atomics.waitAsync` alone does not keep a thread alive (nodejs/node#44409).
  const keepAlive = setInterval(() => {}, 2 ** 30);
  let alarm: NodeJS.Timeout | undefined;
  let alarmMs = Number.POSITIVE_INFINITY;
  let sharedMs = ports.clock.nowMs();
  const patience = new Patience();
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
      if (patience.pays && !dispatcher.busy) {
        const found = lookLonger(dispatcher);
        patience.learn(found);
        if (found) continue;
      }
      lieDown(control);
      if (dispatcher.busy || done()) {
        standUp(control);
        continue;
      }
      const releaseMs = releases.nextDueMs(dispatcher.nowMs);
      if (releaseMs <= NAP_MS) {
        const soonMs = Math.min(releaseMs, wheel.nextDueMs(dispatcher.nowMs));
        const leftMs = dispatcher.nowMs + soonMs - ports.clock.nowMs();
        if (leftMs > 0) napUntilRing(control, leftMs);
        standUp(control);
        // What the wheel shows may be due a turn of it later: naps in a row must not starve the event loop.
        if (ports.clock.nowMs() - sharedMs > LOOP_SHARE_MS) {
          await new Promise(setImmediate);
          sharedMs = ports.clock.nowMs();
        }
        continue;
      }
      const dueMs =
        dispatcher.nowMs + Math.min(wheel.nextDueMs(dispatcher.nowMs), releaseMs - NAP_MS);
      if (dueMs < alarmMs) {
        clearTimeout(alarm);
        alarmMs = dueMs;
        const delayMs = Math.min(Math.max(0, dueMs - ports.clock.nowMs()), 2 ** 31 - 1);
        alarm = setTimeout(() => {
          alarmMs = Number.POSITIVE_INFINITY;
          wakeUp(control);
        }, delayMs);
      }
      const lainDownMs = ports.clock.nowMs();
      const ring = nextRing(control);
      if (ring !== undefined) await ring;
      standUp(control);
      sharedMs = ports.clock.nowMs();
      patience.learn(sharedMs - lainDownMs < SHORT_SLEEP_MS && !view.lanes.empty);
    }
  } finally {
    clearTimeout(alarm);
    clearInterval(keepAlive);
    standUp(control);
  }
}
