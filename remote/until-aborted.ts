/** The promise, or the reason of whichever signal aborts before. */
export function untilAborted<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = ({ target }: Event): void => reject((target as AbortSignal).reason);
    for (const signal of signals) signal.addEventListener("abort", onAbort, { once: true });
    const done = (): void => {
      for (const signal of signals) signal.removeEventListener("abort", onAbort);
    };
    promise.then(resolve, reject).finally(done);
  });
}
