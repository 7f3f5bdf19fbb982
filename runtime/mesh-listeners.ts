import type { MeshEvents } from "./mesh-api.ts";

type Listener<E extends keyof MeshEvents> = (detail: MeshEvents[E]) => void;

/** Who listens to which event; a listener that throws is its own problem, not the mesh's. */
export class MeshListeners {
  readonly #listeners = new Map<keyof MeshEvents, Set<Listener<never>>>();

  /** Returns the function that takes the listener away again. */
  on<E extends keyof MeshEvents>(event: E, listener: Listener<E>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener as Listener<never>);
    return () => set.delete(listener as Listener<never>);
  }

  emit<E extends keyof MeshEvents>(event: E, detail: MeshEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as Listener<E>)(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
