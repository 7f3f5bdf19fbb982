/**
 * How much a mesh still dares to do (spec 6.3): by the share of its agents that are active, one of five modes, each
 * with all restrictions of those before it.
 *
 * Against flapping, a worse mode is taken when it has been due for five seconds, a heartbeat's time (a worker that is
 * replaced is back sooner), and a better one when the share has been two points above its bound for as long.
 */

export type OperatingMode =
  | "FULL"
  | "DEGRADED_LIGHT"
  | "DEGRADED_MODERATE"
  | "DEGRADED_SEVERE"
  | "EMERGENCY";

/** What a mode forbids and changes. */
export interface ModeLimits {
  /** Background work (priority 0, probes for the sake of estimates) goes on. */
  readonly background: boolean;
  /** Waits for a retry, and timeouts that nobody asked for, are this many times as long. */
  readonly patience: number;
  /** Operations go to healthy sectors only. */
  readonly healthyOnly: boolean;
  /** Agents that one scatter operation may reach. */
  readonly maxScatter: number;
  /** Operations below this priority wait until the mode improves. */
  readonly leastPriority: number;
  /** Operations on more than half of the mesh need a person's consent. */
  readonly approval: boolean;
  /** Nothing begins by itself: what is not critical is refused. */
  readonly halted: boolean;
}

/** A mode as the specification states it. */
export interface ModeEntry {
  readonly mode: OperatingMode;
  /** The mode begins at this share of active agents. */
  readonly leastRate: number;
  readonly description: string;
  /** What comes on top of the modes before it. */
  readonly restrictions: readonly string[];
  readonly limits: ModeLimits;
}

const FREE: ModeLimits = {
  background: true,
  patience: 1,
  healthyOnly: false,
  maxScatter: Infinity,
  leastPriority: 0,
  approval: false,
  halted: false,
};
const LIGHT: ModeLimits = { ...FREE, background: false, patience: 2 };
const MODERATE: ModeLimits = {
  ...LIGHT,
  patience: 4,
  healthyOnly: true,
  maxScatter: 1_000,
  leastPriority: 2,
};
const SEVERE: ModeLimits = { ...MODERATE, patience: 8, leastPriority: 3, approval: true };

/** Best first. */
export const MODES: readonly ModeEntry[] = Object.freeze([
  {
    mode: "FULL",
    leastRate: 0.95,
    description: "All systems nominal",
    restrictions: [],
    limits: FREE,
  },
  {
    mode: "DEGRADED_LIGHT",
    leastRate: 0.8,
    description: "Minor capacity reduction",
    restrictions: ["Disable non-critical background tasks", "Increase retry timeouts"],
    limits: LIGHT,
  },
  {
    mode: "DEGRADED_MODERATE",
    leastRate: 0.6,
    description: "Significant capacity reduction",
    restrictions: [
      "Route to healthy sectors only",
      "Disable scatter operations over 1000 agents",
      "Queue non-urgent operations",
    ],
    limits: MODERATE,
  },
  {
    mode: "DEGRADED_SEVERE",
    leastRate: 0.3,
    description: "Major outage in progress",
    restrictions: [
      "Critical operations only",
      "Human approval for all mesh-wide operations",
      "Prepare for potential full shutdown",
    ],
    limits: SEVERE,
  },
  {
    mode: "EMERGENCY",
    leastRate: 0,
    description: "Mesh critically impaired",
    restrictions: [
      "Halt all automated operations",
      "Preserve state to persistent storage",
      "Alert all human operators",
      "Investigate root cause before any action",
    ],
    limits: { ...SEVERE, halted: true },
  },
]);

/** Number of a mode in {@link MODES}: the higher, the worse; −1 when there is no such mode. */
export function rankOf(mode: OperatingMode): number {
  return MODES.findIndex((entry) => entry.mode === mode);
}

/** The mode that a share of active agents means (spec 6.3). A mesh of nobody is an emergency. */
export function modeOf(active: number, total: number): OperatingMode {
  return MODES[rankAt(total > 0 ? active / total : 0, 0)].mode;
}

/** Less than one agent of the largest mesh: 0.8 + 0.02 is a little more than 0.82. */
const ROUNDING = 1e-9;

function rankAt(rate: number, margin: number): number {
  return MODES.findIndex(
    ({ leastRate }) => leastRate === 0 || rate >= leastRate + margin - ROUNDING,
  );
}

/** How long a mode must have been due, and by how much, before it is taken. */
export interface ModeHysteresis {
  readonly worseAfterMs: number;
  readonly betterAfterMs: number;
  /** Share of the agents above a better mode's bound. */
  readonly margin: number;
}

export const MODE_HYSTERESIS: ModeHysteresis = Object.freeze({
  worseAfterMs: 5_000,
  betterAfterMs: 5_000,
  margin: 0.02,
});

/** Follows the mode of a mesh. Reads no clock. */
export class ModeWatch {
  readonly #hysteresis: ModeHysteresis;
  #rank = 0;
  #worseSinceMs = Infinity;
  #betterSinceMs = Infinity;

  constructor(hysteresis: ModeHysteresis = MODE_HYSTERESIS) {
    this.#hysteresis = hysteresis;
  }

  /** Begins in FULL. */
  get mode(): OperatingMode {
    return MODES[this.#rank].mode;
  }

  /** Takes the counts of this moment, to be called at least once a second; true when the mode has changed. */
  look(active: number, total: number, nowMs: number): boolean {
    const { worseAfterMs, betterAfterMs, margin } = this.#hysteresis;
    const rate = total > 0 ? active / total : 0;
    const due = rankAt(rate, 0);
    const safe = rankAt(rate, margin);
    this.#worseSinceMs = due > this.#rank ? Math.min(this.#worseSinceMs, nowMs) : Infinity;
    this.#betterSinceMs = safe < this.#rank ? Math.min(this.#betterSinceMs, nowMs) : Infinity;
    if (nowMs - this.#worseSinceMs >= worseAfterMs) return this.#take(due);
    if (nowMs - this.#betterSinceMs >= betterAfterMs) return this.#take(safe);
    return false;
  }

  /** Takes a mode by decision; what the counts say begins to count anew. */
  force(mode: OperatingMode): boolean {
    return this.#take(rankOf(mode));
  }

  #take(rank: number): boolean {
    this.#worseSinceMs = Infinity;
    this.#betterSinceMs = Infinity;
    const changed = rank !== this.#rank;
    this.#rank = rank;
    return changed;
  }
}
