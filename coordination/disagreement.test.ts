import fc from "fast-check";
import { expect, test } from "vitest";
import { contradicting } from "./disagreement.ts";

const said = (...answers: string[]): readonly number[] =>
  contradicting(answers.map((answer, agent) => [agent, answer] as const));

test.each([
  ["one against three", ["a", "a", "b", "a"], [2]],
  ["one against two is one opinion of three", ["a", "a", "b"], []],
  ["all agree", ["a", "a", "a", "a"], []],
  ["everyone says something else", ["a", "b", "c", "d", "e"], []],
  ["half against half", ["a", "a", "a", "b", "b", "b"], []],
  ["two liars who say the same against four", ["a", "b", "a", "a", "b", "a"], [1, 4]],
  ["three of five are no clear majority", ["a", "a", "a", "b", "c"], []],
  ["nobody answered", [], []],
])("%s", (_name, answers, blamed) => {
  expect(said(...answers)).toEqual(blamed);
});

test("the honest are never blamed while two thirds are, however the others lie", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 10 }),
      fc.nat(30),
      (lies, more) => {
        const honest = Math.max(3, 2 * lies.length) + more;
        const answers = [...lies, ...new Array<string>(honest).fill("truth")];
        expect(said(...answers)).toEqual(lies.map((_, agent) => agent));
      },
    ),
  );
});
