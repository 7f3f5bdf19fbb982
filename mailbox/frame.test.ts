import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerPriority,
  BATCH_BYTES,
  FRAME_BYTES,
  FRAME_LENGTH,
  FRAME_PAYLOAD,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFault,
  frameFlags,
  frameKind,
  framePriority,
  frameTrinary,
  frameType,
  HEARTBEAT_ROW_WORDS,
  HEARTBEATS_COUNT,
  MAX_FRAME_KIND,
  NOBODY,
} from "./frame.ts";

const ROWS = 1000;
const AT = 16;
const kinds = Object.values(FrameKind);
const INLINE = FrameFlag.NOTHING | FrameFlag.NUMBER | FrameFlag.REFERENCE;
const WITHOUT_PAYLOAD: readonly number[] = [
  FrameKind.PADDING,
  FrameKind.BATCH,
  FrameKind.HEARTBEAT,
  FrameKind.HEARTBEATS,
  FrameKind.ACK,
  FrameKind.CONTROL,
];

interface Header {
  readonly kind: number;
  readonly length: number;
  readonly payload: number;
  readonly target: number;
  readonly source: number;
  readonly flags: number;
  readonly trinary: number;
}

function write({ kind, length, payload, target, source, flags, trinary }: Header): Int32Array {
  const words = new Int32Array(64);
  words[AT + FRAME_LENGTH] = length;
  words[AT + FRAME_TYPE] = frameType(kind, answerPriority(1, trinary), flags);
  words[AT + FRAME_TARGET] = target;
  words[AT + FRAME_SOURCE] = source;
  words[AT + FRAME_PAYLOAD] = payload;
  if (kind === FrameKind.HEARTBEATS) {
    words[AT + HEARTBEATS_COUNT] = Math.floor(payload / (HEARTBEAT_ROW_WORDS * 4));
    words[AT + FRAME_SOURCE] = Math.max(0, Math.min(source, ROWS - words[AT + HEARTBEATS_COUNT]));
  } else if (kind === FrameKind.HEARTBEAT) {
    words[AT + FRAME_SOURCE] = Math.max(0, source);
  }
  return words;
}

const header: fc.Arbitrary<Header> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    payload: fc.nat(10_000),
    spare: fc.nat(100),
    target: fc.nat(ROWS - 1),
    source: fc.integer({ min: NOBODY, max: ROWS - 1 }),
    flags: fc.nat(127),
    trinary: fc.integer({ min: -1, max: 1 }),
  })
  .map(({ spare, ...rest }) => {
    const isBatch = rest.kind === FrameKind.BATCH;
    return { ...rest, length: isBatch ? BATCH_BYTES : FRAME_BYTES + rest.payload + spare };
  });

/** Every index and range that a reader of a frame uses without looking again. */
function expectSafe(words: Int32Array): void {
  const length = words[AT + FRAME_LENGTH];
  const type = words[AT + FRAME_TYPE];
  const kind = frameKind(type);
  expect(kinds).toContain(kind);
  expect(length).toBeGreaterThanOrEqual(FRAME_BYTES);
  if (kind === FrameKind.BATCH) {
    expect(length).toBe(BATCH_BYTES);
    return;
  }
  const target = words[AT + FRAME_TARGET];
  const source = words[AT + FRAME_SOURCE];
  expect(target >= 0 && target < ROWS).toBe(true);
  expect(source >= NOBODY && source < ROWS).toBe(true);
  expect([-1, 0, 1, 2]).toContain(frameTrinary(type));
  if (kind === FrameKind.ANSWER || kind === FrameKind.ACK) {
    expect([-1, 0, 1]).toContain(frameTrinary(type));
  }
  if (kind === FrameKind.HEARTBEAT) expect(source).toBeGreaterThanOrEqual(0);
  if (kind === FrameKind.HEARTBEATS) {
    const count = words[AT + HEARTBEATS_COUNT];
    expect(count).toBeGreaterThanOrEqual(0);
    expect(source).toBeGreaterThanOrEqual(0);
    expect(source + count).toBeLessThanOrEqual(ROWS);
    expect(FRAME_BYTES + count * HEARTBEAT_ROW_WORDS * 4).toBeLessThanOrEqual(length);
  }
  if (!WITHOUT_PAYLOAD.includes(kind) && (frameFlags(type) & INLINE) === 0) {
    const payload = words[AT + FRAME_PAYLOAD];
    expect(payload).toBeGreaterThanOrEqual(0);
    expect(FRAME_BYTES + payload).toBeLessThanOrEqual(length);
  }
}

