import { assert, describe, test } from "vitest";
import { box } from "./terminal/box.ts";
import { outline } from "./terminal/outline.ts";
import { paint } from "./terminal/paint.ts";
import { toPlain } from "./terminal/plain.ts";
import type { Output } from "./terminal/streams.ts";
import { facts, table } from "./terminal/table.ts";
import { cutTo, tame, visibleLength } from "./terminal/text-width.ts";
import { Ticker } from "./terminal/ticker.ts";

const PLAIN = paint(false);
const COLOUR = paint(true);

test("a box is as wide as its widest line, colours not counted", () => {
  const lines = box("T", [COLOUR.red("x".repeat(60)), "y"], COLOUR).split("\n");
  assert.equal(new Set(lines.map(visibleLength)).size, 1);
  assert.equal(visibleLength(lines[0]), 64);
});

describe("tables", () => {
  const columns = [{ heading: "NAME" }, { heading: "COUNT", align: "right" as const }];

  test("line up, numbers to the right, without blanks at the end of a line", () => {
    const rows = [
      ["a", "1,000"],
      ["long name", "2"],
    ];
    assert.equal(
      table(columns, rows, "none", PLAIN),
      ["NAME       COUNT", "a          1,000", "long name      2"].join("\n"),
    );
  });

  test("say so when they are empty", () => {
    assert.equal(table(columns, [], "nothing fits", PLAIN), "nothing fits");
  });

  test("are cut to the paper, and only there", () => {
    const rows = [["a".repeat(30), "1"]];
    for (const line of table(columns, rows, "", paint(false, 20)).split("\n")) {
      assert.isAtMost(visibleLength(line), 20);
    }
    assert.include(table(columns, rows, "", PLAIN), "a".repeat(30));
  });

  test("of facts line up values of several lines", () => {
    const pairs = [["a", "1\n2"] as const, ["long", "3"] as const];
    assert.equal(facts(pairs, PLAIN), "a     1\n      2\nlong  3");
  });
});

test("an outline draws its branches as tree draws folders", () => {
  const leaf = (text: string) => ({ text, below: [] });
  const root = { text: "r", below: [{ text: "a", below: [leaf("b"), leaf("c")] }, leaf("d")] };
  assert.equal(outline(root), "r\n├─ a\n│  ├─ b\n│  └─ c\n└─ d");
});

describe("text of others", () => {
  test("shows control characters instead of obeying them, line ends and tabs apart", () => {
    assert.equal(tame("a\x1b[2Jb\x07\x9bc\r\n\td"), "a\\x1b[2Jb\\x07\\x9bc\\x0d\n\td");
  });
  test("is cut by what is seen", () => {
    assert.equal(cutTo(COLOUR.red("abcdef"), 6), COLOUR.red("abcdef"));
    assert.equal(cutTo(COLOUR.red("abcdef"), 4), "abc…");
  });
});

describe("values that JSON cannot say", () => {
  const cycle: Record<string, unknown> = { name: "a" };
  cycle.self = cycle;
  const cases: [string, unknown, unknown][] = [
    ["numbers that are none", [Number.NaN, Infinity, -0], [null, null, 0]],
    ["big integers", { n: 10n }, { n: "10n" }],
    ["bytes", new Uint8Array([1, 255]), "01ff"],
    ["maps and sets", [new Map([["a", 1]]), new Set([2])], [[["a", 1]], [2]]],
    ["errors", new TypeError("no"), "TypeError: no"],
    ["dates", [new Date(0), new Date(Number.NaN)], ["1970-01-01T00:00:00.000Z", null]],
    ["what is absent", { a: undefined, b: [undefined], c: () => 1 }, { b: [null] }],
    ["cycles", cycle, { name: "a", self: "[cycle]" }],
    ["the same thing twice", [[1], [1]], [[1], [1]]],
  ];
  for (const [name, value, plain] of cases) {
    test(name, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(toPlain(value))), plain);
    });
  }
  test("a key called __proto__ stays a key", () => {
    const copy = toPlain(JSON.parse('{"__proto__": {"polluted": 1}}')) as object;
    assert.equal(JSON.stringify(copy), '{"__proto__":{"polluted":1}}');
    assert.isUndefined((copy as { polluted?: number }).polluted);
  });
  test("depth has an end", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level++) deep = [deep];
    assert.include(JSON.stringify(toPlain(deep)), "[deep]");
  });
});

test("a ticker shows the last line only, cut to the terminal, and leaves nothing behind", () => {
  const written: string[] = [];
  const out = { columns: 10, write: (text: string) => written.push(text) };
  const ticker = new Ticker(out as unknown as Output);
  ticker.show("short");
  ticker.show("short");
  ticker.show("longer than that");
  ticker.done();
  ticker.done();
  out.columns = 0;
  ticker.show("of unknown size");
  ticker.done();
  const unknown = ["\rof unknown size\x1b[K", "\r\x1b[K"];
  assert.deepEqual(written.splice(3), unknown);
  assert.deepEqual(written, ["\rshort\x1b[K", "\rlonger th…\x1b[K", "\r\x1b[K"]);
});
