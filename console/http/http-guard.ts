/**
 * Who may ask at all. A page of another site can have its name resolved to 127.0.0.1 (DNS rebinding) and then
 * talk to us from the browser of somebody on this machine: its Host is that name, and its Origin is not ours.
 */
import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "../command/listen-address.ts";

/** Why a request is not answered. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly field: string;
}

/** What a request is checked against. */
export interface GuardRules {
  /** What the server is bound to. */
  readonly host: string;
  /** Name under which browsers reach it, beside the addresses of this machine. */
  readonly name?: string | undefined;
  /** It speaks TLS itself; beyond loopback a proxy in front may do so for it. */
  readonly isTls?: boolean;
}

/** Checks Host and Origin; undefined when both may be. */
export function refusalOf(headers: IncomingHttpHeaders, rules: GuardRules): Refusal | undefined {
  const host = hostOf(headers.host);
  if (host === undefined || !(host === rules.name || isOurs(host, rules.host))) {
    return refused("host", "this name is not served here: use the address that was printed");
  }
  const { origin } = headers;
  const beyond = isLoopback(rules.host) ? ["http"] : ["http", "https"];
  const schemes = rules.isTls === true ? ["https"] : beyond;
  const ours = schemes.map((scheme) => `${scheme}://${headers.host}`.toLowerCase());
  if (origin !== undefined && !ours.includes(origin.toLowerCase())) {
    return refused("origin", "pages of other origins are not answered");
  }
  const site = headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site") {
    // A link that somebody follows may open the page; nothing else may come from elsewhere.
    if (headers["sec-fetch-mode"] !== "navigate") {
      return refused("sec-fetch-site", "pages of other origins are not answered");
    }
  }
  return undefined;
}

/** The token that a request carries: as a bearer, or as `?token=`. */
export function tokenOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined {
  const bearer = /^bearer +([^\s]+)$/i.exec(headers.authorization ?? "");
  return bearer?.[1] ?? query.get("token") ?? undefined;
}

/** Compares in a time that does not tell how much of it was right. */
export function isToken(given: string | undefined, token: string): boolean {
  if (given === undefined) return false;
  const one = Buffer.from(given);
  const other = Buffer.from(token);
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The host of a Host header, without port and brackets, in small letters. */
function hostOf(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/@]+))(?::\d{1,5})?$/i.exec(header ?? "");
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** A number cannot be rebound, a name can. */
function isOurs(host: string, bound: string): boolean {
  if (isLoopback(bound)) return isLoopback(host);
  return isIP(host) !== 0 || host === "localhost" || host === bound.toLowerCase();
}

function refused(field: string, message: string): Refusal {
  return { status: 403, code: "CONSOLE_FORBIDDEN", message, field };
}
