import { ReportFlag } from "../../mailbox/operation-frame.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Estate } from "./estates.ts";
import type { Part } from "./part.ts";
import { SectorReports } from "./sector-reports.ts";

/**
 * This thread as backup coordinator of sectors whose own thread is away: it says at the end of each operation how
 * the sector stands, from the progress in custody, so that the operation ends in time and whoever was READY
 * counts. It stops when the seat is another's, as it is once the successor is up.
 */
export class Deputies {
  readonly #dispatcher: Dispatcher;
  #reports: SectorReports | undefined;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Looks after the operations in the custody of `thread`, for those of its sectors that are this thread's now. */
  assume(thread: number): void {
    const { view, plan, wheel } = this.#dispatcher;
    const estate = new Estate(plan, view.topology, thread);
    for (const part of estate.parts()) {
      const { holder, term } = view.seats.coordinator(part.sector);
      const endMs = part.closeMs || part.deadlineMs;
      if (holder !== view.thread || endMs === 0) continue;
      const onTimer = (): void => this.#speak(estate, part, term);
      wheel.schedule(endMs, { onTimer }, 0);
    }
  }

  #speak(estate: Estate, seen: Part, term: number): void {
    const { seats, thread } = this.#dispatcher.view;
    const seat = seats.coordinator(seen.sector);
    if (seat.term !== term || seat.holder !== thread) return;
    const part = estate.again(seen);
    if (part === undefined) return;
    this.#reports ??= new SectorReports(this.#dispatcher);
    this.#reports.send(part, ReportFlag.FINAL, term);
    this.#dispatcher.touch();
  }
}
