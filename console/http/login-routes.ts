/**
 * Logging in over HTTP. Bodies and answers are JSON; what changes something has to come from a page of ours.
 *
 *     GET    /v1/login                      who is logged in, and how one can be
 *     POST   /v1/login/options              ──▶ for navigator.credentials.get
 *     POST   /v1/login                      {"assertion": …}                    ──▶ a session, in a cookie
 *     POST   /v1/login/break-glass          {"passphrase": …, "code": …}        ──▶ a session that looks and freezes
 *     POST   /v1/login/enrol-options        {"invitation": …}                   ──▶ for navigator.credentials.create
 *     POST   /v1/login/enrol                {"invitation": …, "credential": …}  ──▶ enrolled, and a session
 *     POST   /v1/login/step-up              {"command": …, "arguments": …}      ──▶ for navigator.credentials.get
 *     DELETE /v1/login                      logged out
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Command, checkArguments } from "../command/command.ts";
import { meshCommandNamed } from "../command/line.ts";
import { ABSOLUTE_MS, endMsOf, IDLE_MS, type LoginSession } from "../operator/login-sessions.ts";
import type { LoggedIn } from "../operator/logins.ts";
import { RefusedError, type Role } from "../operator/role.ts";
import { HttpError, sendJson } from "./http-answer.ts";
import { argumentsInBody } from "./http-arguments.ts";
import { sessionCookie, tokenInCookie } from "./login-cookie.ts";
import { addressOf, expectOwnPage, type VisitPlace } from "./visitor.ts";

/** What a page is told of logins. */
export interface LoginDocument {
  /** Whoever is logged in; null when nobody is, by this browser. */
  readonly session: {
    readonly who: string;
    readonly role: Role;
    readonly way: string;
    readonly untilMs: number;
    readonly idleMs: number;
    readonly absoluteMs: number;
  } | null;
  /** What the token alone may do. */
  readonly tokenRole: Role | "none";
  readonly isEnrolled: boolean;
  readonly hasBreakGlass: boolean;
  /** The name that authenticators know this place by; null when it has none. */
  readonly name: string | null;
  /** Where to log in. */
  readonly origin: string | null;
  readonly nowMs: number;
}

const ROUTES = "/v1/login";

/** True for a path that {@link LoginRoutes} answers. */
export function isLoginPath(path: string): boolean {
  return path === ROUTES || path.startsWith(`${ROUTES}/`);
}

/** Answers for logins. */
export class LoginRoutes {
  readonly #commands: readonly Command[];
  readonly #place: (request: IncomingMessage) => VisitPlace;

  constructor(commands: readonly Command[], place: (request: IncomingMessage) => VisitPlace) {
    this.#commands = commands;
    this.#place = place;
  }

  /** Answers a request for a path of logins. */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const place = this.#place(request);
    const what = `${request.method} ${path.slice(ROUTES.length)}`;
    if (what === "GET " || what === "HEAD ") {
      sendJson(response, 200, this.#document(place, sessionBy(request, place)));
      return;
    }
    expectOwnPage(request, place);
    if (what === "DELETE ") {
      const session = sessionBy(request, place);
      if (session !== undefined) place.gate.logins.logout(session);
      const headers = { "set-cookie": sessionCookie(undefined, place) };
      sendJson(response, 200, this.#document(place, undefined), headers);
      return;
    }
    const body = await argumentsInBody(request);
    const visit = { party: place.party, from: addressOf(request) };
    const { logins } = place.gate;
    switch (what) {
      case "POST /options":
        expectName(place);
        return sendJson(response, 200, await logins.beginLogin(visit));
      case "POST ":
        return this.#welcome(response, place, await logins.login(body.assertion, visit));
      case "POST /break-glass": {
        const [passphrase, code] = [textIn(body, "passphrase"), textIn(body, "code")];
        return this.#welcome(
          response,
          place,
          await logins.breakIn(passphrase.trim(), code.trim(), visit),
        );
      }
      case "POST /enrol-options":
        expectName(place);
        return sendJson(
          response,
          200,
          await logins.beginEnrolment(textIn(body, "invitation"), visit),
        );
      case "POST /enrol":
        return this.#welcome(
          response,
          place,
          await logins.enrol(body.credential, textIn(body, "invitation"), visit),
        );
      case "POST /step-up":
        return sendJson(response, 200, await this.#stepUp(request, place, body));
      default:
        throw new HttpError(404, "CONSOLE_NOT_FOUND", `nothing is served at ${path.slice(0, 100)}`);
    }
  }

  async #stepUp(
    request: IncomingMessage,
    place: VisitPlace,
    body: Record<string, unknown>,
  ): Promise<unknown> {
    const session = sessionBy(request, place, true);
    if (session === undefined)
      throw new RefusedError("session", "CONSOLE_SESSION", "session: nobody is logged in here");
    const command = meshCommandNamed(this.#commands, textIn(body, "command"));
    const given = body.arguments ?? {};
    if (typeof given !== "object" || Array.isArray(given))
      throw new HttpError(400, "CONSOLE_BODY", "arguments: expected an object", "arguments");
    const args = checkArguments(command, given as Record<string, unknown>);
    return place.gate.logins.beginStepUp(session, { command: command.name, args }, place.party);
  }

  #welcome(response: ServerResponse, place: VisitPlace, { session, token }: LoggedIn): void {
    const headers = { "set-cookie": sessionCookie(token, place) };
    sendJson(response, 200, this.#document(place, session), headers);
  }

  #document({ gate, party }: VisitPlace, session: LoginSession | undefined): LoginDocument {
    const { logins } = gate;
    return {
      session:
        session === undefined
          ? null
          : {
              who: session.who,
              role: session.role,
              way: session.way,
              untilMs: endMsOf(session),
              idleMs: IDLE_MS,
              absoluteMs: ABSOLUTE_MS,
            },
      tokenRole: gate.tokenRole,
      isEnrolled: logins.isEnrolled,
      hasBreakGlass: logins.breakGlass.isSet,
      name: party.id === "" ? null : party.id,
      origin: party.origins[0] ?? null,
      nowMs: gate.nowMs(),
    };
  }
}

/** The session of this browser; undefined when it has none, or none any more. */
function sessionBy(
  request: IncomingMessage,
  place: VisitPlace,
  isUse = false,
): LoginSession | undefined {
  const token = tokenInCookie(request.headers, place);
  if (token === undefined) return undefined;
  try {
    return place.gate.logins.sessionOf(token, isUse, addressOf(request));
  } catch (error) {
    if (error instanceof RefusedError) return undefined;
    throw error;
  }
}

function textIn(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value === "string" && value.length > 0 && value.length <= 1_024) return value;
  throw new HttpError(
    400,
    "CONSOLE_BODY",
    `${name}: expected text of at most 1,024 characters`,
    name,
  );
}

/** An address of digits is no name that an authenticator could keep a key for. */
function expectName({ party }: VisitPlace): void {
  if (party.id !== "") return;
  throw new HttpError(
    409,
    "CONSOLE_NO_NAME",
    "authenticators need a name for this place: start with --http-name NAME, and open that",
  );
}
