/** How far a boot is: a line that is written anew on a terminal, a few lines in a log. */
import type { MeshEvents } from "../../runtime/api/mesh-api.ts";
import { formatNumber } from "./format.ts";
import type { Output } from "./streams.ts";
import { Ticker } from "./ticker.ts";

const BAR_WIDTH = 24;
/** Of a boot that is not watched on a terminal, each quarter is told. */
const STEP = 25;

/** Tells of a boot. */
export class Progress {
  readonly #out: Output;
  readonly #ticker: Ticker;
  #toldPercent = -1;

  constructor(out: Output) {
    this.#out = out;
    this.#ticker = new Ticker(out);
  }

  /** Takes what the mesh reports; writes only when it would look different. */
  show({ ready, total }: MeshEvents["progress"]): void {
    const percent = total > 0 ? Math.floor((100 * ready) / total) : 100;
    const counts = `booting: ${formatNumber(ready)} / ${formatNumber(total)} agents`;
    if (this.#out.isTTY) {
      if (percent === this.#toldPercent) return;
      const filled = Math.floor((percent / 100) * BAR_WIDTH);
      const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
      this.#ticker.show(`${bar} ${counts}`);
      this.#toldPercent = percent;
    } else if (Math.floor(percent / STEP) > Math.floor(this.#toldPercent / STEP)) {
      this.#out.write(`${counts} (${percent}%)\n`);
      this.#toldPercent = percent;
    }
  }

  /** Ends the line, if one is open. */
  done(): void {
    this.#ticker.done();
  }
}
