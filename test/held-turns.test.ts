// A turn that waits for room for what it sends, and what of it a commit makes true.
import { expect, test } from "vitest";
import { Count } from "../mailbox/layout.ts";
import { readCounts } from "../mailbox/ledger.ts";
import { twoThreads } from "./two-threads.ts";

const SENDER = 0;
const SLOW = 1;

test("a turn and the send that it waited with become true in one commit", async () => {
  const taken: (() => void)[] = [];
  const { main, shard } = await twoThreads({
    receive(_state, message, ctx) {
      if (ctx.self === SENDER) ctx.tell(SLOW, message);
      else return new Promise<void>((resolve) => taken.push(resolve));
    },
  });
  const { orchestrator } = main.view.topology;
  const committed = new Float64Array(16);
  const cycle = (): number => {
    main.cycle();
    shard.cycle();
    readCounts(shard.view.controlDoubles, committed);
    return committed[Count.HANDLED] - committed[Count.SENT];
  };
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 12; j++) main.outbox.tell(orchestrator, SENDER, j, undefined, undefined);
    expect(cycle()).toBe(0);
  }
  for (let i = 0; i < 10; i++) expect(cycle()).toBe(0);
  expect(shard.outbox.waiting).toBe(1);
  const before = committed[Count.SENT];
  // The slow one has room again for one.
  taken[0]();
  await new Promise(setImmediate);
  for (let i = 0; i < 10; i++) expect(cycle()).toBe(1);
  expect(committed[Count.SENT]).toBeGreaterThan(before);
});
