import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY, Mailboxes } from "./mailboxes.ts";

const AGENTS = 3;

interface Waiting {
  readonly slot: number;
  readonly bytes: number;
}

const agent = fc.nat(AGENTS - 1);
const priority = fc.nat(3);
const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("push" as const, "pushFront" as const),
      agent,
      priority,
      bytes: fc.integer({ min: 64, max: 5_000 }),
      times: fc.oneof(fc.constant(1), fc.nat(500)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("pop" as const, "popOldest" as const),
      agent,
      priority,
      times: fc.oneof(fc.constant(1), fc.nat(700)),
    }),
  },
);

test("mailboxes are four queues an agent, the highest priority first, whatever comes and goes", () => {
  let most = 0;
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const depth = new Int32Array(AGENTS);
      const heldBytes = new Int32Array(AGENTS);
      const mailboxes = new Mailboxes(AGENTS, depth, heldBytes);
      const model = Array.from({ length: AGENTS }, () =>
        Array.from({ length: 4 }, (): Waiting[] => []),
      );
      let slot = 1;
      for (const step of commands) {
        const queues = model[step.agent];
        for (let i = 0; i < step.times; i++) {
          if (step.kind === "push" || step.kind === "pushFront") {
            const message = { slot: slot++, bytes: step.bytes };
            mailboxes[step.kind](step.agent, step.priority, message.slot, message.bytes);
            if (step.kind === "push") queues[step.priority].push(message);
            else queues[step.priority].unshift(message);
            continue;
          }
          const queue =
            step.kind === "popOldest"
              ? queues[step.priority]
              : queues.findLast((waiting) => waiting.length > 0);
          const popped =
            step.kind === "popOldest"
              ? mailboxes.popOldest(step.agent, step.priority)
              : mailboxes.pop(step.agent);
          expect(popped).toBe(queue?.shift()?.slot ?? EMPTY);
          if (popped === EMPTY) break;
        }
        model.forEach((queues, of) => {
          const waiting = queues.flat();
          expect(depth[of]).toBe(waiting.length);
          expect(heldBytes[of]).toBe(waiting.reduce((sum, { bytes }) => sum + bytes, 0));
        });
        most = Math.max(most, model.flat(2).length);
      }
      model.forEach((queues, of) => {
        for (const { slot } of queues.toReversed().flat()) expect(mailboxes.pop(of)).toBe(slot);
        expect(mailboxes.pop(of)).toBe(EMPTY);
        expect(depth[of]).toBe(0);
        expect(heldBytes[of]).toBe(0);
      });
    }),
    { numRuns: 200 },
  );
  // Else the pool of nodes never had to grow.
  expect(most).toBeGreaterThan(1024);
});

test("the same slot may wait in many mailboxes, with its own place in each", () => {
  const mailboxes = new Mailboxes(3, new Int32Array(3), new Int32Array(3));
  for (const agent of [0, 1, 2]) mailboxes.push(agent, agent, 77, 64);
  mailboxes.push(1, 3, 78, 64);
  expect([mailboxes.pop(1), mailboxes.pop(1), mailboxes.pop(1)]).toEqual([78, 77, EMPTY]);
  expect([mailboxes.pop(0), mailboxes.pop(2)]).toEqual([77, 77]);
});

test("stashed messages come back before those that came meanwhile", () => {
  const mailboxes = new Mailboxes(1, new Int32Array(1), new Int32Array(1));
  mailboxes.push(0, 1, 3, 64);
  for (const stashed of [2, 1]) mailboxes.pushFront(0, 1, stashed, 64);
  mailboxes.push(0, 1, 4, 64);
  expect([1, 2, 3, 4].map(() => mailboxes.pop(0))).toEqual([1, 2, 3, 4]);
});
