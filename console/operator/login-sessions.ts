/**
 * Who is logged in. A session is a random token that the browser keeps in a cookie; here only its hash is kept, in
 * memory, so that it ends with the process at the latest.
 *
 *     begin ──▶ used … used ──▶ 15 min without use, 8 h after its beginning, killed, or another login ──▶ ended
 */
import { createHash, randomBytes } from "node:crypto";
import { RefusedError, type Role } from "./role.ts";

/** A session ends so long after its beginning, ms (spec 9.1). */
export const ABSOLUTE_MS: number = 8 * 3_600_000;
/** And so long after it was last used by a person, ms. */
export const IDLE_MS: number = 15 * 60_000;
/** Sessions at once, those of all operators. */
export const MAX_SESSIONS = 64;
/** Ended sessions that are remembered, to say how they ended. */
const REMEMBERED = 256;

/** How somebody has proved who they are. */
export type LoginWay = "authenticator" | "break-glass";
/** How a session ended. */
export type SessionEnd = "idle" | "absolute" | "killed" | "replaced" | "logout" | "removed";

/** One login. */
export interface LoginSession {
  /** Public: names it in lists and in the audit log. */
  readonly id: string;
  readonly who: string;
  readonly role: Role;
  readonly way: LoginWay;
  /** Address of the browser. */
  readonly from: string;
  readonly beganMs: number;
  readonly lastMs: number;
}

interface Open extends LoginSession {
  lastMs: number;
  readonly onEnd: Set<() => void>;
}

/** What {@link LoginSessions} tells of. */
export type EndListener = (session: LoginSession, how: SessionEnd) => void;

/** The sessions of a process. Time is an argument, ms since 1970. */
export class LoginSessions {
  readonly #byHash = new Map<string, Open>();
  readonly #ended = new Map<string, SessionEnd>();
  readonly #onEnd: EndListener;

  constructor(onEnd: EndListener = () => {}) {
    this.#onEnd = onEnd;
  }

  /** Begins a session and gives its token. Who is logged in already is logged out there: one session an operator. */
  begin(
    { who, role, way, from }: Pick<LoginSession, "who" | "role" | "way" | "from">,
    nowMs: number,
  ): { readonly session: LoginSession; readonly token: string } {
    this.sweep(nowMs);
    for (const [hash, open] of this.#byHash)
      if (open.who === who && open.way === way) this.#end(hash, open, "replaced");
    if (this.#byHash.size >= MAX_SESSIONS) {
      throw new RefusedError(
        "session",
        "CONSOLE_BUSY",
        `${MAX_SESSIONS} operators are logged in, and no more are taken: see sessions list`,
      );
    }
    const token = randomBytes(32).toString("base64url");
    const id = `s-${randomBytes(6).toString("hex")}`;
    const session = {
      id,
      who,
      role,
      way,
      from,
      beganMs: nowMs,
      lastMs: nowMs,
      onEnd: new Set<() => void>(),
    };
    this.#byHash.set(hashOf(token), session);
    return { session, token };
  }

  /**
   * The session of a token; RefusedError says how it ended. `isUse`: a person did something, which keeps it from
   * becoming idle.
   */
  find(token: string, nowMs: number, isUse: boolean): LoginSession {
    this.sweep(nowMs);
    const hash = hashOf(token);
    const open = this.#byHash.get(hash);
    if (open === undefined) throw noSession(this.#ended.get(hash));
    if (isUse) open.lastMs = nowMs;
    return open;
  }

  /** Calls `onEnd` when the session is over; gives what calls that off. */
  whenEnded({ id }: LoginSession, onEnd: () => void): () => void {
    const open = this.#openOf(id);
    open?.onEnd.add(onEnd);
    return () => open?.onEnd.delete(onEnd);
  }

  /** All that are open, the newest last. */
  list(nowMs: number): readonly LoginSession[] {
    this.sweep(nowMs);
    return [...this.#byHash.values()].map(({ onEnd: _, ...session }) => session);
  }

  /** Ends the session of this id, or `all`, or all of an operator; gives those that it ended. */
  kill(which: string, nowMs: number, how: SessionEnd = "killed"): readonly LoginSession[] {
    this.sweep(nowMs);
    const found = [...this.#byHash].filter(
      ([, { id, who }]) => which === "all" || which === id || which === who,
    );
    for (const [hash, open] of found) this.#end(hash, open, how);
    return found.map(([, { onEnd: _, ...session }]) => session);
  }

  /** Ends what is over by now. */
  sweep(nowMs: number): void {
    for (const [hash, open] of this.#byHash) {
      if (nowMs - open.beganMs >= ABSOLUTE_MS) this.#end(hash, open, "absolute");
      else if (nowMs - open.lastMs >= IDLE_MS) this.#end(hash, open, "idle");
    }
  }

  #openOf(id: string): Open | undefined {
    for (const open of this.#byHash.values()) if (open.id === id) return open;
    return undefined;
  }

  #end(hash: string, open: Open, how: SessionEnd): void {
    this.#byHash.delete(hash);
    this.#ended.set(hash, how);
    if (this.#ended.size > REMEMBERED) {
      for (const first of this.#ended.keys()) {
        this.#ended.delete(first);
        break;
      }
    }
    const { onEnd, ...session } = open;
    for (const tell of onEnd) tell();
    this.#onEnd(session, how);
  }
}

/** The moment at which a session is over unless it is used, ms since 1970. */
export function endMsOf({ beganMs, lastMs }: LoginSession): number {
  return Math.min(beganMs + ABSOLUTE_MS, lastMs + IDLE_MS);
}

const WORDS: Readonly<Record<SessionEnd, string>> = {
  idle: `was not used for ${IDLE_MS / 60_000} minutes`,
  absolute: `is ${ABSOLUTE_MS / 3_600_000} hours old`,
  killed: "was killed",
  replaced: "was replaced by a later login of the same operator",
  logout: "was logged out",
  removed: "is of an operator who was removed",
};

function noSession(how: SessionEnd | undefined): RefusedError {
  const why = how === undefined ? "is not known here" : WORDS[how];
  return new RefusedError("session", "CONSOLE_SESSION", `session: this one ${why}: log in again`);
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
