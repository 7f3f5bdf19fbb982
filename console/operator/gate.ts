/**
 * The gate of a running mesh: every command of every face goes through it. It knows who may do what, asks for what a
 * command needs, writes down what was done and refused, and counts.
 *
 *     caller, command, arguments ──▶ role? ──▶ step-up? ──▶ written down ──▶ run ──▶ written down
 */
import { randomBytes } from "node:crypto";
import type { OperatorSign, Threats } from "../../runtime/api/threat-api.ts";
import { onwardClock, wallClock } from "../../runtime/machine/clock.ts";
import type { KeyEnvironment } from "../../runtime/trust/key-files.ts";
import { codeOf, sentenceOf } from "../terminal/exit.ts";
import { type AuditEntry, type AuditOutcome, withoutSecrets } from "./audit-entry.ts";
import { AuditLog, type AuditLogOptions, type AuditSink, MemoryAudit } from "./audit-log.ts";
import { Logins } from "./logins.ts";
import {
  type Caller,
  checkRole,
  type FaceName,
  type Need,
  operatorOf,
  REFUSAL_REASONS,
  type RefusalReason,
  RefusedError,
  type Role,
} from "./role.ts";
import type { Step } from "./step-digest.ts";

/** A look that is made again within this time after it was written down is only counted, ms. */
const REPEATED_MS = 60_000;
/** Looks whose repetitions are counted at once. */
const MAX_REPEATED = 256;
const MAX_WHY = 500;

/** What a gate is told of. */
export interface GateOptions {
  /** Where it keeps operators and audit log; without one, all of it is in memory. */
  readonly dataDir?: string | undefined;
  readonly env?: KeyEnvironment;
  /** The HTTP face lets in nobody who has not logged in. */
  readonly requireLogin?: boolean;
  /** What the token of the HTTP face may do; default: {@link Gate.tokenRole}. */
  readonly tokenRole?: Role | "none" | undefined;
  /** What the owner of the control socket may do; default: admin. */
  readonly socketRole?: Role | undefined;
  /** For tests: ms since 1970 that never go back, and those that people's clocks show. */
  readonly nowMs?: () => number;
  readonly wallMs?: () => number;
  readonly audit?: Pick<AuditLogOptions, "segmentBytes" | "segments">;
}

/** A command about to be run. */
export interface Deed extends Step {
  readonly need: Need;
  /** Whether it changes the mesh with these arguments. */
  readonly changes: boolean;
  /** Asked for again and again by a screen, not by a person. */
  readonly isWatch?: boolean | undefined;
}

interface Repetition {
  readonly entry: AuditEntry;
  readonly untilMs: number;
  count: number;
}

/** The gate. */
export class Gate {
  readonly options: GateOptions;
  readonly logins: Logins;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly #refused = new Map<RefusalReason, number>(REFUSAL_REASONS.map((reason) => [reason, 0]));
  readonly #repetitions = new Map<string, Repetition>();
  /** Those who watch operators are told of logins, and of assertions that do not hold; set while a mesh runs. */
  signs: Pick<Threats, "sign"> | undefined;
  /** Where people log in; set while an HTTP face listens. */
  loginOrigin: string | undefined;
  #audit: AuditSink = new MemoryAudit();
  #entries = 0;

  constructor(options: GateOptions = {}) {
    this.options = options;
    const clock = onwardClock();
    this.nowMs = options.nowMs ?? (() => clock.nowMs());
    this.wallMs = options.wallMs ?? (() => wallClock.nowMs());
    this.logins = new Logins(this, options);
  }

  /** Opens the audit log of the data folder, for a mesh that starts; before it the entries are in memory only. */
  open(): void {
    this.openLog();
    if (this.auditLog !== undefined) this.access("start", "mesh", { more: { pid: process.pid } });
  }

  /** The same where no mesh runs. */
  openLog(): void {
    const { dataDir, env = {}, audit } = this.options;
    if (dataDir === undefined) return;
    this.#audit = AuditLog.open({ dataDir, env, nowMs: this.wallMs, ...audit });
  }

