// A payload of an operation that did not arrive as it was sent is held, and sent again.
import { expect, test } from "vitest";
import { conflictPriority, suggestStrategy } from "../coordination/conflict.ts";
import { FRAME_DATA } from "../mailbox/frame.ts";
import { SLOT_FRAME } from "../mailbox/layout.ts";
import type { Case, Finding } from "../runtime/conflicts/conflict-strategist.ts";
import { strategyHold } from "../runtime/conflicts/strategy-hold.ts";
import type { Gather } from "../runtime/operations/gather.ts";
import { Resends } from "../runtime/operations/resends.ts";
import { operationPlan, type TwoThreads, twoThreads } from "./two-threads.ts";

const ALL = Int32Array.from({ length: 8 }, (_, agent) => agent);

interface Sent {
  readonly threads: TwoThreads;
  readonly resends: Resends;
  readonly gather: Gather;
  readonly payload: { text: string };
}

/** An operation whose copy in main's memory has changed by a bit; the end of it has been noted. */
async function damagedOperation(seen: unknown[], ttlMs = 5000): Promise<Sent> {
  const threads = await twoThreads({ receive: (_state, message) => void seen.push(message) });
  const { gathers, clock, main } = threads;
  const resends = new Resends(main, gathers);
  const payload = { text: "as it was sent" };
  const plan = operationPlan(clock.nowMs, payload, ttlMs, { flags: 0 });
  const gather = gathers.scatter(gathers.nextOperation(), plan, gathers.sharesOf(ALL), {
    onEnd: (ended) => resends.ended(ended),
  });
  damage(threads, gather);
  threads.settle();
  expect(gather.counts).toMatchObject({ ready: 0, conflict: 8 });
  expect(seen).toEqual([]);
  return { threads, resends, gather, payload };
}

function damage({ main }: TwoThreads, gather: Gather): void {
  main.view.custody.bytes[(gather.payload + SLOT_FRAME + FRAME_DATA) * 4 + 5] ^= 1;
}

/** The strategy over the conflict that the runtime told of the agent `place`s in the order of coming. */
async function resolve({ threads, resends }: Sent, place: number): Promise<Finding> {
  const { agent, news } = threads.conflicts[place];
  const { detail, operationId = "" } = news;
  const at = {
    record: {
      via: news.via,
      agent: `agent ${agent}`,
      operationId,
      expected: detail.expected,
      priority: conflictPriority(detail),
      strategy: suggestStrategy(detail),
    },
    ports: {
      resend: (operation: number, index: number, promised: string) =>
        resends.again(operation, index, promised),
    },
    agent,
    source: -1,
    steps: [],
  } as unknown as Case;
  const finding = strategyHold(at);
  await null;
  threads.settle();
  return finding;
}

test("what is still as it was promised goes to all that had it damaged, once, under the same id", async () => {
  const seen: unknown[] = [];
  const sent = await damagedOperation(seen);
  const findings = [await resolve(sent, 0), await resolve(sent, 5)];
  for (const finding of findings)
    expect(finding).toMatchObject({
      state: "resolved",
      outcome: "the payload came again as it was promised: READY",
    });
  expect(findings[0].steps.map(({ found }) => found)).toEqual([
    "the copy in the mesh's memory is given to nobody else",
    "sent again to 8 agents",
    "it is what was promised",
    "agent 0: READY",
  ]);
  expect(seen).toEqual(new Array(8).fill({ text: "as it was sent" }));
});

test("what its sender has changed since is not sent, and people decide", async () => {
  const seen: unknown[] = [];
  const sent = await damagedOperation(seen);
  sent.payload.text = "something else";
  const finding = await resolve(sent, 0);
  expect(finding.state).toBe("review");
  expect(finding.outcome).toMatch(/changed its payload since/);
  expect(seen).toEqual([]);
});

test("what is damaged again is not sent a third time", async () => {
  const seen: unknown[] = [];
  const sent = await damagedOperation(seen);
  const { threads, resends, gather } = sent;
  const { agent, news } = threads.conflicts[0];
  const again = resends.again(gather.operation, agent, String(news.detail.expected));
  const second = threads.gathers.gatherOf(gather.operation + 1) as Gather;
  damage(threads, second);
  threads.settle();
  expect(await again).toEqual({ kind: "sent", state: -1, agents: 8 });
  expect(threads.conflicts).toHaveLength(16);
  const finding = await resolve(sent, 8);
  expect(finding).toMatchObject({ state: "review", outcome: expect.stringMatching(/twice/) });
  expect(seen).toEqual([]);
});

test("when its time is over, or nobody knows the operation any more, people decide", async () => {
  const seen: unknown[] = [];
  const sent = await damagedOperation(seen, 200);
  sent.threads.clock.nowMs += 300;
  expect((await resolve(sent, 0)).outcome).toMatch(/too late to be sent again/);
  const { resends } = sent;
  expect(await resends.again(12_345, 0, "00")).toEqual({ kind: "forgotten" });
  expect(seen).toEqual([]);
});
