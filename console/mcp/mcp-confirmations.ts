/**
 * Confirmations of an MCP client: what a call would change is told first, with a token that is good once, for
 * exactly this call, and not for long. A token says that whoever calls has seen what they are about to do.
 */
import { randomBytes } from "node:crypto";
import { stepDigest } from "../operator/step-digest.ts";
import { ConsoleError } from "../terminal/exit.ts";

/** Time that a token is good for. */
export const CONFIRM_WITHIN_MS: number = 120_000;
/** Tokens of a client that may be open; the oldest is forgotten for a new one. */
export const MAX_OPEN_CONFIRMATIONS = 32;

interface Open {
  readonly digest: string;
  readonly untilMs: number;
}

/** The open tokens of one client. */
export class Confirmations {
  readonly #nowMs: () => number;
  /** By token, oldest first. */
  readonly #open = new Map<string, Open>();

  /** `nowMs` only has to be monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A token for what `step` says: any plain value, equal when it is the same thing that would be done. */
  issue(step: unknown): string {
    if (this.#open.size >= MAX_OPEN_CONFIRMATIONS) {
      const [oldest] = this.#open.keys();
      this.#open.delete(oldest);
    }
    const token = randomBytes(16).toString("base64url");
    this.#open.set(token, { digest: stepDigest(step), untilMs: this.#nowMs() + CONFIRM_WITHIN_MS });
    return token;
  }

  /** Uses a token up, whatever it was given for; ConsoleError when it does not stand for this step. */
  redeem(token: string, step: unknown): void {
    const open = this.#open.get(token);
    this.#open.delete(token);
    const anew = "call without confirm for a new one";
    if (open === undefined)
      throw refusal(`confirm: expected a token that was given here and not used yet; ${anew}`);
    if (this.#nowMs() >= open.untilMs)
      throw refusal(`confirm: the token is older than ${CONFIRM_WITHIN_MS / 1_000} s; ${anew}`);
    if (open.digest !== stepDigest(step))
      throw refusal(
        `confirm: the token was given for another command, other arguments or another change; ${anew}`,
      );
  }
}

function refusal(sentence: string): ConsoleError {
  return new ConsoleError("CONSOLE_CONFIRM", sentence);
}
