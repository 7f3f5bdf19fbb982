/** How far a simulation is: a line that is written anew on a terminal, a line for each tenth in a log. */

import { formatDuration, formatNumber } from "../terminal/format.ts";
import type { Output } from "../terminal/streams.ts";
import { Ticker } from "../terminal/ticker.ts";

const STEP = 10;

/** Tells of a run, or of a sweep. */
export class SimulationProgress {
  readonly #out: Output;
  readonly #ticker: Ticker;
  #toldPercent = 0;

  constructor(out: Output) {
    this.#out = out;
    this.#ticker = new Ticker(out);
  }

  /** So much virtual time has passed. */
  time(elapsedMs: number, forMs: number): void {
    const percent = Math.floor((100 * Math.min(elapsedMs, forMs)) / forMs);
    this.#show(percent, `simulated ${formatDuration(elapsedMs)} of ${formatDuration(forMs)}`);
  }

  /** So many seeds have been run. */
  seeds(run: number, of: number): void {
    this.#show(Math.floor((100 * run) / of), `${formatNumber(run)} of ${formatNumber(of)} seeds`);
  }

  done(): void {
    this.#ticker.done();
  }

  #show(percent: number, sentence: string): void {
    if (percent <= this.#toldPercent) return;
    if (this.#out.isTTY === true) {
      this.#ticker.show(`${sentence} (${percent}%)`);
    } else {
      if (Math.floor(percent / STEP) === Math.floor(this.#toldPercent / STEP)) return;
      this.#out.write(`${sentence} (${percent}%)\n`);
    }
    this.#toldPercent = percent;
  }
}
