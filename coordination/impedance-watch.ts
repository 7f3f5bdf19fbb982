/**
 * Whether agents change what they say of their timing together (spec 9.2 timing_attack). Each moves now and then by
 * itself, and a thing that really happens to many is seen by the mesh too, and does not count (`self-reports.ts`).
 * What is left is suspicious when many do it at once: in several clusters, the same way, and far more than usually.
 */
import type { ReportCounts } from "./report-counts.ts";

/** Figures of the watch; all may be set for tests. */
export interface ImpedanceWatchSettings {
  /** How long what has moved counts, ms. */
  readonly windowMs: number;
  /** Share of the reports within the window that has to have moved one way. */
  readonly share: number;
  /** And so many times the share that is usual. */
  readonly timesUsual: number;
  /** Clusters with at least one of them, and how many they are in all. */
  readonly clusters: number;
  readonly moves: number;
}

export const IMPEDANCE_WATCH: ImpedanceWatchSettings = Object.freeze({
  windowMs: 10_000,
  share: 0.05,
  timesUsual: 4,
  clusters: 3,
  moves: 6,
});

/** Looks that a window is divided into, so that it moves on with each of them. */
const SLOTS = 10;
/** Share of a window in what is usual: it follows within about an hour. */
const LEARNED = 1 / 360;

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
    const found = this.#found("faster", reports) ?? this.#found("slower", reports);
    for (const way of ["faster", "slower"] as const) {
      // What is found must not become what is usual.
      if (due === 0 || reports === 0 || found?.way === way) continue;
      const share = sumOf(this.#window[way]) / reports;
      this.#usual[way] += (share - this.#usual[way]) * LEARNED * (due / SLOTS);
    }
    return found;
  }

  #found(way: "faster" | "slower", reports: number): CoordinatedMove | undefined {
    const { share, timesUsual, clusters: least, moves } = this.#settings;
    const column = this.#window[way];
    const moved = sumOf(column);
    const most = Math.max(share, timesUsual * this.#usual[way]);
    if (moved < moves || moved < most * reports) return undefined;
    let clusters = 0;
    for (const count of column) if (count > 0) clusters++;
    // A mesh of two clusters has no third.
    if (clusters < Math.min(least, this.#clusters)) return undefined;
    return { way, moved, reports, clusters };
  }

  #turn(): void {
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
