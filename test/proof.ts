// What a proof is: a question, and rows of fault, count and outcome.

export interface Row {
  readonly fault: string;
  readonly count: string;
  readonly outcome: string;
  /** False when something was lost, torn, doubled or not found. */
  readonly holds: boolean;
}

/** How much is to be tried. */
export interface Trial {
  /** The large numbers, instead of those of a few minutes. */
  readonly full: boolean;
  readonly seed: number;
  /** Seeds to simulate, where fewer are wanted than otherwise. */
  readonly seeds: number | undefined;
  /** Is told how far it is. */
  readonly tell: (line: string) => void;
}

export interface Proof {
  readonly name: string;
  readonly question: string;
  run(trial: Trial): Promise<readonly Row[]>;
}

/** Numbers as the page has them. */
export const number: Intl.NumberFormat = new Intl.NumberFormat("en-US");

/** So many of something. */
export function count(value: number, noun: string): string {
  return `${number.format(value)} ${noun}`;
}
