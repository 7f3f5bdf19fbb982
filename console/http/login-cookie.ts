/**
 * The cookie that keeps a session: no script reads it, no other site sends it, and where TLS is spoken it goes over
 * nothing else. Cookies know no ports, hence the port in its name: two meshes of one machine are two logins.
 */
import type { IncomingHttpHeaders } from "node:http";
import { ABSOLUTE_MS } from "../operator/login-sessions.ts";

/** Where the face listens. */
export interface CookiePlace {
  readonly port: number;
  /** Whether the browser spoke TLS, to it or to a proxy in front. */
  readonly isTls: boolean;
}

/** The token in the cookie of a request; undefined without one. */
export function tokenInCookie(
  headers: IncomingHttpHeaders,
  place: CookiePlace,
): string | undefined {
  // A read does not say whether a proxy spoke TLS: over it the browser sends the one, else the other.
  const names = [nameOf({ ...place, isTls: true }), nameOf({ ...place, isTls: false })];
  for (const part of (headers.cookie ?? "").split(";")) {
    const [key, value] = part.trim().split("=");
    if (names.includes(key) && /^[\w-]{43}$/.test(value ?? "")) return value;
  }
  return undefined;
}

/** `Set-Cookie` for a new session; without a token, for one that is over. */
export function sessionCookie(token: string | undefined, place: CookiePlace): string {
  const age = token === undefined ? 0 : ABSOLUTE_MS / 1_000;
  const secure = place.isTls ? "; Secure" : "";
  return `${nameOf(place)}=${token ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`;
}

/** The prefix has browsers refuse it from other hosts and over anything but TLS. */
function nameOf({ port, isTls }: CookiePlace): string {
  return `${isTls ? "__Host-" : ""}mesh-30k-${port}`;
}
