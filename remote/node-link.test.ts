import * as fc from "fast-check";
import { assert, test } from "vitest";
import { type LinkWord, NodeLink } from "./node-link.ts";

interface OnItsWay {
  readonly atMs: number;
  readonly to: 0 | 1;
  readonly word: LinkWord;
}

test("two nodes get all that the other says, once and in order, though the network loses and doubles", () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`seed ${seed}\n`);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 16, maxLength: 128 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: -1e7, max: 1e7 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.record({ fromMs: fc.nat(4_000), forMs: fc.nat(3_000) }),
      (dice, lossPercent, offsetMs, count, cut) => {
        const links = [new NodeLink(), new NodeLink()];
        const unsaid = [0, 1].map(() => Array.from({ length: count }, (_, i) => i));
        const heard: number[][] = [[], []];
        let way: OnItsWay[] = [];
        let thrown = 0;
        const die = (): number => dice[thrown++ % dice.length];
        const clock = (node: number, atMs: number): number =>
          1e9 + atMs + (node === 1 ? offsetMs : 0);
        const send = (from: number, atMs: number, words: readonly LinkWord[]): void => {
          for (const word of words) {
            const isCut = atMs >= cut.fromMs && atMs < cut.fromMs + cut.forMs;
            // A whole round of the dice without a hit would lose all, for ever.
            if (isCut || (atMs < 8_000 && die() < lossPercent)) continue;
            const to = from === 0 ? 1 : 0;
            way.push({ atMs: atMs + 1 + (die() % 30), to, word });
            if (die() < 10) way.push({ atMs: atMs + 5 + die(), to, word });
          }
        };
        for (let atMs = 0; atMs < 40_000; atMs += 10) {
          const due = way.filter((each) => each.atMs <= atMs);
          way = way.filter((each) => each.atMs > atMs);
          for (const { to, word } of due) {
            const { words, messages } = links[to].take(word, clock(to, atMs));
            heard[to].push(...(messages as number[]));
            send(to, atMs, words);
          }
          for (const node of [0, 1]) {
            const nowMs = clock(node, atMs);
            send(node, atMs, links[node].tick(nowMs));
            send(
              node,
              atMs,
              links[node].pump(nowMs, () => unsaid[node].splice(0, 7)),
            );
          }
          if (heard.every((each) => each.length === count)) break;
        }
        const all = Array.from({ length: count }, (_, i) => i);
        assert.deepEqual(heard, [all, all]);
        const { offsetMs: believedMs, boundMs } = links[0].clock ?? {
          offsetMs: Number.NaN,
          boundMs: 0,
        };
        assert.isAtMost(Math.abs(believedMs - offsetMs), boundMs);
      },
    ),
    { seed, numRuns: 40, endOnFailure: true },
  );
});
