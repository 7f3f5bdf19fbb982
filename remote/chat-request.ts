/** What is asked of a chat endpoint, and what that may cost at most. */
import type { LlmMessage } from "../runtime/api/agent-api.ts";
import type { Amount } from "./llm-budget.ts";

/** What holds for all messages of an agent. */
export interface ChatDefaults {
  readonly model: string;
  readonly system: string | undefined;
  readonly temperature: number | undefined;
  readonly maxTokens: number;
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Billionths of a dollar a token. */
  readonly inputNanoUsd: number;
  readonly outputNanoUsd: number;
  /** What a token of prompt takes of the time of one of the answer. */
  readonly promptCost: number;
}

/** A message as it is asked. */
export interface ChatRequest {
  readonly body: string;
  /** More tokens the prompt cannot have: each stands for a byte or more, and messages bring a few of their own. */
  readonly mostPromptTokens: number;
  readonly maxTokens: number;
  /** Its weight for the prediction of when the answer is there. */
  readonly weight: number;
}

/** Tokens that frame a message, and the whole of them, in every known template. */
const TOKENS_A_MESSAGE = 16;
/** Of text in general. */
const BYTES_A_TOKEN = 4;
/** Tokens in one unit of weight, as in the traces of language models. */
const TOKENS_A_WEIGHT = 100;
const MAX_TOKENS = 1_000_000;

/** Reads a message: text, {@link LlmMessage}, or anything else as its JSON. TypeError names what is wrong in it. */
export function chatRequest(message: unknown, defaults: ChatDefaults): ChatRequest {
  const said = typeof message === "object" && message !== null ? (message as LlmMessage) : {};
  const { system = defaults.system, temperature = defaults.temperature } = said;
  const messages = promptOf(message, said);
  const all = system === undefined ? messages : [{ role: "system", content: system }, ...messages];
  const maxTokens = tokens("maxTokens", said.maxTokens ?? defaults.maxTokens);
  const expected = Math.min(maxTokens, tokens("expectedTokens", said.expectedTokens ?? maxTokens));
  let bytes = 0;
  for (const { role, content } of all) bytes += Buffer.byteLength(content) + role.length;
  return {
    body: JSON.stringify({
      model: defaults.model,
      messages: all,
      stream: true,
      stream_options: { include_usage: true },
      [defaults.maxTokensField]: maxTokens,
      ...(temperature !== undefined && { temperature }),
    }),
    mostPromptTokens: bytes + TOKENS_A_MESSAGE * (all.length + 1),
    maxTokens,
    weight: (expected + (bytes / BYTES_A_TOKEN) * defaults.promptCost) / TOKENS_A_WEIGHT,
  };
}

/** What so many tokens cost. */
export function amountOf(
  { inputNanoUsd, outputNanoUsd }: ChatDefaults,
  promptTokens: number,
  completionTokens: number,
): Amount {
  return {
    nanoUsd: promptTokens * inputNanoUsd + completionTokens * outputNanoUsd,
    tokens: promptTokens + completionTokens,
  };
}

function promptOf(
  message: unknown,
  { prompt, messages }: LlmMessage,
): readonly { readonly role: string; readonly content: string }[] {
  if (messages !== undefined) {
    const isOne = (one: { role?: unknown; content?: unknown } | null): boolean =>
      typeof one?.role === "string" && typeof one.content === "string";
    if (Array.isArray(messages) && messages.length > 0 && messages.every(isOne)) return messages;
    throw new TypeError("messages: expected a list of { role, content } of text, not empty");
  }
  const content = prompt ?? (typeof message === "string" ? message : JSON.stringify(message));
  if (typeof content !== "string") throw new TypeError(`prompt: expected text, got ${content}`);
  return [{ role: "user", content }];
}

function tokens(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TOKENS)
    return value as number;
  throw new TypeError(`${name}: expected a whole number from 1 to ${MAX_TOKENS}, got ${value}`);
}
