// The picture of a mesh without agents: what a test has put into it, and what was read of it.
import type {
  CellColumn,
  EndedOperation,
  Live,
  LiveOperation,
  SectorQueue,
} from "../runtime/api/live-api.ts";

/** What a test may set of `mesh.live`. */
export class FakeLive implements Live {
  /** The bytes of all columns. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Which columns were read. */
  readonly reads: CellColumn[] = [];
  out: readonly LiveOperation[] = [];
  past: readonly EndedOperation[] = [];
  arrivalErrorsMs: readonly number[] = [];
  readonly #sectors: number;

  constructor(sectors: number) {
    this.#sectors = sectors;
  }

  cells(column: CellColumn, into: Uint8Array): void {
    this.reads.push(column);
    into.set(this.bytes.subarray(0, into.length));
  }

  operations(): readonly LiveOperation[] {
    return this.out;
  }

  endedOperations(): readonly EndedOperation[] {
    return this.past;
  }

  get endedCount(): number {
    return this.past.length;
  }

  /** As many messages as the sector's place from 0. */
  queues(): readonly SectorQueue[] {
    return Array.from({ length: this.#sectors }, (_, sector) => {
      return { messages: sector, bytes: 100 * sector };
    });
  }

  arrivalErrorsBelow(boundsMs: readonly number[]): ReturnType<Live["arrivalErrorsBelow"]> {
    return {
      count: this.arrivalErrorsMs.length,
      sumMs: this.arrivalErrorsMs.reduce((sum, ms) => sum + ms, 0),
      below: boundsMs.map((bound) => this.arrivalErrorsMs.filter((ms) => ms < bound).length),
    };
  }
}
