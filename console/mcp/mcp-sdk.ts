/**
 * The MCP library, which is optional: only who serves MCP loads it, and only this file names it. It speaks the
 * protocol; what is said is mcp-session.ts.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";
import { MAX_BODY_BYTES } from "../http/http-arguments.ts";
import { ConsoleError, codeOf, sentenceOf } from "../terminal/exit.ts";
import type { Input, Output } from "../terminal/streams.ts";
import { packageVersion } from "../terminal/version.ts";
import { CONFIRM_WITHIN_MS } from "./mcp-confirmations.ts";
import { PAGE, TEMPLATES } from "./mcp-resources.ts";
import type { McpCaller, McpSession } from "./mcp-session.ts";

/** Longest request. */
const MAX_REQUEST_BYTES = 10 * 1_048_576;
/** The protocol's code for a resource that is not there. */
const RESOURCE_NOT_FOUND = -32_002;

const INSTRUCTIONS =
  "Looks after a running mesh of agents. Start with status; agents have addresses such as " +
  "sector-7/cluster-4/agent-12, and why and inspect tell about one. What changes the mesh is shown first and " +
  "done only when it is confirmed.";

type Sdk = typeof import("@modelcontextprotocol/sdk/types.js") &
  Pick<typeof import("@modelcontextprotocol/sdk/server/index.js"), "Server"> &
  Pick<typeof import("@modelcontextprotocol/sdk/server/stdio.js"), "StdioServerTransport">;
type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** An open end of the protocol. */
export interface McpServer {
  /** Resolves when it has closed. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** An open end that is spoken to in requests of HTTP. */
export interface McpHttpEnd extends McpServer {
  /** Of its session; undefined until a client has initialized it. */
  readonly id: string | undefined;
  /** Answers a request; resolves when the answer, or the stream that it is, has ended. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** The library; ConsoleError with the command that installs it when it is not there. */
export async function loadMcpSdk(load: () => Promise<Sdk> = importSdk): Promise<McpSdk> {
  try {
    return new McpSdk(await load());
  } catch (error) {
    if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConsoleError(
      "CONSOLE_NO_MCP",
      "mcp needs a package that is not installed: npm install @modelcontextprotocol/sdk@1.32.2",
    );
  }
}

/** The loaded library. */
export class McpSdk {
  readonly #sdk: Sdk;

  constructor(sdk: Sdk) {
    this.#sdk = sdk;
  }

  /** Serves a client over two streams; `onTrouble` hears what could not be read. */
  serveStreams(
    session: McpSession,
    stdin: Input,
    stdout: Output,
    onTrouble: (sentence: string) => void,
  ): Promise<McpServer> {
    const { StdioServerTransport } = this.#sdk;
    const options = { maxBufferSize: MAX_REQUEST_BYTES };
    const transport = new StdioServerTransport(stdin, stdout, options);
    return this.serve(session, transport, onTrouble);
  }

  /** Serves a client over HTTP, in a session that begins (`onBegun`) when its first request initializes it. */
  async serveHttp(session: McpSession, onBegun: () => void): Promise<McpHttpEnd> {
    // Who speaks over streams does not load what HTTP takes.
    const { StreamableHTTPServerTransport } = await import(
      "@modelcontextprotocol/sdk/server/streamableHttp.js"
    );
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: onBegun,
      maxRequestBodySize: MAX_BODY_BYTES,
    });
    // Its answer tells the client what was wrong with a request, and whoever has gone misses theirs.
    const server = await this.serve(session, transport as Transport, () => {});
    return {
      ...server,
      get id() {
        return transport.sessionId;
      },
      answer: (request, response) => transport.handleRequest(request, response),
    };
  }

