/**
 * What the viewers of a mesh are shown, read once for all of them: cells of each column that somebody looks at, the
 * status, the operations. Without a viewer there is no timer, and nothing is read.
 */
import {
  CELL_COLUMNS,
  type CellColumnName,
  encodeFrame,
  type FeedMessage,
} from "../../dashboard/wire.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { statusDocument } from "../reports/status.ts";
import { toPlain } from "../terminal/plain.ts";

/** Frames of cells a second: of a mesh of up to {@link CELLS_A_FRAME} agents; of larger ones in proportion fewer. */
const FRAME_MS = 80;
const CELLS_A_FRAME = 200_000;
const STATUS_MS = 1_000;

/** Somebody who looks. */
export interface FeedViewer {
  /** Undefined while they look away. */
  readonly column: CellColumnName | undefined;
  /** Takes a frame, or misses it: then the next one is a whole one. */
  frame(column: CellColumnName, delta: Uint8Array, whole: () => Uint8Array): void;
  message(message: FeedMessage): void;
}

interface Cells {
  readonly column: CellColumnName;
  current: Uint8Array;
  previous: Uint8Array;
  sequence: number;
}

/** Reads the mesh for its viewers. */
export class FeedSource {
  readonly #mesh: Mesh;
  readonly #nowMs: () => number;
  readonly #viewers = new Set<FeedViewer>();
  readonly #cells = new Map<CellColumnName, Cells>();
  #frames: NodeJS.Timeout | undefined;
  #statuses: NodeJS.Timeout | undefined;
  #wereOut = false;
  #endedSeen = 0;

  constructor(mesh: Mesh, nowMs: () => number) {
    this.#mesh = mesh;
    this.#nowMs = nowMs;
  }

  /** Whether anything is read. */
  get isLive(): boolean {
    return this.#frames !== undefined;
  }

  /** Shows the mesh to `viewer`, or again after a pause. */
  add(viewer: FeedViewer): void {
    this.#viewers.add(viewer);
    viewer.message({ ...this.#status(), ended: plainList(this.#mesh.live.endedOperations()) });
    if (this.isLive) return;
    this.#endedSeen = this.#mesh.live.endedCount;
    this.#wereOut = false;
    const slower = Math.max(1, this.#mesh.topology.agents / CELLS_A_FRAME);
    this.#frames = setInterval(() => this.#onFrame(), FRAME_MS * slower).unref();
    this.#statuses = setInterval(() => this.#say(this.#status()), STATUS_MS).unref();
  }

  /** With the last viewer the timers end. */
  delete(viewer: FeedViewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#frames);
    clearInterval(this.#statuses);
    this.#frames = undefined;
    this.#statuses = undefined;
    this.#cells.clear();
  }

  #onFrame(): void {
    for (const column of CELL_COLUMNS) this.#show(column);
    this.#tellOfOperations();
  }

  #show(column: CellColumnName): void {
    const viewers = [...this.#viewers].filter((viewer) => viewer.column === column);
    if (viewers.length === 0) {
      this.#cells.delete(column);
      return;
    }
    const { agents } = this.#mesh.topology;
    const known = this.#cells.get(column);
    const cells = known ?? {
      column,
      current: new Uint8Array(agents),
      previous: new Uint8Array(agents),
      sequence: 0,
    };
    this.#cells.set(column, cells);
    this.#mesh.live.cells(column, cells.current);
    const sequence = (cells.sequence + 1) >>> 0;
    const number = CELL_COLUMNS.indexOf(column);
    const delta = encodeFrame(number, sequence, cells.current, known && cells.previous);
    let whole: Uint8Array | undefined;
    for (const viewer of viewers) {
      viewer.frame(column, delta, () => {
        whole ??= encodeFrame(number, sequence, cells.current, undefined);
        return whole;
      });
    }
    cells.sequence = sequence;
    const { previous } = cells;
    cells.previous = cells.current;
    cells.current = previous;
  }

  #tellOfOperations(): void {
    const { live } = this.#mesh;
    const operations = live.operations();
    const fresh = live.endedCount - this.#endedSeen;
    const ended = fresh > 0 ? live.endedOperations().slice(-fresh) : [];
    this.#endedSeen = live.endedCount;
    if (operations.length === 0 && !this.#wereOut && ended.length === 0) return;
    this.#wereOut = operations.length > 0;
    this.#say({
      nowMs: this.#nowMs(),
      operations: plainList(operations),
      ...(ended.length > 0 && { ended: plainList(ended) }),
    });
  }

  #status(): FeedMessage {
    // Of the indicators only the present: their history is for `kpis`.
    const { operations, hourly, daily, ...kpis } = this.#mesh.kpis();
    return {
      nowMs: this.#nowMs(),
      status: toPlain(statusDocument(this.#mesh.status())),
      kpis: toPlain(kpis),
    };
  }

  #say(message: FeedMessage): void {
    for (const viewer of this.#viewers) viewer.message(message);
  }
}

function plainList(items: readonly unknown[]): readonly unknown[] {
  return toPlain(items) as readonly unknown[];
}
