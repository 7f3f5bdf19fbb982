/**
 * Enrolment, login, sessions and step-up. What fails is counted, written down, and slows down whoever tries again.
 *
 *     invitation ──▶ challenge ──▶ new authenticator                ──▶ enrolled, and a session
 *     challenge ──▶ assertion, user verified                        ──▶ session of the operator's role
 *     passphrase and code                                           ──▶ session that looks and freezes
 *     session, command, arguments ──▶ challenge of exactly these    ──▶ assertion ──▶ the command, once
 */
import { ConsoleError } from "../terminal/exit.ts";
import { BreakGlass, type BreakGlassFault } from "./break-glass.ts";
import { Challenges } from "./challenges.ts";
import type { Gate, GateOptions } from "./gate.ts";
import { LockOut } from "./lock-out.ts";
import { type LoginSession, LoginSessions } from "./login-sessions.ts";
import { Operators } from "./operators.ts";
import { type Caller, type FaceName, RefusedError, type Role } from "./role.ts";
import { type Step, stepDigest } from "./step-digest.ts";
import {
  CEREMONY_MS,
  challengeOf,
  creationOptions,
  credentialOf,
  type RelyingParty,
  requestOptions,
  verifyAssertion,
  verifyCreation,
} from "./webauthn.ts";

/** An invitation is good so long, ms. */
export const INVITED_MS: number = 15 * 60_000;
/** Break-glass is one secret for all: whoever else tries must not lock it for hours. */
const BREAK_GLASS_LOCK_MS = 60_000;
const BREAK_GLASS = "break-glass";
/** Commands that change the mesh and that break-glass may run. */
const BREAK_GLASS_ALSO = ["freeze"];
const NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;

interface Enrolment {
  readonly name: string;
  readonly role: Role;
}

type Asked =
  | ({ readonly for: "enrol" } & Enrolment)
  | { readonly for: "login" }
  | { readonly for: "step-up"; readonly session: string; readonly digest: string };

/** Where a try came from. */
export interface Visit {
  readonly party: RelyingParty;
  /** Address of the browser. */
  readonly from: string;
}

/** A login that worked: `token` is the browser's alone. */
export interface LoggedIn {
  readonly session: LoginSession;
  readonly token: string;
}

/** Everybody who can log in, and who has. */
export class Logins {
  readonly operators: Operators;
  readonly breakGlass: BreakGlass;
  readonly sessions: LoginSessions;
  readonly #gate: Gate;
  readonly #asked = new Challenges<Asked>(CEREMONY_MS);
  readonly #invited = new Challenges<Enrolment>(INVITED_MS);
  readonly #lockOut = new LockOut();
  readonly #breakGlassLock = new LockOut(BREAK_GLASS_LOCK_MS);

  constructor(gate: Gate, { dataDir }: GateOptions) {
    this.#gate = gate;
    this.operators = new Operators(dataDir);
    this.breakGlass = new BreakGlass(dataDir);
    this.sessions = new LoginSessions(({ id, who, role, from }, how) => {
      const more = { session: id, how, from };
      try {
        gate.access("session-end", who, { role, face: "dashboard", more });
      } catch {
        // A log that cannot be written keeps nobody in, and must not end the process from the timer that looks for
        // ends.
      }
    });
  }

  /** Whether anybody has an authenticator. */
  get isEnrolled(): boolean {
    return this.operators.list.length > 0;
  }

  /** An invitation to enrol, good once; whoever has it may. */
  invite(name: string, role: Role): string {
    checkName(name);
    const known = this.operators.named(name);
    if (known !== undefined && known.role !== role) {
      throw new ConsoleError(
        "CONSOLE_OPERATORS",
        `${name} is enrolled with the role ${known.role}: remove them first, or leave the role as it is`,
      );
    }
    return this.#invited.issue({ name, role }, name, this.#gate.nowMs());
  }

  /** Whom an invitation is for, without using it up. */
  invited(word: string): Enrolment | undefined {
    return this.#invited.peek(word, this.#gate.nowMs());
  }

