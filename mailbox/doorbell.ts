import { CONTROL_PARKED } from "./layout.ts";

/**
 * Wakes the thread whose control block is given, if it sleeps. Call after publishing: the sleeper says that
 * it will sleep before it looks for work a last time, so one of the two sees the other.
 */
export function ringDoorbell(control: Int32Array): void {
  if (
    Atomics.load(control, CONTROL_PARKED) === 1 &&
    Atomics.compareExchange(control, CONTROL_PARKED, 1, 0) === 1
  ) {
    // All: a wait that the sleeper gave up with standUp() is still listed, before the one that counts.
    Atomics.notify(control, CONTROL_PARKED);
  }
}

/**
 * Wakes the thread whatever its control block says: a thread that died between the two steps of
 * {@link ringDoorbell} has left a sleeper that looks awake. For successors and alarms, which are rare.
 */
export function wakeUp(control: Int32Array): void {
  Atomics.store(control, CONTROL_PARKED, 0);
  Atomics.notify(control, CONTROL_PARKED);
}

/**
 * Says that this thread is about to sleep. It must then look for work once more, and {@link standUp} if
 * there is any.
 */
export function lieDown(control: Int32Array): void {
  Atomics.store(control, CONTROL_PARKED, 1);
}

export function standUp(control: Int32Array): void {
  Atomics.store(control, CONTROL_PARKED, 0);
}

/**
 * Sleeps until the next ring, or `ms` (fractions count), with the whole thread: for moments that timers are
 * too coarse for, and for no longer.
 */
export function napUntilRing(control: Int32Array, ms: number): void {
  Atomics.wait(control, CONTROL_PARKED, 1, ms);
}

/**
 * A promise of the next ring, or undefined when it has rung already. `Atomics.waitAsync` leaves timers,
 * sockets and promises of the thread running, unlike `Atomics.wait`; but it does not keep the event loop
 * alive, so whoever awaits this must hold a referenced handle. No time-out is passed: cancelled ones are
 * never given back (nodejs/node#44409); a timer of the caller's rings instead.
 */
export function nextRing(control: Int32Array): Promise<unknown> | undefined {
  const wait = Atomics.waitAsync(control, CONTROL_PARKED, 1);
  return wait.async ? wait.value : undefined;
}
