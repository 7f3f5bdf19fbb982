/** Time comes in through this port, so that the simulator can hold the clock. */
export interface Clock {
  /** Milliseconds since the epoch, with fractions, monotonic within the mesh and equal on all its threads. */
  nowMs(): number;
}

/** Chance comes in through this port, so that a seed replays a run. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** Structured log of an actor: fields first, then the sentence. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}
