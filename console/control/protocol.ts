/**
 * The words of the control socket: one JSON document a line, both ways.
 *
 *     server  {"hello":{"protocol":2,"version":"0.1.0","pid":4711,"size":{…}}}
 *     client  {"id":1,"command":"status","arguments":{}}
 *     server  {"id":1,"data":{…}}                          or {"id":1,"error":{"code":"…","message":"…"}}
 *     client  {"id":3,"command":"cascade","arguments":{…},"progress":true}
 *     server  {"id":3,"progress":"…"}                      as often as there is something new, then the data
 *     client  {"id":2,"command":"top","arguments":{},"everyMs":1000}
 *     server  {"id":2,"data":{…},"more":true}              again and again, until
 *     client  {"cancel":2}
 *
 *     client  {"as":{"face":"mcp","role":"observe"}}       from here on with no more than this role
 *
 * What cannot be read is answered with an error whose id is null; nothing that a client writes can do more
 * than the commands do.
 */
import type { Size } from "../command/line.ts";
import { ROLES, type Role } from "../operator/role.ts";

/** Raised when an older console could not understand a newer mesh. */
export const PROTOCOL = 2;

/** Longest line that the mesh reads: no message it could deliver is longer. */
export const MAX_REQUEST_BYTES: number = 16 * 1_048_576;

/** Longest line that a console reads: every row of the largest useful list. */
export const MAX_RESPONSE_BYTES: number = 512 * 1_048_576;

/** What the mesh says first. */
export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  readonly size: Size;
}

/** What a console asks. */
export type Request = CallRequest | CancelRequest | AsRequest;

/** Runs a command, once or (with `everyMs`) until it is cancelled. */
export interface CallRequest {
  readonly id: number;
  readonly command: string;
  readonly arguments: Record<string, unknown>;
  readonly everyMs?: number | undefined;
  /** Whether the asker wants to hear how far it is; not with `everyMs`. */
  readonly progress?: boolean;
}

/** Ends what was asked under an id. */
export interface CancelRequest {
  readonly cancel: number;
}

/** Says by which face, and gives up what goes beyond a role; what was given up is not had again. */
export interface AsRequest {
  readonly as: { readonly face: "socket" | "mcp"; readonly role?: Role };
}

/** What the mesh answers. */
export type Response =
  | { readonly hello: Hello }
  | { readonly id: number; readonly data: unknown; readonly more?: boolean }
  | { readonly id: number; readonly progress: string }
  | {
      readonly id: number | null;
      readonly error: { readonly code: string; readonly message: string };
    };

const MIN_EVERY_MS = 100;
const MAX_EVERY_MS = 3_600_000;

/** Reads a line of a client; gives the sentence that says what is wrong with it. */
export function readRequest(line: string): Request | string {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return "not JSON: expected one request a line";
  }
  const read = requestOf(document);
  if (read !== undefined) return read;
  return (
    'not a request: expected {"id": 1, "command": "status", "arguments": {}}, optionally with ' +
    '"everyMs" from 100 to 3,600,000 or with "progress": true, or {"cancel": 1}, or {"as": …}'
  );
}

function requestOf(document: unknown): Request | undefined {
  if (!isRecord(document)) return undefined;
  if ("as" in document) return asOf(document);
  const { id, command, arguments: args = {}, everyMs, progress, cancel, ...surplus } = document;
  if (Object.keys(surplus).length > 0) return undefined;
  if (cancel !== undefined) {
    return isCount(cancel) && Object.keys(document).length === 1 ? { cancel } : undefined;
  }
  if (!isCount(id) || typeof command !== "string" || !isRecord(args)) return undefined;
  const call = { id, command: command.slice(0, 100), arguments: args };
  if (progress !== undefined) {
    return progress === true && everyMs === undefined ? { ...call, progress } : undefined;
  }
  if (everyMs === undefined) return call;
  const inRange = isCount(everyMs) && everyMs >= MIN_EVERY_MS && everyMs <= MAX_EVERY_MS;
  return inRange ? { ...call, everyMs } : undefined;
}

function asOf(document: Record<string, unknown>): AsRequest | undefined {
  const { as, ...surplus } = document;
  if (!isRecord(as) || Object.keys(surplus).length > 0) return undefined;
  const { face, role } = as;
  if (face !== "socket" && face !== "mcp") return undefined;
  if (role === undefined) return { as: { face } };
  return ROLES.includes(role as Role) ? { as: { face, role: role as Role } } : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
