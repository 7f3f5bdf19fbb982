// An OpenAI-compatible chat endpoint on this machine. It streams as fast as a hosted model did when it was measured
// (examples/traces/llm.csv.gz: time to the first token, and of the whole answer), a token a word.
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** One measured request. */
export interface Measured {
  readonly firstTokenMs: number;
  readonly tokenMs: number;
}

/** Requests to a hosted Llama-2 model, in the order in which they were measured. */
export function measuredRequests(model: string): readonly Measured[] {
  const file = new URL("../examples/traces/llm.csv.gz", import.meta.url);
  const rows = gunzipSync(readFileSync(file)).toString().split("\n").slice(1);
  const of = (kind: string) =>
    rows.map((row) => row.split(",")).filter(([agent]) => agent === `${model}-${kind}`);
  const wholes = of("e2e");
  return of("ttft").map(([, , , , firstMs], i) => {
    const [, , , , wholeMs, hundreds] = wholes[i];
    const restMs = Math.max(0, Number(wholeMs) - Number(firstMs));
    return { firstTokenMs: Number(firstMs), tokenMs: restMs / (Number(hundreds) * 100) };
  });
}

/** A request as the endpoint had it. */
export interface ChatCall {
  readonly atMs: number;
  readonly promptTokens: number;
  readonly authorization: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look at what was sent
  readonly json: any;
}

export interface ChatServer extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly ChatCall[];
  /** Tokens of prompts and answers that it has worked through, whoever was left to read them. */
  readonly billed: () => number;
  /** How many answers are on their way. */
  readonly running: () => number;
  /** Answers instead of the model until it returns false. */
  intercept: ((response: ServerResponse, call: ChatCall) => boolean) | undefined;
}

/** Starts it; `speed` is how many times as fast as measured it is. */
export async function startChatServer(speed = 1): Promise<ChatServer> {
  const measured = measuredRequests("anyscale_70b");
  const calls: ChatCall[] = [];
  let billed = 0;
  let running = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const json = JSON.parse(Buffer.concat(chunks).toString());
    const { firstTokenMs, tokenMs } = measured[calls.length % measured.length];
    const prompt = json.messages.map(({ content }: { content: string }) => content).join(" ");
    const promptTokens = prompt.split(/\s+/).length;
    const { authorization } = request.headers;
    const call = { atMs: performance.now(), promptTokens, authorization, json };
    calls.push(call);
    if (chat.intercept?.(response, call)) return;
    running++;
    const wanted = Number(/say (\d+) words/.exec(prompt)?.[1] ?? 3);
    const tokens = Math.min(wanted, json.max_tokens);
    response.writeHead(200, { "content-type": "text/event-stream" });
    await pause(firstTokenMs / speed);
    for (let i = 0; i < tokens; i++) {
      if (i > 0) await pause(tokenMs / speed);
      event(response, { choices: [{ delta: { content: i === 0 ? "word" : " word" } }] });
    }
    const finish_reason = tokens < wanted ? "length" : "stop";
    event(response, { choices: [{ delta: {}, finish_reason }] });
    if (json.stream_options?.include_usage === true)
      event(response, {
        choices: [],
        usage: { prompt_tokens: promptTokens, completion_tokens: tokens },
      });
    response.end("data: [DONE]\n\n");
    billed += promptTokens + tokens;
    running--;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const chat: ChatServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    billed: () => billed,
    running: () => running,
    intercept: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return chat;
}

function event(response: ServerResponse, data: unknown): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
