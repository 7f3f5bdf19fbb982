import { expect, test } from "vitest";
import * as layout from "./layout.ts";

/** Words of a control block by the name that claims them; a Float64 index claims two. */
function claims(): [name: string, word: number][] {
  return Object.entries(layout).flatMap(([name, at]): [string, number][] => {
    if (!name.startsWith("CONTROL_") || name === "CONTROL_WORDS" || typeof at !== "number")
      return [];
    if (!name.endsWith("_F64")) return [[name, at]];
    const doubles = name === "CONTROL_COUNTS_F64" ? 2 * layout.COUNTS_STRIDE : 1;
    return Array.from({ length: doubles * 2 }, (_, i) => [name, at * 2 + i]);
  });
}

test("no two names of the control block share a word, and all lie within it", () => {
  const owners = new Map<number, string>();
  for (const [name, word] of claims()) {
    expect(owners.get(word) ?? name, `word ${word}`).toBe(name);
    expect(word).toBeLessThan(layout.CONTROL_WORDS);
    owners.set(word, name);
  }
  expect(owners.size).toBeGreaterThan(20);
});
