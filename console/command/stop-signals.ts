/** SIGINT and SIGTERM: the first asks for an end in good order, the second ends at once. */
import { EXIT } from "../terminal/exit.ts";
import { type Face, say } from "./face.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Listens from its making to its disposal. */
export class StopSignals implements Disposable {
  readonly #face: Face;
  readonly #abort = new AbortController();
  readonly #onSignal = (signal: (typeof SIGNALS)[number]): void => this.#take(signal);
  #code: number = EXIT.ok;

  constructor(face: Face) {
    this.#face = face;
    for (const signal of SIGNALS) face.signals.on(signal, this.#onSignal);
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What a process ends with that such a signal ended: 130 or 143; 0 before one came. */
  get code(): number {
    return this.#code;
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) this.#face.signals.off(signal, this.#onSignal);
  }

  #take(signal: (typeof SIGNALS)[number]): void {
    const code = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
    if (this.#abort.signal.aborted) {
      say(this.#face, `${signal} again: stopped at once`);
      this.#face.exit(code);
      return;
    }
    this.#code = code;
    this.#abort.abort(new Error(`stopped by ${signal}`));
  }
}
