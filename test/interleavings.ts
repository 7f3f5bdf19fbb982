// The protocols that are explored, in which sizes, and with which mistakes.
import { custodyMutants } from "./custody-mutants.ts";
import { type CustodyProtocolOptions, custodyProtocol } from "./custody-protocol.ts";
import type { Bounds, Protocol } from "./explorer.ts";
import { freezeMutants } from "./freeze-mutants.ts";
import { ringMutants } from "./ring-mutants.ts";
import { type RingProtocolOptions, ringProtocol } from "./ring-protocol.ts";
import type { Edit, Mutant } from "./stepped-code.ts";

export interface Case extends Bounds {
  readonly name: string;
  make(edits?: readonly Edit[]): Protocol;
}

export interface Explored {
  readonly name: string;
  /** Explored by each test run, whole where no bound is given; where mutants are looked for. */
  readonly small: readonly Case[];
  /** Explored on demand: 10^7 states and more in cases that are explored to the end. */
  readonly full: readonly Case[];
  readonly mutants: readonly Mutant[];
}

/** Where the largest cases stop, so that they end within minutes; what was seen by then is counted apart. */
const LARGE: Bounds = { maxStates: 4_000_000 };

function ringCase(options: RingProtocolOptions, bounds: Bounds = {}): Case {
  return {
    name: JSON.stringify(options),
    make: (edits) => ringProtocol(options, edits),
    ...bounds,
  };
}

function custodyCase(options: CustodyProtocolOptions, bounds: Bounds = {}): Case {
  return {
    name: JSON.stringify(options),
    make: (edits) => custodyProtocol(options, edits),
    ...bounds,
  };
}

export const explored: readonly Explored[] = [
  {
    name: "ring, lanes and doorbell",
    small: [
      ringCase({ frames: [1, 1, 1], batch: 1, producerDeaths: 0, consumerDeaths: 0 }),
      ringCase({ frames: [1, 1], batch: 2, producerDeaths: 1, consumerDeaths: 1 }),
      ringCase({ frames: [2, 3, 2, 1], batch: 1, producerDeaths: 0, consumerDeaths: 0 }),
      ringCase({ frames: [-1, 1], batch: 2, producerDeaths: 2, consumerDeaths: 0 }),
      ringCase({ frames: [1, 1], batch: 1, producerDeaths: 1, consumerDeaths: 0 }),
    ],
    full: [
      ringCase({ frames: [1, -1, 1], batch: 1, producerDeaths: 1, consumerDeaths: 1 }),
      ringCase({ frames: [1, 1, 1], batch: 1, producerDeaths: 1, consumerDeaths: 1 }),
      ringCase({ frames: [2, 3, 2, 1], batch: 2, producerDeaths: 1, consumerDeaths: 1 }),
      ringCase({ frames: [2, 3, 2, 1], batch: 1, producerDeaths: 1, consumerDeaths: 1 }),
      ringCase({ frames: [1, 1, 1], batch: 1, producerDeaths: 2, consumerDeaths: 1 }, LARGE),
    ],
    mutants: ringMutants,
  },
  {
    name: "custody, commit and succession",
    small: [
      custodyCase({ messages: 2, turnsACycle: 2, deaths: 1 }),
      custodyCase({ messages: 2, local: [0], turnsACycle: 3, deaths: 1 }),
      custodyCase({ messages: 2, suspended: [0], turnsACycle: 2, deaths: 1 }),
      custodyCase({ messages: 1, turnsACycle: 1, deaths: 0, looks: 1 }, { maxStates: 100_000 }),
    ],
    full: [
      custodyCase({ messages: 2, turnsACycle: 2, deaths: 2 }),
      custodyCase({ messages: 3, turnsACycle: 2, local: [0], suspended: [1], deaths: 2 }),
      custodyCase({ messages: 3, turnsACycle: 1, deaths: 1, looks: 1 }, LARGE),
    ],
    mutants: custodyMutants,
  },
  {
    name: "freeze and thaw",
    small: [
      custodyCase({ messages: 2, turnsACycle: 1, deaths: 0, freeze: true }),
      custodyCase({ messages: 1, turnsACycle: 1, deaths: 1, freeze: true }, { maxStates: 60_000 }),
    ],
    full: [
      custodyCase({ messages: 2, turnsACycle: 1, deaths: 1, freeze: true }),
      custodyCase({ messages: 2, turnsACycle: 2, deaths: 1, freeze: true }),
      custodyCase({ messages: 3, turnsACycle: 2, local: [0], deaths: 1, freeze: true }),
      custodyCase({ messages: 1, turnsACycle: 1, deaths: 2, freeze: true }),
    ],
    mutants: freezeMutants,
  },
];