  /** Writes down that the mesh ends, and closes the log. */
  close(): void {
    try {
      this.access("stop", "mesh", { more: { pid: process.pid } });
    } catch {
      // As below.
    }
    this.closeLog();
  }

  closeLog(): void {
    try {
      this.#flush(Number.POSITIVE_INFINITY);
      this.#audit.close();
    } catch {
      // Whoever wrote to it before was told that it cannot be written.
    }
    this.#audit = new MemoryAudit();
  }

  /** The log on disk; undefined when there is none. */
  get auditLog(): AuditLog | undefined {
    return this.#audit instanceof AuditLog ? this.#audit : undefined;
  }

  /** The entries in memory, of a mesh without a data folder. */
  get auditMemory(): MemoryAudit | undefined {
    return this.#audit instanceof MemoryAudit ? this.#audit : undefined;
  }

  /** How often somebody was refused, by reason. */
  get refused(): ReadonlyMap<RefusalReason, number> {
    return this.#refused;
  }

  /** Entries written by this process. */
  get entries(): number {
    return this.#entries;
  }

  /**
   * What the token of the printed URL may do. Until an authenticator is enrolled it opens everything, as it is all that
   * there is; from then on it only looks, and nothing at all where everybody has to log in.
   */
  get tokenRole(): Role | "none" {
    const { tokenRole, requireLogin } = this.options;
    if (tokenRole !== undefined) return tokenRole;
    if (requireLogin === true) return "none";
    return this.logins.isEnrolled ? "observe" : "admin";
  }

  /** Whoever has the token. RefusedError when it opens nothing. */
  tokenCaller(face: FaceName, from: string): Caller {
    const role = this.tokenRole;
    if (role === "none") {
      throw this.refuse(
        new RefusedError("token", "CONSOLE_LOGIN", "the token opens nothing here: log in"),
        { what: "token", who: "token", face },
      );
    }
    const needsLogin = this.options.requireLogin === true || this.logins.isEnrolled;
    return { who: "token", role, face, from, stepUp: needsLogin ? noStepUp : "waived" };
  }

  /** Whether a caller may run a command; what is refused is written down and counted. */
  admit(caller: Caller, { command, args, need }: Deed): void {
    try {
      checkRole(caller, command, need);
    } catch (error) {
      throw this.refuse(error as RefusedError, this.#commandOf(caller, { command, args }));
    }
  }

  /** Runs a command for a caller who may, and writes it down. `isFailed`: it ran, and what was wanted did not come. */
  async run<T>(
    caller: Caller,
    deed: Deed,
    act: () => Promise<T>,
    isFailed: (data: T) => boolean = () => false,
  ): Promise<T> {
    this.admit(caller, deed);
    const { command, args, need, changes } = deed;
    const about = this.#commandOf(caller, deed);
    if (need.stepUp && caller.stepUp !== "waived") {
      try {
        await caller.stepUp({ command, args });
      } catch (error) {
        // One that is missing proves nothing; one that does not hold was made by somebody.
        if (error instanceof RefusedError && error.reason === "assertion")
          this.#sign("bad-signature", caller.who, caller.from);
        throw error instanceof RefusedError ? this.refuse(error, about) : error;
      }
    }
    const run = changes ? randomBytes(6).toString("hex") : undefined;
    const atMs = this.wallMs();
    // Before it is done: whatever ends this process now, it is known who began what.
    if (run !== undefined)
      this.#write({ atMs, kind: "command", outcome: "begun", run, ...about }, true);
    const began = this.nowMs();
    const end = (outcome: AuditOutcome, why?: string): void => {
      const elapsedMs = Math.round(this.nowMs() - began);
      const entry = {
        atMs: this.wallMs(),
        kind: "command" as const,
        outcome,
        why,
        elapsedMs,
        run,
        ...about,
      };
      if (changes || outcome !== "done") this.#write(entry, changes);
      else this.#look(entry, deed.isWatch === true);
    };
    try {
      const data = await act();
      end(isFailed(data) ? "failed" : "done");
      return data;
    } catch (error) {
      end("error", `${codeOf(error)}: ${sentenceOf(error)}`.slice(0, MAX_WHY));
      throw error;
    }
  }

  /** Writes down a login, the end of a session, an enrolment, … */
  access(what: string, who: string, facts: Partial<AuditEntry>): void {
    const from = facts.more?.from;
    if (typeof from === "string") {
      if (what === "login") this.#sign("login", who, from);
      if (what === "session-end") this.#sign("logout", who, from);
    }
    this.#write(
      { atMs: this.wallMs(), kind: "access", what, who, outcome: "done", ...facts },
      true,
    );
  }

