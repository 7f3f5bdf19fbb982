import { assert, beforeEach, describe, test } from "vitest";
import { CONFIRM_WITHIN_MS, Confirmations, MAX_OPEN_CONFIRMATIONS } from "./mcp-confirmations.ts";

const STEP = { command: "kill", args: { target: "worker-1", message: { 2: "b", 1: ["a"] } } };

let nowMs: number;
let confirmations: Confirmations;

beforeEach(() => {
  nowMs = 1_000;
  confirmations = new Confirmations(() => nowMs);
});

describe("a token", () => {
  test("is good once", () => {
    const token = confirmations.issue(STEP);
    confirmations.redeem(token, STEP);
    assert.throws(() => confirmations.redeem(token, STEP), /not used yet/);
  });

  test("stands for the same step, in whatever order its members are written", () => {
    const args = { message: { 1: ["a"], 2: "b" }, target: "worker-1" };
    confirmations.redeem(confirmations.issue(STEP), { args, command: "kill" });
  });

  for (const other of [
    { ...STEP, command: "restart" },
    { ...STEP, args: { ...STEP.args, target: "worker-2" } },
    { ...STEP, args: { ...STEP.args, message: { 1: ["a"], 2: "c" } } },
    { ...STEP, args: { ...STEP.args, message: { 1: [["a"]], 2: "b" } } },
    { ...STEP, args: { ...STEP.args, message: [1, 2] } },
    { ...STEP, args: { ...STEP.args, more: true } },
    { ...STEP, args: { ...STEP.args, ...JSON.parse('{"__proto__":1}') } },
  ]) {
    test(`stands for nothing else, and is used up by the try: ${JSON.stringify(other)}`, () => {
      const token = confirmations.issue(STEP);
      assert.throws(() => confirmations.redeem(token, other), /another command, other arguments/);
      assert.throws(() => confirmations.redeem(token, STEP), /not used yet/);
    });
  }

  test("is good for two minutes and no longer", () => {
    const [first, second] = [confirmations.issue(STEP), confirmations.issue(STEP)];
    nowMs += CONFIRM_WITHIN_MS - 1;
    confirmations.redeem(first, STEP);
    nowMs += 1;
    assert.throws(() => confirmations.redeem(second, STEP), /older than 120 s/);
  });

  test("of another client is none", () => {
    const token = new Confirmations(() => nowMs).issue(STEP);
    assert.throws(() => confirmations.redeem(token, STEP), /given here/);
  });
});

test("the oldest token is forgotten when too many are open", () => {
  const tokens = Array.from({ length: MAX_OPEN_CONFIRMATIONS + 1 }, () =>
    confirmations.issue(STEP),
  );
  assert.throws(() => confirmations.redeem(tokens[0], STEP), /given here/);
  for (const token of tokens.slice(1)) confirmations.redeem(token, STEP);
});
