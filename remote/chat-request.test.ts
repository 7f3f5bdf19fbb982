import { assert, test } from "vitest";
import { amountOf, type ChatDefaults, chatRequest } from "./chat-request.ts";

const DEFAULTS: ChatDefaults = {
  model: "m",
  system: undefined,
  temperature: undefined,
  maxTokens: 200,
  maxTokensField: "max_completion_tokens",
  inputNanoUsd: 2,
  outputNanoUsd: 10,
  promptCost: 0.05,
};

test("a message weighs what its answer will be long, and a little for its prompt", () => {
  const weightOf = (message: unknown): number => chatRequest(message, DEFAULTS).weight;
  assert.approximately(weightOf("four"), 2, 0.001);
  assert.approximately(weightOf({ prompt: "four", expectedTokens: 50 }), 0.5, 0.001);
  // 40,000 bytes are about 10,000 tokens, a twentieth each.
  assert.approximately(weightOf({ prompt: "x".repeat(40_000), expectedTokens: 50 }), 5.5, 0.001);
  assert.approximately(weightOf({ prompt: "four", expectedTokens: 900 }), 2, 0.001, "at most all");
});

test("the bound of a prompt counts its bytes, and that of an answer is asked for", () => {
  const { body, mostPromptTokens, maxTokens } = chatRequest("äöü", DEFAULTS);
  assert.equal(mostPromptTokens, 6 + "user".length + 2 * 16);
  assert.equal(JSON.parse(body).max_completion_tokens, maxTokens);
  assert.deepEqual(amountOf(DEFAULTS, 5, 4), { nanoUsd: 50, tokens: 9 });
});

test("what is no prompt is named", () => {
  assert.throws(() => chatRequest({ messages: [] }, DEFAULTS), /^messages: expected a list/);
  assert.throws(() => chatRequest({ prompt: "x", maxTokens: 0 }, DEFAULTS), /^maxTokens: expected/);
  assert.throws(() => chatRequest(undefined, DEFAULTS), /^prompt: expected text, got undefined/);
});
