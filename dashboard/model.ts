/** What the server tells, as far as the page shows it: the documents of `--json` and of `mesh.live`. */

/** The document of `status`. */
export interface Status {
  readonly agents: {
    readonly total: number;
    readonly active: number;
    readonly degraded: number;
    readonly offline: number;
    readonly quarantined: number;
  };
  readonly sectors: { readonly total: number; readonly healthy: number };
  readonly meanImpedance: number;
  readonly p95Impedance: number;
  readonly messages: Readonly<Record<string, number>> & { readonly inFlight: number };
  readonly lost: number;
  readonly conflictsLastHour: number;
  readonly mode: string;
  readonly lastCascadeMs: number | null;
  readonly uptimeMs: number;
  readonly state: string;
  /** What stands still: `all`, or addresses. */
  readonly frozen?: readonly { readonly scope: string; readonly agents: number }[];
  /** Absent while there was none. */
  readonly threats?: {
    readonly open: number;
    readonly weightsLocked: boolean;
    readonly held: boolean;
    readonly suspended: readonly string[];
  };
  readonly workerDetails: readonly Worker[];
}

export interface Worker {
  readonly name: string;
  readonly state: string;
  readonly agents: number;
  readonly turns: number;
  readonly restarts: number;
  readonly current?: { readonly address: string; readonly sinceMs: number };
}

/** One of spec 11.1. */
export interface Indicator {
  readonly name: string;
  readonly value?: number | null;
  readonly target: number;
  readonly sense: "at-least" | "at-most";
  readonly unit: "share" | "ms";
  readonly count: number;
  readonly met?: boolean;
}

/** An operation that is out, or has ended. */
export interface Operation {
  readonly id: string;
  readonly verb: string;
  readonly strategy: string;
  readonly createdMs: number;
  readonly arrivalMs?: number;
  readonly hold: boolean;
  readonly sectors: { readonly expected: number; readonly confirmed: number };
  readonly clusters: { readonly expected: number; readonly reached: number };
  readonly agents: {
    readonly selected: number;
    readonly planned: number;
    readonly sent: number;
    readonly ready: number;
    readonly acted: number;
    readonly conflict: number;
    readonly failed: number;
    readonly skipped: number;
  };
  readonly endedMs?: number;
  readonly end?: string;
  readonly moments?: Moments;
}

export interface Moments {
  readonly fromMs: number;
  readonly binMs: number;
  readonly released: readonly number[];
  readonly ready: readonly number[];
  readonly acted: readonly number[];
  readonly readyError: Quantiles;
  readonly actError: Quantiles;
}

/** ms; null over none. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}
