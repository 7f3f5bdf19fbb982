/**
 * Whether agents change what they say of their timing together (spec 9.2 timing_attack). Each moves now and then by
 * itself, and a thing that really happens to many is seen by the mesh too, and does not count (`self-reports.ts`).
 * What is left is suspicious when many do it at once: in several clusters, the same way, and by so many more than
 * usually that it is no accident. What is usual differs: of systems with long tails one report in twenty is far off.
 */
import type { ReportCounts } from "./report-counts.ts";

/** Figures of the watch; all may be set for tests. */
export interface ImpedanceWatchSettings {
  /** How long what has moved counts, ms. */
  readonly windowMs: number;
  /** Share of the reports within the window that has to have moved one way beyond what is usual. */
  readonly share: number;
  /** And so many standard deviations of how many that usually are. */
  readonly deviations: number;
  /** Reports before anything is found: what is usual has to be known. */
  readonly learning: number;
  /** Clusters with at least one of them, and how many they are in all. */
  readonly clusters: number;
  readonly moves: number;
}

export const IMPEDANCE_WATCH: ImpedanceWatchSettings = Object.freeze({
  windowMs: 10_000,
  share: 0.04,
  deviations: 5,
  learning: 2_000,
  clusters: 3,
  moves: 6,
});

/** Looks that a window is divided into, so that it moves on with each of them. */
const SLOTS = 10;
/** Slots before what is in one is learned: what is about to be found must not become what is usual. */
const LAG = 4;
/** Windows that what is usual is learned from: it follows within about an hour. */
const LEARNED_WINDOWS = 360;
/** A share that is usual is never taken to be less: where none has ever moved, one is no surprise. */
const LEAST_USUAL = 0.01;

/** Agents that change their reports together. */
export interface CoordinatedMove {
  readonly way: "faster" | "slower";
  /** Reports within the window that have moved that way, and all. */
  readonly moved: number;
  readonly reports: number;
  /** Clusters with such reports. */
  readonly clusters: number;
}

type Column = keyof ReportCounts;
const COLUMNS: readonly Column[] = ["reports", "faster", "slower"];

/** Follows the counts of all clusters; reads no clock. */
export class ImpedanceWatch {
  readonly #settings: ImpedanceWatchSettings;
  readonly #clusters: number;
  /** Of each column: what was counted when, by slot, and what lies in the whole window, by cluster. */
  readonly #last: Record<Column, Uint32Array>;
  readonly #slots: Record<Column, Uint32Array>;
  readonly #window: Record<Column, Uint32Array>;
  readonly #usual = { faster: 0, slower: 0 };
  /** Reports that what is usual was learned from. */
  #learned = 0;
  /** Something was found at the last look. */
  #isFound = false;
  #slot = 0;
  #slotMs = Number.NaN;

  constructor(clusters: number, settings: ImpedanceWatchSettings = IMPEDANCE_WATCH) {
    this.#settings = settings;
    this.#clusters = clusters;
    const of = (size: number): Record<Column, Uint32Array> => ({
      reports: new Uint32Array(size),
      faster: new Uint32Array(size),
      slower: new Uint32Array(size),
    });
    this.#last = of(clusters);
    this.#slots = of(clusters * SLOTS);
    this.#window = of(clusters);
  }

  /** Takes the counts of this moment. */
  look(counts: ReportCounts, nowMs: number): CoordinatedMove | undefined {
    const slotMs = this.#settings.windowMs / SLOTS;
    if (Number.isNaN(this.#slotMs)) {
      this.#slotMs = nowMs;
      for (const column of COLUMNS) this.#last[column].set(counts[column]);
      return undefined;
    }
    // After a long pause every slot is old once.
    const due = Math.min(SLOTS, Math.floor((nowMs - this.#slotMs) / slotMs));
    for (let turned = 0; turned < due; turned++) this.#turn();
    if (due > 0) this.#slotMs = due === SLOTS ? nowMs : this.#slotMs + due * slotMs;
    this.#add(counts);
    const reports = sumOf(this.#window.reports);
    const isKnown = this.#learned >= this.#settings.learning;
    const found = isKnown
      ? (this.#found("faster", reports) ?? this.#found("slower", reports))
      : undefined;
    this.#isFound = found !== undefined;
    return found;
  }

  #learn(slot: number): void {
    const sumOfSlot = (column: Column): number => {
      const from = slot * this.#clusters;
      return sumOf(this.#slots[column].subarray(from, from + this.#clusters));
    };
    const reports = sumOfSlot("reports");
    if (reports === 0) return;
    const most = LEARNED_WINDOWS * sumOf(this.#window.reports);
    const { learning } = this.#settings;
    this.#learned = Math.min(this.#learned + reports, Math.max(most, learning));
    for (const way of ["faster", "slower"] as const) {
      const share = sumOfSlot(way) / reports;
      this.#usual[way] += ((share - this.#usual[way]) * reports) / this.#learned;
    }
  }

  #found(way: "faster" | "slower", reports: number): CoordinatedMove | undefined {
    const { share, deviations, clusters: least, moves } = this.#settings;
    const column = this.#window[way];
    const moved = sumOf(column);
    const usual = Math.max(LEAST_USUAL, this.#usual[way]);
    const deviation = Math.sqrt(reports * usual * (1 - usual));
    const excess = moved - usual * reports;
    if (moved < moves || excess < Math.max(share * reports, deviations * deviation))
      return undefined;
    let clusters = 0;
    for (const count of column) if (count > 0) clusters++;
    // A mesh of two clusters has no third.
    if (clusters < Math.min(least, this.#clusters)) return undefined;
    return { way, moved, reports, clusters };
  }

  #turn(): void {
    if (!this.#isFound) this.#learn((this.#slot + SLOTS - LAG + 1) % SLOTS);
    this.#slot = (this.#slot + 1) % SLOTS;
    const from = this.#slot * this.#clusters;
    for (const column of COLUMNS) {
      const slots = this.#slots[column];
      const window = this.#window[column];
      for (let cluster = 0; cluster < this.#clusters; cluster++) {
        window[cluster] -= slots[from + cluster];
        slots[from + cluster] = 0;
      }
    }
  }

  #add(counts: ReportCounts): void {
    const from = this.#slot * this.#clusters;
    for (const column of COLUMNS) {
      const now = counts[column];
      const last = this.#last[column];
      for (let cluster = 0; cluster < this.#clusters; cluster++) {
        const more = (now[cluster] - last[cluster]) >>> 0;
        last[cluster] = now[cluster];
        this.#slots[column][from + cluster] += more;
        this.#window[column][cluster] += more;
      }
    }
  }
}

function sumOf(column: Uint32Array): number {
  let sum = 0;
  for (const value of column) sum += value;
  return sum;
}
