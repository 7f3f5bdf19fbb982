/**
 * Commands over HTTP: the arguments are those of the command line, the answer is what `--json` prints. Who
 * accepts a stream hears of progress first:
 *
 *     Accept: text/event-stream      event: progress / data / error, each with a JSON document
 *     Accept: application/x-ndjson   {"progress":"…"} as often as there is something new, then {"data":…} or
 *                                    {"error":…}
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import {
  type Command,
  type CommandWatch,
  checkArguments,
  type MeshCommand,
} from "../command/command.ts";
import { runOnMesh } from "../command/line.ts";
import { errorDocument, HttpError, SAFE_HEADERS, sendJson } from "./http-answer.ts";
import { argumentsInBody, argumentsInQuery } from "./http-arguments.ts";

/** Commands of all callers that may run at once. */
export const MAX_UNDER_WAY = 64;
/** A stream says something this often, so that neither end takes the other for gone. */
const KEEP_ALIVE_MS = 15_000;

/** Runs commands for requests. */
export class HttpCommands {
  readonly #commands: readonly Command[];
  readonly #ends = new Set<AbortController>();

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
  }

  /** The commands that have a route. */
  get routed(): readonly MeshCommand[] {
    return this.#commands.filter((command): command is MeshCommand => command.needs === "mesh");
  }

  /** Answers a request for `command`; what goes wrong before the answer has begun is thrown. */
  async answer(
    command: MeshCommand,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    mesh: Mesh,
    watch?: CommandWatch,
  ): Promise<void> {
    const isGet = request.method === "GET" || request.method === "HEAD";
    const args = isGet ? argumentsInQuery(command, query) : await argumentsInBody(request);
    // Some change the mesh with some arguments only, and none in a dry run.
    if (isGet && command.changes && command.changesWith(checkArguments(command, args))) {
      throw new HttpError(
        405,
        "CONSOLE_METHOD",
        `${command.name} changes the mesh: expected POST, got ${request.method}`,
        "method",
        { allow: "POST" },
      );
    }
    const abort = this.#take();
    const onClose = (): void => abort.abort(new Error("the caller has gone"));
    response.once("close", onClose);
    try {
      const form = streamOf(request.headers.accept);
      const run = (tell?: (progress: string) => void): Promise<unknown> =>
        runOnMesh(this.#commands, mesh, command.name, args, abort.signal, tell, watch);
      if (form === undefined) {
        const data = (await run()) ?? null;
        sendJson(response, 200, data, command.failed(data) ? { "mesh-failed": "true" } : {});
      } else await stream(response, form, run, Object.keys(command.parameters));
    } finally {
      response.off("close", onClose);
      this.#ends.delete(abort);
    }
  }

  /** Runs a command for a caller who has no answer of their own, within the same bound. */
  async run(
    mesh: Mesh,
    name: string,
    args: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    tell?: (progress: string) => void,
    watch?: CommandWatch,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    const abort = this.#take();
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await runOnMesh(this.#commands, mesh, name, args, abort.signal, tell, watch);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#ends.delete(abort);
    }
  }

  #take(): AbortController {
    if (this.#ends.size >= MAX_UNDER_WAY) {
      const busy = `${MAX_UNDER_WAY} commands are under way, and no more are taken`;
      throw new HttpError(503, "CONSOLE_BUSY", busy, undefined, { "retry-after": "1" });
    }
    const abort = new AbortController();
    this.#ends.add(abort);
    return abort;
  }

  /** Calls off all that is under way. */
  close(): void {
    for (const abort of this.#ends) abort.abort(new Error("the mesh stops"));
  }
}

type StreamForm = "events" | "lines";

function streamOf(accept = ""): StreamForm | undefined {
  const types = accept.split(",").map((part) => part.split(";")[0].trim().toLowerCase());
  if (types.includes("text/event-stream")) return "events";
  const isLines = types.includes("application/x-ndjson") || types.includes("application/jsonl");
  return isLines ? "lines" : undefined;
}

async function stream(
  response: ServerResponse,
  form: StreamForm,
  run: (tell: (progress: string) => void) => Promise<unknown>,
  parameters: readonly string[],
): Promise<void> {
  const type = form === "events" ? "text/event-stream" : "application/x-ndjson";
  response.writeHead(200, {
    ...SAFE_HEADERS,
    "content-type": `${type}; charset=utf-8`,
    "cache-control": "no-store",
  });
  const say = (kind: "progress" | "data" | "error", document: unknown): void => {
    const text = JSON.stringify(document);
    response.write(
      form === "events" ? `event: ${kind}\ndata: ${text}\n\n` : `{"${kind}":${text}}\n`,
    );
  };
  const alive = setInterval(
    () => response.write(form === "events" ? ":\n\n" : "\n"),
    KEEP_ALIVE_MS,
  );
  try {
    // A slow reader misses progress instead of piling it up.
    const data = await run((progress) => {
      if (!response.writableNeedDrain) say("progress", progress);
    });
    say("data", data ?? null);
  } catch (error) {
    say("error", errorDocument(error, parameters).error);
  } finally {
    clearInterval(alive);
  }
  response.end();
}
