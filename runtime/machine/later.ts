/** Does something after a while; returns what calls it off. A port, so that the simulator can hold the time. */
export type Later = (delayMs: number, act: () => void) => () => void;

/** By the timers of this thread's event loop. */
export const systemLater: Later = (delayMs, act) => {
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
};

/** Lets the event loop of this thread have a turn. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