describe("the header of a frame", () => {
  test("gives back kind, priority, trinary state and flags", () => {
    fc.assert(
      fc.property(
        fc.nat(255),
        fc.nat(3),
        fc.integer({ min: -1, max: 1 }),
        fc.nat(0xffff),
        (kind, priority, trinary, flags) => {
          const type = frameType(kind, answerPriority(priority, trinary), flags) | 0;
          expect(frameKind(type)).toBe(kind);
          expect(framePriority(type)).toBe(priority);
          expect(frameTrinary(type)).toBe(trinary);
          expect(frameFlags(type)).toBe(flags);
        },
      ),
    );
  });

  test("passes when it is valid", () => {
    fc.assert(
      fc.property(header, (valid) => {
        const words = write(valid);
        expect(frameFault(words, AT, ROWS)).toBeUndefined();
        expectSafe(words);
      }),
      { numRuns: 1000 },
    );
  });

  test("never leads a reader outside the frame or the registry, whatever has changed in it", () => {
    const change = fc.record({
      word: fc.nat(15),
      how: fc.constantFrom("set" as const, "flip" as const),
      value: fc.oneof(fc.integer(), fc.integer({ min: -2, max: ROWS + 1 }), fc.nat(20_000)),
      bit: fc.nat(31),
    });
    const found = { passed: 0, refused: 0 };
    fc.assert(
      fc.property(header, fc.array(change, { minLength: 1, maxLength: 5 }), (valid, changes) => {
        const words = write(valid);
        for (const { word, how, value, bit } of changes) {
          if (how === "set") words[AT + word] = value;
          else words[AT + word] ^= 1 << bit;
        }
        const fault = frameFault(words, AT, ROWS);
        if (fault === undefined) {
          found.passed++;
          expectSafe(words);
        } else {
          found.refused++;
          expect(fault).toMatch(/\d/);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(found.passed).toBeGreaterThan(1000);
    expect(found.refused).toBeGreaterThan(1000);
  });

  const valid: Header = {
    kind: FrameKind.TELL,
    length: 100,
    payload: 36,
    target: 1,
    source: 2,
    flags: 0,
    trinary: 0,
  };

  test.each([
    ["kind 0", { kind: 0 }, "unknown kind 0"],
    ["a kind after the last", { kind: MAX_FRAME_KIND + 1 }, `unknown kind ${MAX_FRAME_KIND + 1}`],
    ["a length short of a header", { length: 63, payload: 0 }, "length 63 is less than a header"],
    ["a negative length", { length: -64, payload: 0 }, "length -64 is less than a header"],
    [
      "a batch header without its signature",
      { kind: FrameKind.BATCH, length: 64 },
      "header of a batch of 64 bytes, not 128",
    ],
    ["a target before the first", { target: -1 }, "target -1 is outside 0..999"],
    ["a target after the last", { target: 1000 }, "target 1000 is outside 0..999"],
    ["a source before nobody", { source: -2 }, "source -2 is outside -1..999"],
    ["a source after the last", { source: 1000 }, "source 1000 is outside -1..999"],
    ["a negative payload", { payload: -1 }, "payload of -1 bytes in a frame of 100"],
    ["a payload past its end", { payload: 37 }, "payload of 37 bytes in a frame of 100"],
    ["a fourth trinary state", { kind: FrameKind.ACK, trinary: 2 }, "a trinary state of 2"],
    [
      "more rows of heartbeats than it has room for",
      { kind: FrameKind.HEARTBEATS, payload: 48 },
      "3 rows of heartbeats in a frame of 100",
    ],
  ])("is refused with %s, and the sentence says so", (_name, change, sentence) => {
    expect(frameFault(write({ ...valid, ...change }), AT, ROWS)).toBe(sentence);
  });

  test("is refused when its heartbeats run past the last agent or begin before the first", () => {
    const words = write({ ...valid, kind: FrameKind.HEARTBEATS, length: 64 + 160, payload: 160 });
    expect(words[AT + HEARTBEATS_COUNT]).toBe(10);
    words[AT + FRAME_SOURCE] = 990;
    expect(frameFault(words, AT, ROWS)).toBeUndefined();
    words[AT + FRAME_SOURCE] = 991;
    expect(frameFault(words, AT, ROWS)).toBe("heartbeats of 10 agents from 991 on, outside 0..999");
    words[AT + FRAME_SOURCE] = NOBODY;
    expect(frameFault(words, AT, ROWS)).toBe("heartbeats of 10 agents from -1 on, outside 0..999");
    words[AT + FRAME_SOURCE] = 0;
    words[AT + HEARTBEATS_COUNT] = -1;
    expect(frameFault(words, AT, ROWS)).toBe("heartbeats of -1 agents from 0 on, outside 0..999");
  });

  test("does not look at the payload length of a message that has none", () => {
    for (const flags of [FrameFlag.NOTHING, FrameFlag.NUMBER, FrameFlag.REFERENCE]) {
      expect(frameFault(write({ ...valid, flags, payload: 1 << 20 }), AT, ROWS)).toBeUndefined();
    }
  });
});
