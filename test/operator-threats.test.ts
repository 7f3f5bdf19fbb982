// Twelve ways to misuse an operator's interface, and ordinary days on which nothing may be taken for one of them.
import { describe, expect, test } from "vitest";
import { OPERATOR_RULES } from "../trust/operator-watch.ts";
import { printedSeed } from "./mesh.ts";
import { PLAYBOOKS, play, watchDays } from "./operator-trials.ts";

const seed = printedSeed();

describe("playbooks of a compromised operator", () => {
  test("there are twelve, one for each rule", () => {
    expect(PLAYBOOKS.map(({ rule }) => rule).sort()).toEqual([...OPERATOR_RULES].sort());
  });

  for (const playbook of PLAYBOOKS)
    test(`${playbook.name}: ${playbook.rule}`, () => {
      expect(play(playbook, seed).alarm).toMatchObject({ rule: playbook.rule });
    });
});

test("three ordinary days, with all that goes wrong on them, freeze nothing", () => {
  const ordinary = watchDays(3, seed);
  expect(ordinary.acts).toBeGreaterThan(5_000);
  expect(ordinary.alarms).toEqual([]);
});
