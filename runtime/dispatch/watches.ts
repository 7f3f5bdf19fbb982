import { NOT_STARTED, QUARANTINED, STOPPED, VACANT_SEAT } from "../../coordination/agent-state.ts";
import { FLAG_LOST } from "../../coordination/registry.ts";
import type { EndReason } from "./agents.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * Death watch: who wants to hear of whose end. Kept where the watched actor lives; a watch across threads is
 * asked for there, and asked for again when that thread comes back from the dead.
 */
export class Watches {
  readonly #dispatcher: Dispatcher;
  /** By watched actor of this thread. */
  readonly #watchers = new Map<number, Set<number>>();
  /** Actors of other threads, with their watchers on this one. */
  readonly #remote = new Map<number, Set<number>>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  watch(watcher: number, watched: number): void {
    if (this.#isLocal(watched)) {
      const end = this.#endOf(watched);
      if (end !== undefined) this.#tell(watcher, watched, end);
      else add(this.#watchers, watched, watcher);
      return;
    }
    add(this.#remote, watched, watcher);
    this.#ask("watch", watcher, watched);
  }

  unwatch(watcher: number, watched: number): void {
    if (this.#isLocal(watched)) {
      this.#watchers.get(watched)?.delete(watcher);
      return;
    }
    this.heard(watcher, watched);
    this.#ask("unwatch", watcher, watched);
  }

  /** The watcher of this thread has been told of the end: there is nothing to ask for again. */
  heard(watcher: number, watched: number): void {
    const watchers = this.#remote.get(watched);
    if (watchers?.delete(watcher) === true && watchers.size === 0) this.#remote.delete(watched);
  }

  /** A thread has a new incarnation: what it was asked to watch it has forgotten. */
  renew(thread: number): void {
    const { placement } = this.#dispatcher.view;
    for (const [watched, watchers] of this.#remote) {
      if (placement[watched] !== thread) continue;
      for (const watcher of watchers) this.#ask("watch", watcher, watched);
    }
  }

  /** Who of this thread watches whom. */
  *ofThisThread(): Iterable<readonly [watcher: number, watched: number]> {
    for (const [watched, watchers] of this.#watchers)
      for (const watcher of watchers) if (this.#isLocal(watcher)) yield [watcher, watched];
    for (const [watched, watchers] of this.#remote)
      for (const watcher of watchers) yield [watcher, watched];
  }

  /** The actor of this thread has ended. */
  ended(watched: number, reason: EndReason): void {
    const watchers = this.#watchers.get(watched);
    if (watchers === undefined) return;
    this.#watchers.delete(watched);
    for (const watcher of watchers) this.#tell(watcher, watched, reason);
  }

  /**
   * How an actor of this thread has ended; undefined while it lives. Who waits for a restart, or has yet to
   * begin in the start of its worker, has no incarnation either, but will have one.
   */
  #endOf(watched: number): EndReason | undefined {
    const { registry, topology } = this.#dispatcher.view;
    switch (registry.state[watched]) {
      case VACANT_SEAT:
        return "stopped";
      case STOPPED:
        return (registry.flags[watched] & FLAG_LOST) === 0 ? "stopped" : "lost";
      case QUARANTINED:
        return "failed";
      case NOT_STARTED:
        return watched >= topology.spawnBase ? "stopped" : undefined;
      default:
        return undefined;
    }
  }

  #tell(watcher: number, watched: number, reason: EndReason): void {
    this.#dispatcher.outbox.signal(watched, watcher, {
      type: "terminated",
      actor: watched,
      reason,
    });
    this.#dispatcher.nudge();
  }

  #ask(verb: "watch" | "unwatch", watcher: number, watched: number): void {
    this.#dispatcher.outbox.control(watched, 0, { verb, watcher });
    this.#dispatcher.nudge();
  }

  #isLocal(actor: number): boolean {
    const { view } = this.#dispatcher;
    return view.placement[actor] === view.thread;
  }
}

function add(map: Map<number, Set<number>>, key: number, value: number): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([value]));
  else set.add(value);
}
