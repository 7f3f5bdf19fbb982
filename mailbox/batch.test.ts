import { describe, expect, test } from "vitest";
import {
  BATCH_BYTES,
  BATCH_COUNT,
  BATCH_EPOCH_F64,
  BATCH_ROOT,
  BATCH_ROOT_BYTES,
  BATCH_SEQUENCE_F64,
  BATCH_SIGNATURE,
  BATCH_SIGNATURE_BYTES,
  BATCH_SOURCE,
  writeBatchHeader,
} from "./batch.ts";
import { frameFault } from "./frame.ts";

const AT = 16;
const JUNK = 0xa5;

function headerOverOldFrames(): { words: Int32Array; doubles: Float64Array; bytes: Uint8Array } {
  const memory = new SharedArrayBuffer(AT * 4 + BATCH_BYTES + 64);
  const views = {
    words: new Int32Array(memory),
    doubles: new Float64Array(memory),
    bytes: new Uint8Array(memory),
  };
  views.bytes.fill(JUNK);
  writeBatchHeader(views.words, views.doubles, AT, 30, 2, 7, 41);
  return views;
}

describe("the header of a batch", () => {
  test("says how many frames of which thread, incarnation and number follow, and is a valid frame", () => {
    const { words, doubles } = headerOverOldFrames();
    expect(words[AT + BATCH_COUNT]).toBe(30);
    expect(words[AT + BATCH_SOURCE]).toBe(2);
    expect(doubles[AT / 2 + BATCH_EPOCH_F64]).toBe(7);
    expect(doubles[AT / 2 + BATCH_SEQUENCE_F64]).toBe(41);
    expect(frameFault(words, AT, 1)).toBeUndefined();
  });

  test("has room for a root and a signature, each apart from all else, up to its last byte", () => {
    const fields = [
      [BATCH_SEQUENCE_F64 * 8, 8],
      [BATCH_ROOT * 4, BATCH_ROOT_BYTES],
      [BATCH_SIGNATURE * 4, BATCH_SIGNATURE_BYTES],
      [BATCH_BYTES, 0],
    ];
    for (let i = 1; i < fields.length; i++) {
      expect(fields[i][0]).toBe(fields[i - 1][0] + fields[i - 1][1]);
    }
    expect([BATCH_ROOT_BYTES, BATCH_SIGNATURE_BYTES]).toEqual([32, 64]);
  });

  test("is unsigned whatever stood in its cells before, and touches nothing behind them", () => {
    const { bytes } = headerOverOldFrames();
    const at = AT * 4;
    expect(bytes.slice(0, at).every((byte) => byte === JUNK)).toBe(true);
    expect(bytes.slice(at + BATCH_ROOT * 4, at + BATCH_BYTES).every((byte) => byte === 0)).toBe(
      true,
    );
    expect(bytes.slice(at + BATCH_BYTES).every((byte) => byte === JUNK)).toBe(true);
  });
});
