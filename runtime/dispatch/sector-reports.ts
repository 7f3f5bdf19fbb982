import { FrameKind } from "../../mailbox/frame.ts";
import {
  OperationFlag,
  REPORT_CLUSTERS,
  REPORT_FIRST,
  REPORT_FLAGS,
  REPORT_MAP_WORDS,
  REPORT_MAPS,
  REPORT_PLANNED_F64,
  REPORT_ROWS,
  REPORT_TAKEN_F64,
  REPORT_TERM,
  ReportFlag,
  ROW_FLOATS,
} from "../../mailbox/operation-frame.ts";
import { mapWords, PROGRESS_MAPS } from "../../supervisors/sector-coordinator.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Part } from "./part.ts";

/** Where the body of an ACK begins, words. */
const BODY = REPORT_FLAGS;
const MAPS = REPORT_MAPS - BODY;

/** Writes what a sector knows of its part of an operation into ACK frames, and sends them to main. */
export class SectorReports {
  readonly #dispatcher: Dispatcher;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #floats: Float32Array;
  /** Map words that one frame is about, at most. */
  readonly #wordsAFrame: number;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    const { maxPayloadBytes } = dispatcher.plan;
    // A map word takes its maps, and a row for each of its 32 agents.
    const bytesAWord = 4 * (PROGRESS_MAPS + 32 * ROW_FLOATS);
    const fit = Math.floor((maxPayloadBytes - 4 * MAPS) / bytesAWord);
    const all = mapWords(dispatcher.view.topology.agentsPerSector);
    this.#wordsAFrame = Math.max(1, Math.min(all, fit));
    const memory = new ArrayBuffer(4 * MAPS + this.#wordsAFrame * bytesAWord);
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory, 0, MAPS >>> 1);
    this.#floats = new Float32Array(memory);
  }

  /** Sends all that is known of `part`, as its sector's coordinator in `term`. */
  send(part: Part, flags: number, term: number = this.#dispatcher.roles.termOf(part.sector)): void {
    // The frame is stamped with it, and what it tells of has happened before.
    this.#dispatcher.thisMoment();
    const all = mapWords(part.agents);
    const clusters = part.has(OperationFlag.ROWS) ? this.#clustersReached(part) : 0;
    for (let first = 0; first < all; first += this.#wordsAFrame) {
      const count = Math.min(this.#wordsAFrame, all - first);
      const last = first + count === all ? ReportFlag.LAST : 0;
      const words = this.#words;
      words[REPORT_FLAGS - BODY] = flags | last;
      words[REPORT_FIRST - BODY] = first;
      words[REPORT_MAP_WORDS - BODY] = count;
      words[REPORT_CLUSTERS - BODY] = clusters;
      words[REPORT_TERM - BODY] = term;
      this.#doubles[REPORT_PLANNED_F64 - BODY / 2] = part.plannedMs;
      this.#doubles[REPORT_TAKEN_F64 - BODY / 2] = part.takenMs;
      for (let map = 0; map < PROGRESS_MAPS; map++) {
        const at = MAPS + map * count;
        for (let i = 0; i < count; i++) words[at + i] = part.progress.word(map, first + i);
      }
      // Rows are told once, when they are all there.
      const rows = (flags & ReportFlag.FINAL) === 0 ? 0 : this.#writeRows(part, first, count);
      words[REPORT_ROWS - BODY] = rows;
      const length = MAPS + PROGRESS_MAPS * count + rows * part.stride;
      this.#dispatcher.outbox.postWords(
        FrameKind.ACK,
        part.coordinator,
        part.operation,
        words,
        length,
      );
    }
  }

  #writeRows(part: Part, first: number, count: number): number {
    const { rows, stride } = part;
    if (rows === undefined) return 0;
    const floats = this.#floats;
    let at = MAPS + PROGRESS_MAPS * count;
    let written = 0;
    const end = Math.min(part.agents, (first + count) * 32);
    for (let bit = first * 32; bit < end; bit++) {
      if (!part.addresses(bit)) continue;
      const from = bit * stride;
      for (let i = 0; i < stride; i++) floats[at++] = rows[from + i];
      written++;
    }
    return written;
  }

  #clustersReached(part: Part): number {
    const { agentsPerCluster } = this.#dispatcher.view.topology;
    let reached = 0;
    for (let from = 0; from < part.agents; from += agentsPerCluster) {
      for (let bit = from; bit < from + agentsPerCluster; bit++) {
        if (!part.addresses(bit) || part.progress.isSkipped(bit)) continue;
        reached++;
        break;
      }
    }
    return reached;
  }
}
