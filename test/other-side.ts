// A web service on this machine that agents call: what it heard, and what it says is up to the test.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what agents send is what the tests look at
  readonly json: any;
}

export interface OtherSide extends AsyncDisposable {
  readonly url: string;
  /** All requests, oldest first. */
  readonly heard: readonly Heard[];
  /** Connections that were ever opened. */
  readonly connections: () => number;
}

/** Answers with a status and JSON. */
export function say(
  response: ServerResponse,
  status: number,
  json?: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(json === undefined ? undefined : JSON.stringify(json));
}

/** Starts it on a free port. */
export async function startOtherSide(
  answer: (heard: Heard, response: ServerResponse) => unknown,
): Promise<OtherSide> {
  const heard: Heard[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, headers, body, json: body === "" ? undefined : JSON.parse(body) };
    heard.push(one);
    await answer(one, response);
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
