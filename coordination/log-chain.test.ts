import fc from "fast-check";
import { assert, describe, test } from "vitest";
import {
  CHAIN_START,
  ChainCheck,
  type ChainHead,
  chainHash,
  EMPTY_CHAIN,
  extendChain,
} from "./log-chain.ts";

interface Row {
  number: number;
  text: string;
  hash: string;
}

function chainOf(texts: readonly string[]): { rows: Row[]; head: ChainHead } {
  let head = EMPTY_CHAIN;
  const rows = texts.map((text) => {
    head = extendChain(head, text);
    return { number: head.count, text, hash: head.hash };
  });
  return { rows, head };
}

function faultOf(rows: readonly Row[], anchor: ChainHead): string | undefined {
  const check = new ChainCheck(anchor);
  for (const { number, text, hash } of rows) check.add(number, text, hash);
  return check.end();
}

const texts = fc.array(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 30 });
const place = fc.nat({ max: 1000 });

describe("a chain", () => {
  test("that nobody touched is found right, and so is one that has grown since its anchor", () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const { rows, head } = chainOf(all);
        assert.isUndefined(faultOf(rows, head));
        const anchored = rows[at % rows.length];
        assert.isUndefined(faultOf(rows, { count: anchored.number, hash: anchored.hash }));
      }),
    );
  });

  test("tells of any bit that was flipped in a text or a hash", () => {
    fc.assert(
      fc.property(texts, place, place, fc.boolean(), (all, at, letter, inHash) => {
        const { rows, head } = chainOf(all);
        const row = rows[at % rows.length];
        const field = inHash ? "hash" : "text";
        const from = row[field];
        const where = letter % from.length;
        const flipped = String.fromCharCode(from.charCodeAt(where) ^ 1);
        row[field] = from.slice(0, where) + flipped + from.slice(where + 1);
        assert.isString(faultOf(rows, head));
      }),
    );
  });

  test("tells of any entry that was taken out, at the end too", () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const { rows, head } = chainOf(all);
        rows.splice(at % rows.length, 1);
        assert.isString(faultOf(rows, head));
      }),
    );
  });

  test("tells of an end that was cut off, of whatever length", () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const { rows, head } = chainOf(all);
        assert.match(faultOf(rows.slice(0, at % rows.length), head) ?? "", /cut off/);
      }),
    );
  });

  test("tells of entries that were swapped, renumbered or not", () => {
    fc.assert(
      fc.property(texts, place, place, fc.boolean(), (all, one, other, renumber) => {
        const { rows, head } = chainOf(all);
        const a = one % rows.length;
        const b = other % rows.length;
        fc.pre(a !== b);
        [rows[a], rows[b]] = [rows[b], rows[a]];
        if (renumber)
          rows.forEach((row, i) => {
            row.number = i + 1;
          });
        assert.isString(faultOf(rows, head));
      }),
    );
  });

  test("tells of an entry that was forged together with its own hash", () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const { rows, head } = chainOf(all);
        const forged = at % (rows.length - 1);
        const before = forged === 0 ? CHAIN_START : rows[forged - 1].hash;
        const text = `${rows[forged].text}!`;
        rows[forged] = { number: forged + 1, text, hash: chainHash(before, forged + 1, text) };
        assert.match(faultOf(rows, head) ?? "", new RegExp(`entry ${forged + 2}:`));
      }),
    );
  });

  test("tells of an entry that was slipped in, and of all that was written anew", () => {
    const { rows, head } = chainOf(["a", "b", "c"]);
    const forged = chainOf(["a", "b", "x"]);
    assert.match(faultOf(forged.rows, head) ?? "", /anchor/);
    const more = [...rows.slice(0, 1), { ...rows[1], text: "new" }, ...rows.slice(1)];
    assert.isString(faultOf(more, head));
  });
});