  #sign(sign: OperatorSign["sign"], who: string, from: string | undefined): void {
    this.signs?.sign({ who: operatorOf({ who, ...(from !== undefined && { from }) }), sign });
  }

  /** Counts a refusal and writes it down; gives it back, to be thrown. */
  refuse(
    error: RefusedError,
    about: Pick<AuditEntry, "what" | "who"> & Partial<AuditEntry>,
  ): RefusedError {
    const { reason, message } = error;
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const why = message.slice(0, MAX_WHY);
    const kind = about.args === undefined ? "access" : "command";
    const entry = {
      atMs: this.wallMs(),
      kind,
      outcome: "refused" as const,
      reason,
      why,
      ...about,
    } as const;
    try {
      // Whoever is refused can ask often: told once a minute, and counted.
      this.#look(entry, true);
    } catch {
      // A log that cannot be written does not let anybody in.
    }
    return error;
  }

  #commandOf(
    { who, role, face }: Caller,
    { command, args }: Step,
  ): Omit<AuditEntry, "atMs" | "kind" | "outcome"> {
    return { what: command, who, role, face, args: withoutSecrets(args) };
  }

  /** Writes a look down, or counts it when it is one that was just made. */
  #look(entry: AuditEntry, isUrgent: boolean): void {
    const nowMs = this.nowMs();
    this.#flush(nowMs);
    const { what, who, face, args, outcome, reason } = entry;
    const key = JSON.stringify([what, who, face, args, outcome, reason, entry.more]);
    const isFull = this.#repetitions.size >= MAX_REPEATED;
    // Whoever is refused in ever new ways must not write the log full, and its beginning out of it.
    const others = isFull && outcome === "refused" ? JSON.stringify([outcome, reason]) : key;
    const known = this.#repetitions.get(key) ?? this.#repetitions.get(others);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (others !== key) {
      const { atMs, kind, why } = entry;
      const of = { atMs, kind, what, who: "others", outcome, reason, why };
      this.#repetitions.set(others, { entry: of, untilMs: nowMs + REPEATED_MS, count: 0 });
    } else if (!isFull)
      this.#repetitions.set(key, { entry, untilMs: nowMs + REPEATED_MS, count: 0 });
    this.#write(entry, isUrgent);
  }

  /** Writes how often looks were repeated whose minute is over. */
  #flush(nowMs: number): void {
    for (const [key, { entry, untilMs, count }] of this.#repetitions) {
      // The oldest stand first.
      if (untilMs > nowMs) break;
      this.#repetitions.delete(key);
      if (count > 0) this.#write({ ...entry, atMs: this.wallMs(), repeated: count }, false);
    }
  }

  #write(entry: AuditEntry, isUrgent: boolean): void {
    const { atMs, ...rest } = entry;
    this.#audit.write({ atMs: Math.floor(atMs), ...rest }, isUrgent);
    this.#entries++;
  }
}

/** A token proves no person. */
async function noStepUp({ command }: Step): Promise<void> {
  throw new RefusedError(
    "step-up",
    "CONSOLE_STEP_UP",
    `${command}: needs a fresh assertion of an operator for this very command: log in to the dashboard, ` +
      "or run it at the control socket",
  );
}