  /** What the browser is asked for to enrol somebody. `invitation`: used up by {@link enrol} only. */
  async beginEnrolment(invitation: string, visit: Visit): Promise<unknown> {
    this.#expectUnlocked(visit.from);
    const enrolment = this.invited(invitation);
    if (enrolment === undefined) throw this.#failed(badInvitation(), "enrol", "nobody", visit);
    const { name, role } = enrolment;
    const challenge = this.#asked.issue(
      { for: "enrol", name, role },
      visit.from,
      this.#gate.nowMs(),
    );
    const known = this.operators.named(name)?.authenticators ?? [];
    return creationOptions(visit.party, name, known, challenge);
  }

  /** Enrols an authenticator, and logs its operator in. */
  async enrol(answer: unknown, invitation: string, visit: Visit): Promise<LoggedIn> {
    this.#expectUnlocked(visit.from);
    const challenge = challengeOf(answer) ?? "";
    const asked = this.#asked.take(challenge, this.#gate.nowMs());
    const who = asked?.for === "enrol" ? asked.name : "nobody";
    try {
      if (asked?.for !== "enrol") throw notAsked("enrolment");
      if (this.invited(invitation)?.name !== asked.name) throw badInvitation();
      const authenticator = await verifyCreation(
        visit.party,
        answer,
        challenge,
        this.#gate.wallMs(),
      );
      // Of two that come at once, one uses it up.
      if (this.#invited.take(invitation, this.#gate.nowMs()) === undefined) throw badInvitation();
      const operator = this.operators.enrol(asked.name, asked.role, authenticator);
      const { aaguid, isSynced } = authenticator;
      this.#gate.access("enrol", asked.name, {
        role: operator.role,
        face: "dashboard",
        more: {
          from: visit.from,
          aaguid,
          isSynced,
          authenticators: operator.authenticators.length,
        },
      });
      return this.#begin(operator.name, operator.role, "authenticator", visit);
    } catch (error) {
      throw error instanceof RefusedError ? this.#failed(error, "enrol", who, visit) : error;
    }
  }

  /** What the browser is asked for to log in. */
  async beginLogin({ party, from }: Visit): Promise<unknown> {
    this.#expectUnlocked(from);
    const challenge = this.#asked.issue({ for: "login" }, from, this.#gate.nowMs());
    const all = this.operators.list.flatMap(({ authenticators }) => authenticators);
    return requestOptions(party, all, challenge);
  }

  /** Logs in whoever's authenticator has signed. */
  async login(answer: unknown, visit: Visit): Promise<LoggedIn> {
    this.#expectUnlocked(visit.from);
    const challenge = challengeOf(answer) ?? "";
    const asked = this.#asked.take(challenge, this.#gate.nowMs());
    const holder = this.operators.holder(credentialOf(answer));
    const who = holder?.operator.name ?? "nobody";
    try {
      if (asked?.for !== "login") throw notAsked("login");
      if (holder === undefined) throw unknownAuthenticator();
      const { operator, authenticator } = holder;
      const counter = await verifyAssertion(visit.party, answer, challenge, authenticator);
      this.operators.used(authenticator.id, counter);
      return this.#begin(operator.name, operator.role, "authenticator", visit);
    } catch (error) {
      throw error instanceof RefusedError ? this.#failed(error, "login", who, visit) : error;
    }
  }

  /** Logs in by passphrase and code, to look and to freeze. */
  async breakIn(passphrase: string, code: string, visit: Visit): Promise<LoggedIn> {
    this.#expectUnlocked(visit.from);
    this.#expectUnlocked(BREAK_GLASS, this.#breakGlassLock);
    const fault = await this.breakGlass.check(passphrase, code, this.#gate.wallMs());
    if (fault === undefined) {
      this.#breakGlassLock.succeeded(BREAK_GLASS);
      return this.#begin(BREAK_GLASS, "observe", "break-glass", visit);
    }
    this.#breakGlassLock.failed(BREAK_GLASS, this.#gate.nowMs());
    throw this.#failed(wrongCode(fault), "break-glass", BREAK_GLASS, visit);
  }

  /** Logs a session out. */
  logout({ id }: LoginSession): void {
    this.sessions.kill(id, this.#gate.nowMs(), "logout");
  }

  /** Removes an operator, and ends their sessions. */
  remove(name: string): boolean {
    const isGone = this.operators.remove(name);
    if (isGone) this.sessions.kill(name, this.#gate.nowMs(), "removed");
    return isGone;
  }

  /** The session of a cookie; what is refused is counted and written down. */
  sessionOf(token: string, isUse: boolean, from: string): LoginSession {
    try {
      return this.sessions.find(token, this.#gate.nowMs(), isUse);
    } catch (error) {
      const about = { what: "session", who: "nobody", face: "dashboard" as const, more: { from } };
      throw error instanceof RefusedError ? this.#gate.refuse(error, about) : error;
    }
  }

  /** Whoever is logged in, as they run a command. `assertion`: what came along to step up, if anything did. */
  callerOf(
    session: LoginSession,
    {
      face,
      from,
      party,
    }: { readonly face: FaceName; readonly from: string; readonly party: RelyingParty },
    assertion: unknown,
  ): Caller {
    const { who, role, way } = session;
    const stepUp = (step: Step): Promise<void> => this.#stepUp(session, party, assertion, step);
    return {
      who,
      role,
      face,
      from,
      stepUp,
      ...(way === "break-glass" && { also: BREAK_GLASS_ALSO }),
    };
  }

  /** What the browser is asked for so that this very command is run with these very arguments. */
  async beginStepUp({ id, who }: LoginSession, step: Step, party: RelyingParty): Promise<unknown> {
    const operator = this.operators.named(who);
    if (operator === undefined) throw breakGlassOnly(step.command);
    const asked = { for: "step-up", session: id, digest: stepDigest(step) } as const;
    const challenge = this.#asked.issue(asked, id, this.#gate.nowMs());
    return requestOptions(party, operator.authenticators, challenge);
  }

  async #stepUp(
    { id, who }: LoginSession,
    party: RelyingParty,
    assertion: unknown,
    step: Step,
  ): Promise<void> {
    if (this.operators.named(who) === undefined) throw breakGlassOnly(step.command);
    if (assertion === undefined) {
      throw new RefusedError(
        "step-up",
        "CONSOLE_STEP_UP",
        `${step.command}: needs a fresh assertion of ${who} for this very command`,
        { step },
      );
    }
    const challenge = challengeOf(assertion) ?? "";
    const asked = this.#asked.take(challenge, this.#gate.nowMs());
    if (asked?.for !== "step-up" || asked.session !== id) throw notAsked("step-up");
    if (asked.digest !== stepDigest(step)) {
      throw new RefusedError(
        "assertion",
        "CONSOLE_ASSERTION",
        `${step.command}: the assertion is for another command, or for other arguments`,
      );
    }
    const holder = this.operators.holder(credentialOf(assertion));
    if (holder?.operator.name !== who) throw unknownAuthenticator();
    const { authenticator } = holder;
    this.operators.used(
      authenticator.id,
      await verifyAssertion(party, assertion, challenge, authenticator),
    );
  }

  #begin(who: string, role: Role, way: LoginSession["way"], { from }: Visit): LoggedIn {
    const begun = this.sessions.begin({ who, role, way, from }, this.#gate.nowMs());
    this.#lockOut.succeeded(from);
    const more = { session: begun.session.id, from, way };
    this.#gate.access("login", who, { role, face: "dashboard", more });
    return begun;
  }

  #expectUnlocked(name: string, lock: LockOut = this.#lockOut): void {
    const waitMs = lock.waitMs(name, this.#gate.nowMs());
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    throw this.#gate.refuse(
      new RefusedError(
        "locked-out",
        "CONSOLE_LOCKED_OUT",
        `too many failures: try again in ${seconds}s`,
        { waitMs },
      ),
      { what: "login", who: "nobody", face: "dashboard", more: { from: name } },
    );
  }

  #failed(error: RefusedError, what: string, who: string, { from }: Visit): RefusedError {
    this.#lockOut.failed(from, this.#gate.nowMs());
    return this.#gate.refuse(error, { what, who, face: "dashboard", more: { from } });
  }
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new ConsoleError(
    "CONSOLE_USAGE",
    `name: expected up to 32 small letters, digits and . _ -, got ${JSON.stringify(name.slice(0, 64))}`,
  );
}

function badInvitation(): RefusedError {
  return new RefusedError(
    "invitation",
    "CONSOLE_INVITATION",
    "invitation: expected one that is not used and less than 15 minutes old: operators invite makes another",
  );
}

function notAsked(what: string): RefusedError {
  return new RefusedError(
    "assertion",
    "CONSOLE_ASSERTION",
    `authenticator: this ${what} was not asked for, was used already, or took too long`,
  );
}

function unknownAuthenticator(): RefusedError {
  return new RefusedError(
    "assertion",
    "CONSOLE_ASSERTION",
    "authenticator: it is not enrolled here",
  );
}

function breakGlassOnly(command: string): RefusedError {
  const sentence = `${command}: break-glass may look and freeze, nothing else`;
  return new RefusedError("role", "CONSOLE_FORBIDDEN", sentence);
}

function wrongCode(fault: BreakGlassFault): RefusedError {
  // Which of the two was wrong is nobody's business; that a code was used before is worth knowing.
  const why =
    fault === "replayed"
      ? "this code was used already: wait for the next"
      : "passphrase or code is wrong";
  return new RefusedError("code", "CONSOLE_CODE", `break-glass: ${why}`);
}
