import { assert, describe, test } from "vitest";
import { boundedData, boundedText, MAX_DATA, MAX_TEXT } from "./mcp-output.ts";

describe("data", () => {
  test("with members stays as it is; a list and a word become the member data", () => {
    for (const [data, record] of [
      [{ a: 1 }, { a: 1 }],
      [[1, 2], { data: [1, 2] }],
      ["word", { data: "word" }],
    ] as const)
      assert.deepEqual(boundedData(data), { shown: data, record, note: "" });
  });

  test("that is too long loses the end of its longest list, and says how much", () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => ({ index, what: "x".repeat(50) }));
    const bounded = boundedData({ short: [1, 2], total: 5_000, rows });
    const { record: cut, note } = bounded;
    const kept = (cut.rows as unknown[]).length;
    assert.deepInclude(cut, { short: [1, 2], total: 5_000 });
    assert.deepEqual(cut.truncated, { member: "rows", kept, of: 5_000 });
    assert.deepEqual(cut.rows, rows.slice(0, kept));
    assert.deepEqual({ ...(bounded.shown as object), truncated: cut.truncated }, cut);
    assert.match(note, /^… [\d,]+ of 5,000 are shown: ask for less/);
    const { length } = JSON.stringify(cut);
    assert.isAtMost(length, MAX_DATA);
    assert.isAbove(length, MAX_DATA - 400, "as much is kept as fits");
  });

  test("that is a list too long is cut as one", () => {
    const rows = Array.from({ length: MAX_DATA }, () => 1);
    const { shown, record } = boundedData(rows);
    assert.isArray(shown);
    assert.equal(record.data, shown);
  });

  test("that is too long beside its lists is left out, and says so", () => {
    for (const data of [
      { text: "x".repeat(MAX_DATA), list: [1] },
      { text: "x".repeat(MAX_DATA) },
    ]) {
      const characters = JSON.stringify(data).length;
      const { shown, record, note } = boundedData(data);
      assert.isUndefined(shown);
      assert.deepEqual(record, { truncated: { characters, most: MAX_DATA } });
      assert.match(note, /^the answer has [\d,]+ characters, and is not shown/);
    }
  });
});

describe("text", () => {
  test("that fits stays as it is", () => {
    const text = "x".repeat(MAX_TEXT);
    assert.equal(boundedText(text), text);
  });

  test("that is too long ends with a whole line and says how much is missing", () => {
    const text = "0123456789\n".repeat(5_000);
    const cut = boundedText(text);
    assert.match(cut, /9\n… [\d,]+ more characters are left out: ask for less/);
    const kept = cut.slice(0, cut.indexOf("\n…"));
    assert.isTrue(text.startsWith(kept));
    assert.isAtMost(kept.length, MAX_TEXT);
    assert.include(cut, `${(text.length - kept.length).toLocaleString("en")} more`);
    assert.isAtMost(boundedText("x".repeat(2 * MAX_TEXT)).length, MAX_TEXT + 120);
  });
});
