/** What goes back over HTTP: JSON, and errors as JSON with the field that is wrong. */
import type { ServerResponse } from "node:http";
import { RefusedError } from "../operator/role.ts";
import { codeOf, sentenceOf } from "../terminal/exit.ts";

/** An error that knows its status. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    sentence: string,
    field?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(sentence);
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.field = field;
    this.headers = headers;
  }
}

/** An error as it is sent. */
export interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly field?: string;
    /** What an assertion is missing for. */
    readonly step?: { readonly command: string; readonly arguments: unknown };
  };
}

/** Sent with everything: no sniffing, no frames, nothing told to other sites. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
});

/** By code of the error: what the asker did wrong, or what the mesh cannot do now. */
const STATUSES: Readonly<Record<string, number>> = {
  CONSOLE_USAGE: 400,
  MESH_INVALID_OPTION: 400,
  CONSOLE_NO_INVERSE: 409,
  MESH_UNKNOWN_ACTOR: 404,
  MESH_NOT_QUARANTINED: 404,
  MESH_PAYLOAD_TOO_LARGE: 413,
  MESH_TOO_MANY_OPERATIONS: 429,
  MESH_CUSTODY_FULL: 503,
  MESH_STOPPED: 503,
  CONSOLE_NO_FILE: 404,
  CONSOLE_NO_LETTER: 404,
  CONSOLE_NO_MCP: 501,
  // Not what was named is missing, but what the mesh would need for it.
  MESH_NO_ROOM: 409,
  MESH_NO_JOURNAL: 409,
  MESH_NO_DESK: 409,
  CONSOLE_UNAUTHORIZED: 401,
  CONSOLE_LOGIN: 401,
  CONSOLE_SESSION: 401,
  CONSOLE_FORBIDDEN: 403,
  CONSOLE_STEP_UP: 403,
  CONSOLE_ASSERTION: 403,
  CONSOLE_INVITATION: 403,
  CONSOLE_CODE: 403,
  CONSOLE_LOCKED_OUT: 429,
  CONSOLE_BREAK_GLASS: 409,
  CONSOLE_OPERATORS: 409,
  CONSOLE_BUSY: 503,
  CONSOLE_AUDIT: 503,
};

/** The status that an error of any kind means. */
export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  const code = codeOf(error);
  const known = STATUSES[code];
  if (known !== undefined) return known;
  // MESH_NO_AGENT, MESH_NO_CONFLICT, …: what was named is not there.
  if (code.startsWith("MESH_NO_")) return 404;
  // Whatever else the mesh says no to, it could do at another time.
  return code.startsWith("MESH_") ? 409 : 500;
}

/** An error as JSON. `parameters` are the names of the arguments of the command it is of. */
export function errorDocument(error: unknown, parameters: readonly string[] = []): ErrorDocument {
  const message = sentenceOf(error);
  const field = fieldOf(error, message, parameters);
  const step = error instanceof RefusedError ? error.step : undefined;
  return {
    error: {
      code: codeOf(error),
      message,
      ...(field !== undefined && { field }),
      ...(step && { step: { command: step.command, arguments: step.args } }),
    },
  };
}

/** Sends a JSON document. */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(document)}\n`;
  response.writeHead(status, {
    ...SAFE_HEADERS,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}

/** Sends an error. */
export function sendError(
  response: ServerResponse,
  error: unknown,
  parameters: readonly string[] = [],
): void {
  const { waitMs } = (error ?? {}) as { waitMs?: unknown };
  const headers: Readonly<Record<string, string>> =
    error instanceof HttpError
      ? error.headers
      : typeof waitMs === "number"
        ? { "retry-after": String(Math.ceil(waitMs / 1_000)) }
        : {};
  sendJson(response, statusOf(error), errorDocument(error, parameters), headers);
}

function fieldOf(
  error: unknown,
  message: string,
  parameters: readonly string[],
): string | undefined {
  const { field } = error as { field?: unknown };
  if (typeof field === "string") return field;
  if (error instanceof HttpError) return undefined;
  const isParameter = (name: string | undefined): boolean =>
    name !== undefined && parameters.includes(name);
  // What is said of an option begins with its name, or has it as it is written on the command line.
  const first = /^([a-z][A-Za-z]*): /.exec(message)?.[1];
  if (isParameter(first)) return first;
  const written = [...message.matchAll(/<([a-z-]+)>|--([a-z-]+)/g)].map(([, place, flag]) =>
    (place ?? flag).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
  const named = written.find(isParameter);
  if (named !== undefined) return named;
  // What nobody has can only have come by the argument that takes such a thing.
  if (statusOf(error) !== 404) return undefined;
  const isAddress = codeOf(error) === "MESH_UNKNOWN_ACTOR";
  return (isAddress ? ADDRESSES : ["id", ...ADDRESSES]).find(isParameter);
}

const ADDRESSES = ["address", "target", "select", "within", "to", "stages"];
