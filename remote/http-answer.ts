/** What an answer over HTTP says of a message: READY, CONFLICT, not done yet, try again, or refused. */
import { conflict, type Result, ready } from "../actors/result.ts";
import { CONFLICT_TYPES, type ConflictDetail } from "../coordination/conflict.ts";
import type { HttpReply } from "./http-pool.ts";

/** When the other side had the request and when it answered, by its own clock, ms of the epoch. */
export interface Stamps {
  readonly receivedMs: number;
  readonly answeredMs: number;
}

/** An answer as it is understood. */
export type Understood =
  | { readonly kind: "result"; readonly result: Result; readonly stamps: Stamps | undefined }
  /** Accepted and not done: asked again with the same key. */
  | { readonly kind: "transit" }
  /** The other side has trouble that may pass. */
  | { readonly kind: "again" }
  | { readonly kind: "refused"; readonly why: string };

/** Statuses after which the same request may succeed. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const ACCEPTED = 202;
/** Understood, and contrary to what the other side knows. */
const CONFLICTS: ReadonlySet<number> = new Set([409, 422]);
/** Of a refusal so much is told. */
const MAX_WHY = 200;

/**
 * 2xx with `{ state: 1 | -1 | 0, value | conflict }` says it itself; any other 2xx is READY with its JSON as the value;
 * 202 is TRANSIT, 409 and 422 are CONFLICT, 408, 425, 429 and 5xx pass, everything else is a refusal.
 */
export function understand({ status, body }: HttpReply): Understood {
  if (PASSING.has(status)) return { kind: "again" };
  if (status === ACCEPTED) return { kind: "transit" };
  if ((status < 200 || status > 299) && !CONFLICTS.has(status))
    return { kind: "refused", why: `${status} ${body.slice(0, MAX_WHY)}`.trim() };
  let said: unknown;
  try {
    said = body === "" ? undefined : JSON.parse(body);
  } catch {
    return { kind: "refused", why: `${status} with a body that is no JSON` };
  }
  const { state, value, conflict: detail } = Object(said) as Record<string, unknown>;
  const stamps = stampsOf(said);
  if (CONFLICTS.has(status) || state === -1)
    return { kind: "result", result: conflict(detailOf(detail ?? said)), stamps };
  if (state === 0) return { kind: "transit" };
  return { kind: "result", result: ready(state === 1 ? value : said), stamps };
}

/** What was said as a conflict; of another form it contradicts what was sent. */
function detailOf(said: unknown): ConflictDetail {
  const { type } = Object(said) as Record<string, unknown>;
  if (CONFLICT_TYPES.some((known) => known === type)) return said as ConflictDetail;
  return { type: "DATA_CONTRADICTION", received: said };
}

function stampsOf(said: unknown): Stamps | undefined {
  const { receivedMs, answeredMs } = Object(said) as Record<string, unknown>;
  if (typeof receivedMs !== "number" || !Number.isFinite(receivedMs)) return undefined;
  const isLater = typeof answeredMs === "number" && answeredMs >= receivedMs;
  return { receivedMs, answeredMs: isLater ? answeredMs : receivedMs };
}