  /** Serves a client over any transport. */
  async serve(
    session: McpSession,
    transport: Transport,
    onTrouble: (sentence: string) => void,
  ): Promise<McpServer> {
    const server = new this.#sdk.Server(
      { name: "mesh-30k", version: packageVersion() },
      { capabilities: { tools: {}, resources: {}, completions: {} }, instructions: INSTRUCTIONS },
    );
    this.#addTools(server, session);
    this.#addResources(server, session);
    server.onerror = (error) => onTrouble(sentenceOf(error));
    const closed = new Promise<void>((resolve) => {
      server.onclose = resolve;
    });
    await server.connect(transport);
    return { closed, close: () => server.close() };
  }

  #addTools(server: Server, session: McpSession): void {
    const { ListToolsRequestSchema, CallToolRequestSchema, McpError, ErrorCode } = this.#sdk;
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: session.tools(canAsk(server)),
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const { name, arguments: args = {} } = params;
      if (!session.knows(name))
        throw new McpError(ErrorCode.InvalidParams, `unknown tool "${name.slice(0, 100)}"`);
      const { text, data, isError } = await session.call(name, args, callerOf(server, extra));
      return { content: [{ type: "text", text }], structuredContent: data, isError };
    });
  }

  #addResources(server: Server, session: McpSession): void {
    const sdk = this.#sdk;
    server.setRequestHandler(sdk.ListResourcesRequestSchema, ({ params }) =>
      this.#orProtocolError(async () => session.resources(params?.cursor)),
    );
    server.setRequestHandler(sdk.ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: [...TEMPLATES],
    }));
    server.setRequestHandler(sdk.ReadResourceRequestSchema, ({ params }, { signal }) =>
      this.#orProtocolError(async () => {
        const { uri, text } = await session.read(params.uri, signal);
        return { contents: [{ uri, mimeType: "application/json", text }] };
      }),
    );
    server.setRequestHandler(sdk.CompleteRequestSchema, ({ params }) => {
      const { ref, argument } = params;
      const all =
        ref.type === "ref/resource" && argument.name === "address"
          ? session.completions(ref.uri, argument.value)
          : [];
      const values = all.slice(0, PAGE);
      return { completion: { values, total: all.length, hasMore: values.length < all.length } };
    });
  }

  /** Only tools have a place for errors in their results. */
  async #orProtocolError<T>(task: () => Promise<T>): Promise<T> {
    const { McpError, ErrorCode } = this.#sdk;
    try {
      return await task();
    } catch (error) {
      const code = codeOf(error);
      const number =
        code === "CONSOLE_NO_RESOURCE"
          ? RESOURCE_NOT_FOUND
          : code === "CONSOLE_CURSOR"
            ? ErrorCode.InvalidParams
            : ErrorCode.InternalError;
      throw new McpError(number, sentenceOf(error), { code });
    }
  }
}

/** A client that can only open a page for its person cannot put our question to them. */
function canAsk(server: Server): boolean {
  return server.getClientCapabilities()?.elicitation?.form !== undefined;
}

function callerOf(server: Server, extra: Extra): McpCaller {
  const { signal } = extra;
  const progressToken = extra._meta?.progressToken;
  let progress = 0;
  return {
    signal,
    ask: canAsk(server) ? (question) => ask(server, question, extra) : undefined,
    onProgress:
      progressToken === undefined
        ? undefined
        : (message) => {
            const params = { progressToken, progress: ++progress, message };
            // A client that has gone misses nothing.
            extra.sendNotification({ method: "notifications/progress", params }).catch(() => {});
          },
  };
}

async function ask(server: Server, message: string, extra: Extra): Promise<boolean> {
  const { action, content } = await server.elicitInput(
    {
      message,
      requestedSchema: {
        type: "object",
        properties: { yes: { type: "boolean", title: "Do it", default: false } },
        required: ["yes"],
      },
    },
    { signal: extra.signal, timeout: CONFIRM_WITHIN_MS, relatedRequestId: extra.requestId },
  );
  return action === "accept" && content?.yes === true;
}

async function importSdk(): Promise<Sdk> {
  const [server, stdio, types] = await Promise.all([
    import("@modelcontextprotocol/sdk/server/index.js"),
    import("@modelcontextprotocol/sdk/server/stdio.js"),
    import("@modelcontextprotocol/sdk/types.js"),
  ]);
  return { ...types, Server: server.Server, StdioServerTransport: stdio.StdioServerTransport };
}
