import { assert, describe, test } from "vitest";
import { conflict } from "../../actors/result.ts";
import { twoThreads } from "../../test/two-threads.ts";

const detail = { type: "DATA_CONTRADICTION", expected: 1 } as const;

describe("main is told of a conflict", () => {
  test("together with the commit that completes its turn, not before", async () => {
    const { main, conflicts, settle } = await twoThreads({ receive: () => conflict(detail) });
    main.outbox.tell(main.view.topology.orchestrator, 3, "hello", undefined, undefined);
    main.cycle();
    assert.isEmpty(conflicts);
    settle();
    assert.lengthOf(conflicts, 1);
    const { agent, news } = conflicts[0];
    assert.equal(agent, 3);
    assert.deepInclude(news, { detail, via: "tell", message: "hello", priority: 1 });
  });

  test("with stamps that are greater than those of the messages that led to it", async () => {
    const { main, conflicts, settle } = await twoThreads({
      receive: (_state, hops, ctx) => {
        if (hops === 0) return conflict(detail);
        ctx.tell(((ctx.self as number) + 1) % 8, (hops as number) - 1);
        return undefined;
      },
    });
    main.outbox.tell(main.view.topology.orchestrator, 0, 5, undefined, undefined);
    settle();
    const [{ news }] = conflicts;
    let { sequence, source } = news;
    let stamp = news.lamport;
    let steps = 0;
    for (;;) {
      const traced = main.view.traces.find(main.view.placement[source], sequence);
      assert.isDefined(traced);
      assert.isBelow(traced?.lamport ?? stamp, stamp);
      stamp = traced?.lamport ?? 0;
      steps++;
      if (traced?.cause === undefined) break;
      ({ sequence, source } = traced.cause);
    }
    assert.equal(steps, 6);
    assert.match(news.causationId ?? "", /^sector-1\/cluster-2\/agent-2#/);
  });

  test("without what cannot be told, and the turn is no failure for it", async () => {
    const odd = { ...detail, received: Symbol("none") };
    const { main, conflicts, settle } = await twoThreads({ receive: () => conflict(odd) });
    main.outbox.tell(main.view.topology.orchestrator, 3, "hello", undefined, undefined);
    settle();
    assert.equal(conflicts[0].news.missing, "its details cannot be told");
    assert.deepEqual(conflicts[0].news.detail, { type: "DATA_CONTRADICTION" });
  });

  test("of something that is no detail at all, as far as it has a name", async () => {
    const { main, conflicts, settle } = await twoThreads({
      receive: () => conflict(undefined as never),
    });
    main.outbox.tell(main.view.topology.orchestrator, 3, "hello", undefined, undefined);
    settle();
    assert.equal(String(conflicts[0].news.detail.type), "undefined");
  });

  test("by number only when there is no room for more, and the next one says how many", async () => {
    const { main, shard, conflicts, settle } = await twoThreads({
      receive: () => conflict(detail),
    });
    const tell = shard.outbox.conflict.bind(shard.outbox);
    shard.outbox.conflict = () => false;
    for (const agent of [1, 2, 3])
      main.outbox.tell(main.view.topology.orchestrator, agent, "hello", undefined, undefined);
    settle();
    assert.isEmpty(conflicts);
    shard.outbox.conflict = tell;
    for (const agent of [4, 5])
      main.outbox.tell(main.view.topology.orchestrator, agent, "hello", undefined, undefined);
    settle();
    assert.deepEqual(
      conflicts.map(({ news }) => news.unnamed),
      [3, undefined],
    );
  });
});
