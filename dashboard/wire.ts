/**
 * What server and page say to each other over the WebSocket of `/v1/feed`. Text is JSON: from the page a
 * {@link FeedRequest}, from the server a {@link FeedMessage}. Binary is a frame of cells:
 *
 *   byte 0      1        2        4          8
 *        ├ kind ┼ column ┼ spare ─┼ sequence ┼ body … ┤      little-endian
 *          u8     u8       u16      u32
 *
 * A `FULL` frame has a byte for each agent. A `DELTA` changes the frame before it, whose sequence is one less: pairs
 * of how many cells to pass over (a u16, low byte first) and the new byte of the cell then; 65,535 passes over that
 * many and changes nothing. A page that misses one asks anew.
 */

/** Spoken as a WebSocket subprotocol; the token is offered as a second one, `token.` before it. */
export const FEED_PROTOCOL = "mesh30k.feed.1";
export const TOKEN_PROTOCOL_PREFIX = "token.";

export const FRAME_FULL = 1;
export const FRAME_DELTA = 2;
/** Bytes before the body. */
export const FRAME_HEAD = 8;
/** Passes over 65,535 cells and changes none. */
export const LONG_PASS = 0xffff;
/** Bytes of a change. */
export const CHANGE_BYTES = 3;

/** What cells may show, by the number that stands in a frame. */
export const CELL_COLUMNS = ["impedance", "state", "class", "operation"] as const;
export type CellColumnName = (typeof CELL_COLUMNS)[number];

/** Asks for another column, or for a pause while nobody looks. */
export interface FeedRequest {
  readonly column?: CellColumnName;
  readonly paused?: boolean;
}

/** Size of the mesh, and who answers. */
export interface FeedHello {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
  readonly agents: number;
  readonly version: string;
  /** Times in messages are of this clock; now, ms since 1970. */
  readonly nowMs: number;
}

/**
 * `hello` comes first; `status` and `kpis` once a second; `operations` with each frame of cells while some are out and
 * once when none is any more; `ended` all that are remembered, then each that ends.
 */
export interface FeedMessage {
  readonly hello?: FeedHello;
  readonly status?: unknown;
  readonly kpis?: unknown;
  readonly operations?: readonly unknown[];
  readonly ended?: readonly unknown[];
  readonly nowMs?: number;
}

/** Writes a frame of what differs between two states of the cells, or a whole one where that is shorter. */
export function encodeFrame(
  column: number,
  sequence: number,
  cells: Uint8Array,
  before: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const delta = before === undefined ? undefined : encodeDelta(column, sequence, cells, before);
  if (delta !== undefined) return delta;
  const frame = new Uint8Array(FRAME_HEAD + cells.length);
  writeHead(frame, FRAME_FULL, column, sequence);
  frame.set(cells, FRAME_HEAD);
  return frame;
}

/** Applies a frame to the cells of a page; false when it does not follow from `sequence`, the last one's. */
export function applyFrame(frame: Uint8Array, cells: Uint8Array, sequence: number): boolean {
  if (frame.length < FRAME_HEAD) return false;
  if (frame[0] === FRAME_FULL) {
    if (frame.length - FRAME_HEAD !== cells.length) return false;
    cells.set(frame.subarray(FRAME_HEAD));
    return true;
  }
  if (frame[0] !== FRAME_DELTA || sequenceOf(frame) !== (sequence + 1) >>> 0) return false;
  let cell = 0;
  for (let at = FRAME_HEAD; at + CHANGE_BYTES <= frame.length; at += CHANGE_BYTES) {
    const pass = frame[at] | (frame[at + 1] << 8);
    cell += pass;
    if (pass === LONG_PASS) continue;
    if (cell >= cells.length) return false;
    cells[cell++] = frame[at + 2];
  }
  return true;
}

/** The number of a frame. */
export function sequenceOf(frame: Uint8Array): number {
  return (frame[4] | (frame[5] << 8) | (frame[6] << 16) | (frame[7] << 24)) >>> 0;
}

/** Undefined when a whole frame would be shorter. */
function encodeDelta(
  column: number,
  sequence: number,
  cells: Uint8Array,
  before: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const frame = new Uint8Array(FRAME_HEAD + cells.length);
  let at = FRAME_HEAD;
  let pass = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    if (cells[cell] === before[cell]) {
      pass++;
      continue;
    }
    for (; pass >= LONG_PASS; pass -= LONG_PASS) {
      if (at + CHANGE_BYTES > frame.length) return undefined;
      frame[at] = 0xff;
      frame[at + 1] = 0xff;
      at += CHANGE_BYTES;
    }
    if (at + CHANGE_BYTES > frame.length) return undefined;
    frame[at] = pass & 0xff;
    frame[at + 1] = pass >>> 8;
    frame[at + 2] = cells[cell];
    at += CHANGE_BYTES;
    pass = 0;
  }
  writeHead(frame, FRAME_DELTA, column, sequence);
  return frame.slice(0, at);
}

function writeHead(frame: Uint8Array, kind: number, column: number, sequence: number): void {
  frame[0] = kind;
  frame[1] = column;
  frame[4] = sequence & 0xff;
  frame[5] = (sequence >>> 8) & 0xff;
  frame[6] = (sequence >>> 16) & 0xff;
  frame[7] = sequence >>> 24;
}
