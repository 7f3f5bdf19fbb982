/** A line on a terminal that is written anew until it is taken away. */
import type { Output } from "./streams.ts";
import { cutTo } from "./text-width.ts";

const STANDARD_COLUMNS = 80;

/** One line of progress. */
export class Ticker {
  readonly #out: Output;
  #shown = "";

  constructor(out: Output) {
    this.#out = out;
  }

  /** Shows a line in the place of the last one; cut, for a wrapped line could not be taken back. */
  show(line: string): void {
    // A terminal that does not know its size says 0.
    const cut = cutTo(line, this.#out.columns || STANDARD_COLUMNS);
    if (cut === this.#shown) return;
    this.#shown = cut;
    this.#out.write(`\r${cut}\x1b[K`);
  }

  /** Takes the line away, if one is shown. */
  done(): void {
    if (this.#shown !== "") this.#out.write("\r\x1b[K");
    this.#shown = "";
  }
}
