// Twelve ways to misuse an operator's interface, and ordinary days on which nothing may be taken for one of them.
import { describe, expect, test } from "vitest";
import { OPERATOR_RULES } from "../trust/operator-watch.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { printedSeed } from "./mesh.ts";
import { ADA, stepAct } from "./operator-playbooks.ts";
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

test.each([
  ["invite", "grant", "operate"],
  ["remove", "revoke", "revoke"],
  ["break-glass", "grant", "operate"],
  ["list", "look", "look"],
])("operators %s is a %s of somebody afar, and a %s of the owner", (action, afar, here) => {
  const isNamed = action === "invite" || action === "remove";
  const args = { action, ...(isNamed && { name: "mallory" }) };
  const kindFor = (local: boolean): string =>
    stepAct(new FakeMesh().mesh, {
      afterMs: 0,
      who: { ...ADA, local },
      command: "operators",
      args,
    }).kind;
  expect([kindFor(false), kindFor(true)]).toEqual([afar, here]);
});
