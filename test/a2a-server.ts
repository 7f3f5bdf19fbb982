// A remote agent of A2A on this machine: the SDK's own server, and what it does is up to the test.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AgentCard,
  type Message,
  Role,
  type Task,
  type TaskState,
  type TaskStatus,
} from "@a2a-js/sdk";
import {
  AgentEvent,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
} from "@a2a-js/sdk/server";

/** What a task goes through: each state for so long, and what is said with it. */
export interface Step {
  readonly state: TaskState;
  readonly text?: string;
  readonly data?: unknown;
  readonly afterMs?: number;
}

export interface A2aServer extends AsyncDisposable {
  readonly url: string;
  /** Messages that it was sent, oldest first. */
  readonly messages: readonly Message[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** Times that its card was fetched. */
  cards(): number;
  /** Statuses with which it fails next, each once. */
  readonly trouble: number[];
  /** Forgets all tasks. */
  forget(): void;
}

function part(content: { $case: "text"; value: string } | { $case: "data"; value: unknown }) {
  const mediaType = content.$case === "text" ? "text/plain" : "application/json";
  return { content, mediaType, filename: "", metadata: undefined };
}

function cardOf(url: string): AgentCard {
  const mode = "application/json";
  return {
    name: "remote",
    description: "what the test has it do",
    version: "1.0.0",
    supportedInterfaces: [
      { url: `${url}/rpc`, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" },
    ],
    provider: undefined,
    capabilities: { streaming: false, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: [mode],
    defaultOutputModes: [mode],
    skills: [],
    signatures: [],
  };
}

function taskOf(id: string, contextId: string, step: Step): Task {
  const { state, text, data } = step;
  const said = { messageId: `${id}-${state}`, contextId, taskId: id, role: Role.ROLE_AGENT };
  const rest = { metadata: undefined, extensions: [], referenceTaskIds: [] };
  const parts = text === undefined ? [] : [part({ $case: "text", value: text })];
  const status: TaskStatus = {
    state,
    message: text === undefined ? undefined : { ...said, parts, ...rest },
    timestamp: undefined,
  };
  const artifact = {
    artifactId: "1",
    name: "",
    description: "",
    parts: [part({ $case: "data", value: data })],
    metadata: undefined,
    extensions: [],
  };
  const artifacts = data === undefined ? [] : [artifact];
  return { id, contextId, status, artifacts, history: [], metadata: undefined };
}

/** Starts it on a free port; a message goes through what `stepsOf` says of it. */
export async function startA2aServer(
  stepsOf: (message: Message) => readonly Step[],
): Promise<A2aServer> {
  const messages: Message[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const trouble: number[] = [];
  let cards = 0;
  let handler: JsonRpcTransportHandler;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    headers.push(request.headers);
    if (request.method === "GET") cards++;
    const status = trouble.shift();
    response.writeHead(status ?? 200, { "content-type": "application/json" });
    if (status !== undefined) response.end("{}");
    else if (request.method === "GET") response.end(JSON.stringify(cardOf(url)));
    else {
      const requestedVersion = String(request.headers["a2a-version"] ?? "1.0");
      const context = new ServerCallContext({ requestedVersion });
      const answer = await handler.handle(Buffer.concat(chunks).toString(), context);
      response.end(JSON.stringify(answer));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const forget = (): void => {
    const requests = new DefaultRequestHandler(cardOf(url), new InMemoryTaskStore(), {
      async execute({ userMessage, taskId, contextId }, bus) {
        messages.push(userMessage);
        for (const step of stepsOf(userMessage)) {
          if (step.afterMs) await new Promise((resolve) => setTimeout(resolve, step.afterMs));
          bus.publish(AgentEvent.task(taskOf(taskId, contextId, step)));
        }
        bus.finished();
      },
      async cancelTask() {},
    });
    handler = new JsonRpcTransportHandler(requests);
  };
  forget();
  return {
    url,
    messages,
    headers,
    cards: () => cards,
    trouble,
    forget,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
