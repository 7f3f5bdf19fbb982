import fc from "fast-check";
import { assert, test } from "vitest";
import { DoneIds, type LinkFrame, LinkReceiver, LinkSender } from "./link.ts";

test("over a network that loses, doubles and reorders, each payload arrives once and in order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 50, maxLength: 400 }),
      (count, fates) => {
        const sender = new LinkSender<number>(1);
        const receiver = new LinkReceiver<number>();
        const arrived: number[] = [];
        const network: LinkFrame<number>[] = [];
        let nowMs = 0;
        let next = 0;
        const carry = (frame: LinkFrame<number>, fate: number): void => {
          // Of ten frames two are lost and two come twice.
          if (fate < 2) return;
          network.push(frame);
          if (fate > 7) network.push(frame);
        };
        const deliver = (fate: number): void => {
          const [frame] = network.splice(fate % Math.max(1, network.length), 1);
          if (frame === undefined) return;
          arrived.push(...receiver.take(frame));
          // The word of it may be lost as well.
          if (fate % 3 !== 0) sender.acknowledge(receiver.acknowledgement, nowMs);
        };
        for (const fate of [...fates, ...Array(2000).fill(4)]) {
          nowMs += 200;
          const frame = next < count ? sender.send(next, nowMs) : undefined;
          if (frame !== undefined) next++;
          if (frame !== undefined) carry(frame, fate);
          for (const again of sender.retry(nowMs)) carry(again, fate);
          deliver(fate);
          deliver(fate + 1);
        }
        assert.deepEqual(
          arrived,
          Array.from({ length: next }, (_, i) => i),
        );
        assert.equal(sender.waiting, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test("a full window sends nothing more until something is acknowledged", () => {
  const sender = new LinkSender<string>(1, { windowFrames: 2 });
  assert.isDefined(sender.send("a", 0));
  assert.isDefined(sender.send("b", 0));
  assert.isUndefined(sender.send("c", 0));
  sender.acknowledge({ epoch: 1, through: 1 }, 10);
  assert.equal(sender.send("c", 10)?.sequence, 3);
});

test("a frame is sent again when its time is over, each time after twice as long", () => {
  const sender = new LinkSender<string>(1, { firstRetryMs: 100 });
  sender.send("a", 0);
  assert.isEmpty(sender.retry(99));
  assert.lengthOf(sender.retry(100), 1);
  assert.equal(sender.nextDueMs, 300);
  assert.lengthOf(sender.retry(300), 1);
  assert.equal(sender.nextDueMs, 700);
  assert.equal(sender.retries, 2);
});

test("what an older incarnation sent is history, and a newer one begins anew", () => {
  const receiver = new LinkReceiver<string>();
  assert.deepEqual(receiver.take({ epoch: 2, sequence: 1, payload: "new" }), ["new"]);
  assert.isEmpty(receiver.take({ epoch: 1, sequence: 1, payload: "old" }));
  assert.deepEqual(receiver.take({ epoch: 3, sequence: 1, payload: "newer" }), ["newer"]);
  assert.deepEqual(receiver.acknowledgement, { epoch: 3, through: 1 });
  const sender = new LinkSender<string>(3);
  sender.send("a", 0);
  sender.acknowledge({ epoch: 2, through: 5 }, 1);
  assert.equal(sender.waiting, 1);
});

test("the last so many ids are remembered", () => {
  const done = new DoneIds(20);
  for (let id = 1; id <= 30; id++) {
    assert.isFalse(done.has(id));
    done.add(id);
    assert.isTrue(done.has(id));
  }
  assert.deepEqual(
    [10, 11, 30, 0].map((id) => done.has(id)),
    [false, true, true, false],
  );
});
