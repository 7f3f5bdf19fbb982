import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTopology } from "../../coordination/topology.ts";
import type { Belonging } from "../../mailbox/belonging.ts";
import { cutOf, messageTo, snapshotOf } from "../../test/cut.ts";
import { SMALL } from "../../test/mesh.ts";
import type { Cut, CutGather, CutMessage } from "../api/cut.ts";
import { CutError } from "../api/cut.ts";
import { decodeCut, encodeCut } from "./cut-bytes.ts";

const FIRST_CHILD = createTopology(SMALL.topology).spawnBase;
const bytes = fc.uint8Array({ maxLength: 60 });
const message: fc.Arbitrary<CutMessage> = fc.record({
  kind: fc.constantFrom("tell" as const, "ask" as const, "signal" as const),
  target: fc.nat(39),
  sender: fc.integer({ min: -1, max: 39 }),
  priority: fc.nat(3),
  sequence: fc.maxSafeNat(),
  createdMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
  leftMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ noNaN: true })),
  payload: fc.oneof(
    fc.constant(undefined),
    fc.record({ number: fc.double() }),
    fc.record({ bytes }),
  ),
  redelivered: fc.boolean(),
  deaths: fc.nat(3),
});
const row = fc.nat(39);
const name = fc.string({ maxLength: 12, unit: "grapheme" });
const belonging: fc.Arbitrary<Belonging> = fc.oneof(
  fc.record({
    kind: fc.constant("timer" as const),
    agent: row,
    leftMs: fc.double({ min: -1e6, max: 1e9, noNaN: true }),
    periodMs: fc.nat(1e6),
    bytes,
  }),
  fc.record({
    kind: fc.constant("child" as const),
    child: fc.integer({ min: FIRST_CHILD, max: FIRST_CHILD + 63 }),
    parent: row,
    module: fc.nat(9),
    name,
  }),
  fc.record({ kind: fc.constant("watch" as const), watcher: row, watched: row }),
  fc.record({
    kind: fc.constant("sent" as const),
    agent: row,
    place: fc.nat(9),
    sequence: fc.maxSafeNat(),
    createdMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
    digest: fc.nat(2 ** 31 - 1),
  }),
);
const words = fc.array(fc.integer(), { maxLength: 5 });
const operation = fc.record({
  operation: fc.maxSafeNat(),
  sector: fc.nat(3),
  arrivalMs: fc.nat(),
  deadlineMs: fc.nat(),
  addressed: fc.nat(10),
  done: fc.nat(10),
  progress: words,
});
const gather: fc.Arbitrary<CutGather> = fc.record({
  operation: fc.maxSafeNat(),
  kind: fc.constantFrom("cascade" as const, "scatter-gather" as const, "broadcast" as const),
  createdMs: fc.nat(),
  arrivalMs: fc.nat(),
  closeMs: fc.nat(),
  deadlineMs: fc.nat(),
  windowMs: fc.nat(),
  readyBy: fc.constant(0.95),
  priority: fc.nat(3),
  flags: fc.nat(255),
  threshold: fc.nat(4),
  thresholds: fc.constant({ requiredReadyRate: 0.9, maxConflictRate: 0.05, maxTransitRate: 0.1 }),
  payload: bytes,
  shares: fc.array(
    fc.record({
      sector: fc.nat(3),
      map: words,
      maps: words,
      final: fc.boolean(),
      sent: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
});
const cuts: fc.Arbitrary<Cut> = fc
  .record({
    snapshots: fc.uniqueArray(fc.record({ agent: fc.nat(39), bytes }), {
      selector: ({ agent }) => agent,
    }),
    messages: fc.array(message, { maxLength: 20 }),
    belongings: fc.array(belonging, { maxLength: 20 }),
    operations: fc.array(operation, { maxLength: 5 }),
    gathers: fc.array(gather, { maxLength: 3 }),
    handled: fc.nat(1e9),
    column: bytes,
    share: bytes,
  })
  .map(({ snapshots, messages, belongings, operations, gathers, handled, column, share }) => {
    const cut = cutOf(snapshots, messages, handled);
    return {
      ...cut,
      belongings,
      operations,
      gathers,
      counts: withParts(cut.counts, operations.length),
      shapes: [["from", "id"], ["do"]],
      registry: { ...cut.registry, columns: { state: column, score: column } },
      arrivals: { kind: "arrival", shares: [{ from: 0, to: 20, bytes: share }] },
    };
  });

function withParts(counts: Cut["counts"], parts: number): Cut["counts"] {
  const { accepted, inFlight } = counts;
  return { ...counts, accepted: accepted + parts, inFlight: inFlight + parts };
}

function written(cut: Cut): Buffer {
  return Buffer.concat(encodeCut(cut));
}

describe("a frozen mesh as bytes", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(cuts, (cut) => {
        expect(decodeCut(written(cut))).toEqual(cut);
      }),
    );
  });

  test("is refused with whatever byte of it flipped, or cut off, or grown", () => {
    const cut = cutOf(
      [snapshotOf(3, { total: 5 })],
      [messageTo(4, 1, { id: 7 }), messageTo(4, 2, undefined, { payload: undefined })],
    );
    const whole = written(cut);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const torn = Buffer.from(whole);
        torn[at] ^= flip;
        expect(() => decodeCut(torn)).toThrow(CutError);
      }),
      { numRuns: 2000 },
    );
    for (const length of [0, 7, 127, 128, 400, whole.length - 1])
      expect(() => decodeCut(whole.subarray(0, length))).toThrow(CutError);
    expect(() => decodeCut(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow(/cut off or grown/);
  });

  test("names the section that is not what was written", () => {
    const whole = written(cutOf([snapshotOf(3, { total: 5 })], [messageTo(4, 1, { id: 7 })]));
    const torn = Buffer.from(whole);
    // The state of agent 3 begins 8 bytes into its section, which the table's second entry places.
    const at = whole.readDoubleLE(128 + 64 + 16);
    torn[at + 8] ^= 1;
    expect(() => decodeCut(torn)).toThrow("snapshots: its SHA-256 is another than was written");
    expect(() => decodeCut(Buffer.from("a file of somebody else".repeat(20)))).toThrow(
      "header: this is no frozen mesh",
    );
  });

  test("is refused when messages are missing though every digest is right", () => {
    const cut = cutOf([], [messageTo(4, 1, { id: 7 })]);
    const lossy = written({ ...cut, messages: [] });
    expect(() => decodeCut(lossy)).toThrow(/counts: accepted 1/);
  });
});
