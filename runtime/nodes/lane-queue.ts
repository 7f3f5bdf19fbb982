import type { Dispatcher } from "../dispatch/dispatcher.ts";

/** What found its lane full is tried again after this time, ms. */
const RETRY_MS = 1;

/** What main puts onto the lanes of its threads for other nodes: at once, or in order when there is room. */
export class LaneQueue {
  readonly #dispatcher: Dispatcher;
  readonly #stuck: (() => boolean)[] = [];
  #timer = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** `place` says whether there was room. It is bounded by what other nodes hold until they hear of its end. */
  place(place: () => boolean): void {
    if (this.#stuck.length === 0 && place()) return;
    this.#stuck.push(place);
    this.#retrySoon();
  }

  #retrySoon(): void {
    if (this.#timer !== 0) return;
    const { wheel, nowMs } = this.#dispatcher;
    this.#timer = wheel.schedule(nowMs + RETRY_MS, { onTimer: () => this.#retry() }, 0);
  }

  #retry(): void {
    this.#timer = 0;
    let placed = 0;
    while (placed < this.#stuck.length && this.#stuck[placed]()) placed++;
    this.#stuck.splice(0, placed);
    if (this.#stuck.length > 0) this.#retrySoon();
  }
}
