/** Who listens to which event; a listener that throws is its own problem, not that of who tells. */
export class Listeners<Events> {
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>();

  /** Returns the function that takes the listener away again. */
  on<E extends keyof Events>(event: E, listener: (detail: Events[E]) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener as (detail: never) => void);
    return () => set.delete(listener as (detail: never) => void);
  }

  emit<E extends keyof Events>(event: E, detail: Events[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (detail: Events[E]) => void)(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
