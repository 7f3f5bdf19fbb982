import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_LENGTH,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  frameFault,
  frameFlags,
  frameKind,
  framePriority,
} from "./frame.ts";
import {
  HEARTBEAT_ROW_WORDS,
  HEARTBEATS_COUNT,
  HEARTBEATS_ROWS,
  heartbeatsBytes,
  packHealth,
  writeHeartbeatHeader,
} from "./heartbeat.ts";

test("depth, reliability and state come back from their word, the depth capped", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(0x1ffff), fc.nat()),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(255),
      (depth, reliability, state) => {
        const word = packHealth(depth, reliability, state);
        expect(word & 0xffff).toBe(Math.min(depth, 0xffff));
        expect(Math.abs(((word >>> 16) & 0xff) / 255 - reliability)).toBeLessThanOrEqual(
          0.5001 / 255,
        );
        expect(word >>> 24).toBe(state);
      },
    ),
  );
});

test("the word of health bounds is exact: nothing, everything", () => {
  expect(packHealth(0, 0, 0)).toBe(0);
  expect(packHealth(0xffff, 1, 255)).toBe(-1);
});

test("a heartbeat header is a whole frame for the agents it names, and its rows lie within it", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(500), fc.nat(500), (rows, lead, first) => {
      const buffer = new ArrayBuffer(4096);
      const words = new Int32Array(buffer);
      const doubles = new Float64Array(buffer);
      words.fill(-1);
      writeHeartbeatHeader(words, doubles, 32, rows, lead, first, 1234.5);
      expect(words[32 + FRAME_LENGTH]).toBe(rows === 0 ? FRAME_BYTES : heartbeatsBytes(rows));
      const kind = rows === 0 ? FrameKind.HEARTBEAT : FrameKind.HEARTBEATS;
      expect(frameKind(words[32 + FRAME_TYPE])).toBe(kind);
      expect(framePriority(words[32 + FRAME_TYPE])).toBe(0);
      expect(frameFlags(words[32 + FRAME_TYPE])).toBe(0);
      expect(words[32 + FRAME_TARGET]).toBe(lead);
      expect(words[32 + FRAME_SOURCE]).toBe(first);
      expect(doubles[16 + FRAME_CREATED_F64]).toBe(1234.5);
      if (rows > 0) expect(words[32 + HEARTBEATS_COUNT]).toBe(rows);
      const end = HEARTBEATS_ROWS + rows * HEARTBEAT_ROW_WORDS;
      expect(end * 4).toBeLessThanOrEqual(Math.max(FRAME_BYTES, heartbeatsBytes(rows)));
      const agents = Math.max(lead + 1, first + Math.max(rows, 1));
      expect(frameFault(words, 32, agents)).toBeUndefined();
      expect(frameFault(words, 32, agents - 1)).toBeDefined();
    }),
  );
});
