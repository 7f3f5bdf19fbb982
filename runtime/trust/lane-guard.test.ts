import { createHash, randomInt } from "node:crypto";
import { assert, describe, test } from "vitest";
import { BATCH_BYTES } from "../../mailbox/batch.ts";
import { captured, NOW_MS, readerInto, replay, TrustLanes } from "../../test/trust-lanes.ts";
import { seededRandom } from "../machine/clock.ts";
import { LaneSigner } from "./lane-signer.ts";
import { passingConductor, SessionOffice } from "./session-office.ts";
import {
  COUNT_REFUSED,
  COUNT_VERIFIED,
  REFUSALS,
  type Session,
  TRUST_COUNT_WORDS,
} from "./trust-plan.ts";

const HOUR_MS = 3_600_000;
const words = (count: number, seed: number): string[] =>
  Array.from({ length: count }, (_, i) => createHash("sha1").update(`${seed}/${i}`).digest("hex"));
/** The word of the header of the batch that was published last. */
const headerOf = (lanes: TrustLanes, cellsOfBatch: number): number => {
  const { ring } = lanes.out();
  const cells = ring.capacityBytes / 64;
  return 96 + ((ring.claimed - cellsOfBatch) & (cells - 1)) * 16;
};

describe("a guarded lane", () => {
  test("delivers what was signed, in order, over the end of the ring, and counts it", () => {
    const lanes = new TrustLanes();
    for (let round = 0; round < 200; round++) {
      const sent = words(1 + (round % 23), round).map((text) => text.repeat(1 + (round % 5)));
      lanes.send(sent);
      lanes.send(["urgent"], 3, true);
      const { frames, refused, gaps } = lanes.drain();
      assert.deepEqual(frames, sent, `round ${round}`);
      assert.deepEqual([refused, gaps], [[], 0]);
      assert.deepEqual(lanes.drain(true).frames, ["urgent"]);
    }
    assert.equal(lanes.memory.counts[2 * TRUST_COUNT_WORDS + COUNT_VERIFIED], 400);
  });

  test("takes a batch in parts, and keeps it in the ring until the last of it is taken", () => {
    const lanes = new TrustLanes();
    lanes.send(words(9, 1));
    const { ring } = lanes.in();
    const first = lanes.drain(false, 4);
    assert.deepEqual(first.frames, words(9, 1).slice(0, 3));
    assert.equal(ring.head, 0);
    assert.isAbove(ring.accepted, 0);
    assert.deepEqual(lanes.drain().frames, words(9, 1).slice(3));
    assert.equal(ring.head, ring.tail);
  });

  test("a successor verifies the rest of a batch again, and takes only that", () => {
    const lanes = new TrustLanes();
    lanes.send(words(5, 0));
    lanes.send(words(9, 1));
    lanes.send(words(4, 2));
    lanes.drain(false, 10);
    const next = lanes.open(2, 2);
    const lane = lanes.in(false, next);
    const delivered = { frames: [], refused: [], gaps: 0 };
    lanes.guardOf(lane).resume(lane.ring.accepted, NOW_MS, readerInto(delivered));
    lane.ring.recoverConsumer(lane.ring.accepted);
    const { frames, refused, gaps } = lanes.drain(false, 100, undefined, lane);
    assert.deepEqual(frames, [...words(9, 1).slice(3), ...words(4, 2)]);
    assert.deepEqual([refused, gaps, delivered.refused], [[], 0, []]);
    assert.equal(lane.ring.head, lane.ring.tail);
  });

  test("a thread that dies at any frame of a batch leaves its successor all that it had not taken", () => {
    for (let death = 0; death <= 9; death++) {
      const lanes = new TrustLanes();
      lanes.send(words(5, 0));
      lanes.drain();
      lanes.send(words(9, 1));
      const taken: string[] = [];
      const dead = { frames: taken, refused: [], gaps: 0 };
      const { ring } = lanes.in();
      let frames = 0;
      const dies = (word: number, end: number): boolean => {
        lanes.guardOf(lanes.in()).onFrame(word, end, NOW_MS, readerInto(dead));
        // What it had handed on is in custody; what it was at when it died is not, for the ring was not told.
        if (frames++ === death) throw new Error("dead");
        return true;
      };
      const drain = { onFrame: (_: unknown, w: number, e: number) => dies(w, e), onCorrupt() {} };
      assert.throws(() => ring.drain(drain, 100), "dead");
      const lane = lanes.in(false, lanes.open(2, 2));
      const delivered = { frames: [], refused: [], gaps: 0 };
      lanes.guardOf(lane).resume(lane.ring.accepted, NOW_MS, readerInto(delivered));
      lane.ring.recoverConsumer(lane.ring.accepted);
      const rest = lanes.drain(false, 100, undefined, lane);
      assert.deepEqual(rest.frames, words(9, 1).slice(Math.max(0, death - 1)), `death ${death}`);
      assert.deepEqual([rest.refused, delivered.refused], [[], []], `death ${death}`);
      lanes.send(["the next"]);
      assert.deepEqual(lanes.drain(false, 9, undefined, lane).frames, ["the next"]);
    }
  });

  test("what was changed in the rest of a batch before its successor came is not delivered", () => {
    const lanes = new TrustLanes();
    lanes.send(["first first", "second one"]);
    lanes.drain(false, 2);
    const at = headerOf(lanes, 6) * 4 + BATCH_BYTES + 128 + 64;
    lanes.in().ring.bytes[at] ^= 1;
    const next = lanes.open(2, 2);
    const lane = lanes.in(false, next);
    const delivered = { frames: [], refused: [], gaps: 0 };
    lanes.guardOf(lane).resume(lane.ring.accepted, NOW_MS, readerInto(delivered));
    lane.ring.recoverConsumer(lane.ring.accepted);
    assert.deepEqual(lanes.drain(false, 100, undefined, lane).frames, []);
    assert.deepEqual(delivered.refused, ["signature"]);
  });

  test("a peer that only fails is slowed, then refused unverified, and heard again after a minute", () => {
    const lanes = new TrustLanes();
    const { ring } = lanes.out();
    lanes.send(["an honest one"]);
    const honest = captured(ring, headerOf(lanes, 4), 1);
    assert.deepEqual(lanes.drain().frames, ["an honest one"]);
    let waited = 0;
    const reasons: string[] = [];
    for (let round = 0; round < 1_100; round++) {
      replay(ring, honest);
      // Left on the lane until its time: the peer's ring is what fills up, and nobody's memory.
      for (let tries = 0; !lanes.in().ring.empty; tries++) {
        const { frames, refused } = lanes.drain();
        assert.deepEqual(frames, []);
        reasons.push(...refused);
        if (refused.length > 0) continue;
        waited++;
        lanes.nowMs += 5;
        assert.isBelow(tries, 4);
      }
    }
    assert.equal(reasons.filter((reason) => reason === "replay").length, 1_000);
    assert.equal(reasons.filter((reason) => reason === "throttled").length, 100);
    assert.isAbove(waited, 900);
    lanes.nowMs += 60_000;
    lanes.send(["and an honest one again"]);
    assert.deepEqual(lanes.drain().frames, ["and an honest one again"]);
  });

  test("a session ends with its hour, and its successor's batches are taken", () => {
    const lanes = new TrustLanes();
    lanes.send(["within"]);
    lanes.nowMs = NOW_MS + HOUR_MS - 1;
    assert.deepEqual(lanes.drain().frames, ["within"]);
    lanes.send(["after"]);
    lanes.nowMs = NOW_MS + HOUR_MS;
    assert.deepEqual(lanes.drain(), { frames: [], refused: ["expired"], gaps: 0 });
    lanes.signer.renew(lanes.office.open(1, 1, lanes.nowMs));
    lanes.send(["renewed"]);
    assert.deepEqual(lanes.drain(), { frames: ["renewed"], refused: [], gaps: 1 });
  });

  test("a key is good for its own thread and incarnation, and from the mesh's own root", () => {
    const lanes = new TrustLanes();
    const { meshId } = lanes.plan;
    const foreign = new SessionOffice(lanes.memory, passingConductor(NOW_MS));
    const tries: readonly (readonly [string, () => Session])[] = [
      ["unknown-key", () => lanes.office.open(1, 2, NOW_MS)],
      [
        "signature",
        () => ({ ...lanes.office.open(1, 1, NOW_MS), seed: new Uint8Array(32).fill(3) }),
      ],
      ["unknown-key", () => ({ number: 900, seed: new Uint8Array(32) })],
      ["certificate", () => foreign.open(1, 1, NOW_MS)],
    ];
    // The lane's guard knows the first session; what comes under the number of another is verified anew.
    for (const [expected, session] of tries) {
      lanes.sender.signer = new LaneSigner(lanes.memory, 1, meshId, session());
      lanes.send(["forged"]);
      assert.deepEqual(lanes.drain().refused, [expected]);
    }
    lanes.sender.signer = undefined;
    lanes.send(["unsigned"]);
    assert.deepEqual(lanes.drain().refused, ["unknown-key"]);
    const refused = REFUSALS.map(
      (_, i) => lanes.memory.counts[2 * TRUST_COUNT_WORDS + COUNT_REFUSED + i],
    );
    assert.equal(
      refused.reduce((sum, count) => sum + count),
      5,
    );
  });

  test("a sender before an incarnation that was seen is refused; the one after it is not", () => {
    const lanes = new TrustLanes();
    lanes.send(["of the first"]);
    const { ring } = lanes.out();
    const first = captured(ring, headerOf(lanes, 4), 1);
    assert.equal(lanes.drain().frames.length, 1);
    const second = lanes.open(1, 2);
    second.signer = new LaneSigner(
      lanes.memory,
      1,
      lanes.plan.meshId,
      lanes.office.open(1, 2, NOW_MS),
    );
    lanes.send(["of the second"], 1, false, second);
    assert.deepEqual(lanes.drain(), { frames: ["of the second"], refused: [], gaps: 0 });
    replay(lanes.out(false, second).ring, first);
    assert.deepEqual(lanes.drain().refused, ["epoch"]);
  });

  test("a frame speaks for an agent of its own thread that is not revoked", () => {
    const lanes = new TrustLanes();
    lanes.send(["of another thread"], 12);
    lanes.send(["of nobody"], -1);
    assert.deepEqual(lanes.drain().refused, ["not-delegated", "not-delegated"]);
    lanes.memory.setRevoked(4, true);
    lanes.send(["revoked"], 4);
    lanes.send(["not revoked"], 5);
    assert.deepEqual(lanes.drain(), { frames: ["not revoked"], refused: ["revoked"], gaps: 0 });
    lanes.memory.setRevoked(4, false);
    lanes.send(["again"], 4);
    assert.deepEqual(lanes.drain().frames, ["again"]);
  });

  test("shared memory rewritten after the check, at any byte, alters nothing that is delivered", () => {
    const seed = randomInt(2 ** 31);
    const random = seededRandom(seed);
    const lanes = new TrustLanes();
    let altered = 0;
    for (let round = 0; round < 300; round++) {
      const sent = words(6, round);
      lanes.send(sent);
      const { ring } = lanes.in();
      let looks = 0;
      const delivered = lanes.drain(false, 1_000, () => {
        // The header is being read for the first time; from then on the ring belongs to the enemy.
        if (looks++ === 0) return;
        const from = 96 * 4 + (Math.floor(random.next() * (ring.capacityBytes / 64)) * 64 + 16);
        for (let i = 0; i < 40; i++) ring.bytes[from + i] ^= 0x5a;
        altered++;
      });
      const expected = sent.slice(0, delivered.frames.length);
      assert.deepEqual(delivered.frames, expected, `seed ${seed}, round ${round}`);
    }
    assert.isAbove(altered, 1_000);
  });
});
