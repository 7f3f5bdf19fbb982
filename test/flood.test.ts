// A flood from outside: what is refused, in which order, and that control and memory do not notice.
import { expect, test } from "vitest";
import { ready } from "../actors/result.ts";
import { Count } from "../mailbox/layout.ts";
import { Guarded } from "./guarded.ts";

const OFFERED = 150_000;

test("low priorities are refused first, all are counted, control works, and what was taken is handled", async () => {
  const handled = [0, 0, 0, 0];
  const mesh = await Guarded.of({
    receive(_state, message) {
      const { priority } = message as { priority: number };
      handled[priority]++;
      return ready("done");
    },
  });
  const { main, shard, settle } = mesh.threads;
  const { orchestrator } = main.view.topology;
  const { counts } = main.ledger;
  const offered = [0, 0, 0, 0];
  const rejected = [0, 0, 0, 0];
  let mostWaiting = 0;
  for (let i = 0; i < OFFERED; i++) {
    // Control is a hundredth of it; of the rest each priority has its share.
    const priority = i % 100 === 99 ? 3 : ((i % 3) as 0 | 1 | 2);
    main.nowMs += 0.002;
    const receipt = main.outbox.tell(orchestrator, i % 8, { priority }, { priority }, undefined);
    offered[priority]++;
    if (receipt.status === "rejected") rejected[priority]++;
    mostWaiting = Math.max(mostWaiting, main.outbox.waiting);
    // The shard takes a little now and then: a tenth of what comes.
    if (i % 10_000 === 0) {
      main.cycle();
      shard.cycle();
    }
  }
  expect(mostWaiting).toBeLessThanOrEqual(65_536);
  const shed = [0, 1, 2].map((priority) => counts[Count.SHED + priority]);
  expect(shed).toEqual(rejected.slice(0, 3));
  expect(rejected[3]).toBe(0);
  const shares = shed.map((count, priority) => count / offered[priority]);
  expect(shares[0]).toBeGreaterThan(shares[1]);
  expect(shares[1]).toBeGreaterThan(shares[2]);
  expect(shares[0]).toBeGreaterThan(0.3);
  // Control is handled at once, in front of all that waits.
  const before = handled[3];
  main.outbox.tell(orchestrator, 0, { priority: 3 }, { priority: 3 }, undefined);
  for (let cycle = 0; cycle < 3; cycle++) {
    main.cycle();
    shard.cycle();
  }
  expect(handled[3]).toBeGreaterThan(before);
  // What still waits is given up, as at the end of a mesh: it is a dead letter, and so accounted for.
  main.outbox.abandon();
  settle();
  const dropped = mesh.letters.length;
  expect(handled.reduce((sum, count) => sum + count, 0) + dropped).toBe(
    OFFERED + 1 - rejected.reduce((sum, count) => sum + count, 0),
  );
}, 30_000);

test("who waits for its receipts is never refused, however much it sends", async () => {
  const mesh = await Guarded.of({});
  const { main, settle, clock } = mesh.threads;
  const { orchestrator } = main.view.topology;
  for (let burst = 0; burst < 40; burst++) {
    clock.nowMs += 1;
    main.nowMs = clock.nowMs;
    for (let i = 0; i < 2_000; i++) main.outbox.tell(orchestrator, i % 8, i, {}, undefined);
    for (let i = 0; i < 100 && main.outbox.waiting > 0; i++) {
      clock.nowMs += 2;
      settle();
    }
    settle();
  }
  expect([0, 1, 2].map((priority) => main.ledger.counts[Count.SHED + priority])).toEqual([0, 0, 0]);
}, 30_000);
