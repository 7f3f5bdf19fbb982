/** Reads the stream of a chat completion: pieces of text, why it ended, and what it used. */
import { createParser } from "eventsource-parser";
import { MeshError } from "../actors/errors.ts";

/** What a stream has said so far. */
export interface ChatStream {
  text: string;
  finish: string;
  /** As the endpoint counts; undefined while it has not said. */
  usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
  /** Pieces that had text: hardly more than there were tokens. */
  pieces: number;
  /** When the first piece came, ms; 0 before. */
  firstMs: number;
  /** The endpoint said that this is all. */
  done: boolean;
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: unknown };
    readonly finish_reason?: unknown;
  }[];
  readonly usage?: {
    readonly prompt_tokens?: unknown;
    readonly completion_tokens?: unknown;
  } | null;
  readonly error?: { readonly message?: unknown };
}

/** Follows a stream to its end, filling `seen` as it goes, so that what was used is known when it breaks off. */
export async function readChatStream(
  chunks: AsyncIterable<Uint8Array>,
  seen: ChatStream,
  nowMs: () => number,
): Promise<void> {
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: ({ data }) => take(data, seen, nowMs) });
  for await (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
  if (!seen.done && seen.finish === "")
    throw new MeshError("MESH_REMOTE_BROKEN", "the stream broke off before its end");
}

/** A stream of which nothing has come. */
export function newChatStream(): ChatStream {
  return { text: "", finish: "", usage: undefined, pieces: 0, firstMs: 0, done: false };
}

function take(data: string, seen: ChatStream, nowMs: () => number): void {
  if (data === "[DONE]") {
    seen.done = true;
    return;
  }
  const { choices, usage, error } = JSON.parse(data) as Chunk;
  if (error !== undefined)
    throw new MeshError("MESH_REMOTE_BROKEN", `the stream says: ${String(error.message)}`);
  for (const { delta, finish_reason } of choices ?? []) {
    const piece = delta?.content;
    if (typeof piece === "string" && piece !== "") {
      seen.firstMs ||= nowMs();
      seen.pieces++;
      seen.text += piece;
    }
    if (typeof finish_reason === "string") seen.finish = finish_reason;
  }
  const { prompt_tokens: prompt, completion_tokens: completion } = usage ?? {};
  if (isCount(prompt) && isCount(completion))
    seen.usage = { promptTokens: prompt, completionTokens: completion };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
