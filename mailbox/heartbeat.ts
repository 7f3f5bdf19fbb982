import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_LENGTH,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  HEARTBEAT_ROW_WORDS,
  HEARTBEATS_COUNT,
} from "./frame.ts";

export { HEARTBEAT_ROW_WORDS, HEARTBEATS_COUNT };

/**
 * Heartbeats on the wire, entirely fixed binary.
 *
 * HEARTBEAT, one agent:  target = lead · source = agent · words 4–7 a row · created = when measured
 * HEARTBEATS, a cluster: target = lead · source = its first agent · word 4 = rows · created = when measured ·
 *                        then one row of 16 bytes for each agent in turn
 *
 *   row, word 0         1              2             3
 *        ├ latency f32 ─┼ processing f32┼ queued f32 ┼ depth u16 | reliability u8 (0–255) | state u8 ┤
 */
export const HEARTBEAT_ROW = 4;
export const HEARTBEATS_ROWS = 16;

/** Bytes of a HEARTBEATS frame of `rows` rows. */
export function heartbeatsBytes(rows: number): number {
  return FRAME_BYTES + rows * HEARTBEAT_ROW_WORDS * 4;
}

/** The fourth word of a row. */
export function packHealth(depth: number, reliability: number, state: number): number {
  return Math.min(depth, 0xffff) | (((reliability * 255 + 0.5) | 0) << 16) | (state << 24);
}

/** Writes the header of a HEARTBEAT or HEARTBEATS frame. */
export function writeHeartbeatHeader(
  words: Int32Array,
  doubles: Float64Array,
  at: number,
  rows: number,
  lead: number,
  firstAgent: number,
  nowMs: number,
): void {
  words[at + FRAME_LENGTH] = rows === 0 ? FRAME_BYTES : heartbeatsBytes(rows);
  words[at + FRAME_TYPE] = rows === 0 ? FrameKind.HEARTBEAT : FrameKind.HEARTBEATS;
  words[at + FRAME_TARGET] = lead;
  words[at + FRAME_SOURCE] = firstAgent;
  if (rows > 0) words[at + HEARTBEATS_COUNT] = rows;
  doubles[(at >>> 1) + FRAME_CREATED_F64] = nowMs;
}
