import {
  BATCH_BYTES,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
} from "./frame.ts";

export { BATCH_BYTES };

/**
 * The header of a batch, which opens the frames that one publication makes visible: a frame of its own, two
 * cells long.
 *
 *   byte 0        4      8       12       16      24         32         64              128
 *        ├ length ┼ type ┼ count ┼ source ┼ epoch ┼ sequence ┼ root ────┼ signature ────┤
 *          i32      i32    i32     i32      f64     f64        32 bytes   64 bytes
 *
 * `count` frames follow, of thread `source` in its incarnation `epoch`; `sequence` counts its batches on this
 * lane from 1. `root` commits to the frames and `signature` (Ed25519) to the header up to it; both are zero
 * while nobody signs.
 */
export const BATCH_COUNT: number = FRAME_TARGET;
export const BATCH_SOURCE: number = FRAME_SOURCE;
export const BATCH_EPOCH_F64: number = FRAME_OPERATION_F64;
export const BATCH_SEQUENCE_F64: number = FRAME_SEQUENCE_F64;
/** Word of the root; its length in bytes. */
export const BATCH_ROOT = 8;
export const BATCH_ROOT_BYTES = 32;
/** Word of the signature; its length in bytes. */
export const BATCH_SIGNATURE = 16;
export const BATCH_SIGNATURE_BYTES = 64;

const ROOT_F64 = BATCH_ROOT >>> 1;
const END_F64 = BATCH_BYTES >>> 3;

/** Writes the header of an unsigned batch at `at` (a word, even). */
export function writeBatchHeader(
  words: Int32Array,
  doubles: Float64Array,
  at: number,
  count: number,
  source: number,
  epoch: number,
  sequence: number,
): void {
  words[at + FRAME_LENGTH] = BATCH_BYTES;
  words[at + FRAME_TYPE] = FrameKind.BATCH;
  words[at + BATCH_COUNT] = count;
  words[at + BATCH_SOURCE] = source;
  const double = at >>> 1;
  doubles[double + BATCH_EPOCH_F64] = epoch;
  doubles[double + BATCH_SEQUENCE_F64] = sequence;
  // The cells have held other frames: what nobody has signed must not look as if somebody had.
  for (let i = ROOT_F64; i < END_F64; i++) doubles[double + i] = 0;
}
