import { assert, describe, test } from "vitest";
import { UsageError } from "../terminal/exit.ts";
import { wordsOf } from "./words.ts";

describe("the words of a line", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["   ", []],
    ["status", ["status"]],
    ["  tell  a   b ", ["tell", "a", "b"]],
    [`tell a '{"x": 1}'`, ["tell", "a", '{"x": 1}']],
    [
      `tell a {"x": "}  {", "y": [1, 2]} --priority 3`,
      ["tell", "a", '{"x": "}  {", "y": [1, 2]}', "--priority", "3"],
    ],
    [`tell a {"quote": "\\"}"}`, ["tell", "a", '{"quote": "\\"}"}']],
    ["tell a [1, 2]", ["tell", "a", "[1, 2]"]],
    [`tell a "two words"`, ["tell", "a", "two words"]],
    [`tell a "say \\"hi\\""`, ["tell", "a", 'say "hi"']],
    [`tell a 'back\\slash'`, ["tell", "a", "back\\slash"]],
    ["tell a two\\ words", ["tell", "a", "two words"]],
    [`tell a ""`, ["tell", "a", ""]],
    ["status # how is it", ["status"]],
    ["tell a b#c", ["tell", "a", "b#c"]],
  ];
  for (const [line, words] of cases) {
    test(`${JSON.stringify(line)} is ${words.length} words`, () => {
      assert.deepEqual(wordsOf(line), words);
    });
  }

  test("an open quote is told with its column", () => {
    assert.throws(() => wordsOf('tell a "b'), UsageError, /column 8/);
  });

  test("open JSON is told with its column", () => {
    assert.throws(() => wordsOf('tell a {"b": [1'), UsageError, /column 8/);
  });
});
