/**
 * Who asks over HTTP: whoever has the token, or whoever is logged in.
 *
 *     bearer, ?token=, subprotocol ──▶ token right?          ──▶ caller with the token's role
 *     cookie ──▶ same origin said? ──▶ session still open?   ──▶ caller with the operator's role
 */
import type { IncomingMessage } from "node:http";
import { TOKEN_PROTOCOL_PREFIX } from "../../dashboard/wire.ts";
import type { Gate } from "../operator/gate.ts";
import type { LoginSession } from "../operator/login-sessions.ts";
import { type Caller, type FaceName, RefusedError } from "../operator/role.ts";
import type { RelyingParty } from "../operator/webauthn.ts";
import { HttpError } from "./http-answer.ts";
import { isToken, tokenOf } from "./http-guard.ts";
import { type CookiePlace, tokenInCookie } from "./login-cookie.ts";

/** Says that a request comes from the page itself, not from a person: it keeps no session from becoming idle. */
export const BACKGROUND_HEADER = "mesh-background";
/** Carries the assertion that steps up, as base64url of its JSON. */
export const STEP_UP_HEADER = "mesh-step-up";
const MAX_STEP_UP = 12_288;

/** Whoever asks. */
export interface Visitor {
  readonly caller: Caller;
  readonly session: LoginSession | undefined;
}

/** What a face knows of itself. */
export interface VisitPlace extends CookiePlace {
  readonly token: string;
  readonly gate: Gate;
  readonly party: RelyingParty;
}

/** Who asks; RefusedError, or HttpError when nobody can be told. `face`: for the audit log. */
export function visitorOf(
  request: IncomingMessage,
  query: URLSearchParams,
  place: VisitPlace,
  face: FaceName,
): Visitor {
  const { gate, party } = place;
  const { headers } = request;
  const given = tokenOf(headers, query) ?? tokenInProtocols(request);
  const kept = given === undefined ? tokenInCookie(headers, place) : undefined;
  if (kept !== undefined) {
    expectOwnPage(request, place);
    const isUse = headers[BACKGROUND_HEADER] === undefined && request.method === "POST";
    const from = addressOf(request);
    const session = gate.logins.sessionOf(kept, isUse, from);
    const visit = { face: "dashboard", from, party } as const;
    const caller = gate.logins.callerOf(session, visit, assertionIn(request));
    return { caller, session };
  }
  if (isToken(given, place.token))
    return { caller: gate.tokenCaller(face, addressOf(request)), session: undefined };
  const what = given === undefined ? "none" : "another";
  const sentence = `authorization: expected the token of the printed URL, or a login, got ${what}`;
  const error = new RefusedError("token", "CONSOLE_UNAUTHORIZED", sentence);
  gate.refuse(error, { what: "token", who: "nobody", face, more: { from: addressOf(request) } });
  throw new HttpError(401, error.code, error.message, "authorization", {
    "www-authenticate": 'Bearer realm="mesh-30k"',
  });
}

/** Address of whoever asks. */
export function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

/**
 * A browser sends the cookie by itself, so that what changes something must also say that it comes from a page of ours.
 * Browsers always say so of what is not a mere read, and that what they say is our own origin has been checked
 * (http-guard.ts).
 */
export function expectOwnPage(request: IncomingMessage, { gate }: VisitPlace): void {
  const isRead =
    (request.method === "GET" || request.method === "HEAD") &&
    request.headers.upgrade === undefined;
  if (isRead) return;
  if (request.headers.origin !== undefined) return;
  const sentence = "origin: expected that of this page, got none";
  throw gate.refuse(new RefusedError("origin", "CONSOLE_FORBIDDEN", sentence), {
    what: "request",
    who: "nobody",
    face: "dashboard",
    more: { from: addressOf(request) },
  });
}

function assertionIn({ headers }: IncomingMessage): unknown {
  const written = headers[STEP_UP_HEADER];
  if (typeof written !== "string") return undefined;
  try {
    if (written.length > MAX_STEP_UP) throw new RangeError("too long");
    return JSON.parse(Buffer.from(written, "base64url").toString("utf8"));
  } catch {
    const sentence = `${STEP_UP_HEADER}: expected an assertion as base64url of its JSON`;
    throw new HttpError(400, "CONSOLE_STEP_UP", sentence, STEP_UP_HEADER);
  }
}

/** Scripts of a page cannot set headers of a WebSocket, only its subprotocols. */
function tokenInProtocols(request: IncomingMessage): string | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  const found = offered.map((word) => word.trim()).find((w) => w.startsWith(TOKEN_PROTOCOL_PREFIX));
  return found?.slice(TOKEN_PROTOCOL_PREFIX.length);
}
