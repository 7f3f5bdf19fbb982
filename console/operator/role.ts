/**
 * Who may do what. A role has all that the one before it has; what a command needs follows from what it does to the
 * mesh, and is stated with the command (command/command.ts).
 *
 *     looks only        ──▶ observe
 *     changes the mesh  ──▶ operate
 *     destroys          ──▶ admin, and a step-up: an assertion of the operator's own for this very command
 */
import type { Operator } from "../../runtime/api/threat-api.ts";
import { ConsoleError } from "../terminal/exit.ts";
import type { Step } from "./step-digest.ts";

/** From least to most. */
export const ROLES = ["observe", "operate", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What a command asks of whoever runs it. */
export interface Need {
  readonly role: Role;
  /** A fresh assertion of a person for this command and these arguments. */
  readonly stepUp: boolean;
}

/** By which door a command came; `offline`: on the command line, where no mesh ran. */
export type FaceName =
  | "repl"
  | "run"
  | "offline"
  | "socket"
  | "mcp"
  | "http"
  | "dashboard"
  | "program";

/** Whoever runs a command. */
export interface Caller {
  /** As the audit log names them: `uid 1000`, `token`, `alice`. */
  readonly who: string;
  readonly role: Role;
  readonly face: FaceName;
  /** Address that they speak from; absent for whoever is at the machine, where no credential is in doubt. */
  readonly from?: string;
  /** Changing commands that they may run beyond their role. */
  readonly also?: readonly string[];
  /**
   * How a step-up is met: `waived` for whoever owns the process, otherwise what checks the assertion that came with the
   * command; it throws when there is none or it is for something else.
   */
  readonly stepUp: "waived" | ((step: Step) => Promise<void>);
}

/** Why somebody may not. */
export type RefusalReason =
  | "role"
  | "step-up"
  | "token"
  | "session"
  | "assertion"
  | "code"
  | "locked-out"
  | "origin"
  | "invitation";

/** All of them, for counting. */
export const REFUSAL_REASONS: readonly RefusalReason[] = [
  "role",
  "step-up",
  "token",
  "session",
  "assertion",
  "code",
  "locked-out",
  "origin",
  "invitation",
];

/** Somebody may not: `reason` is counted, the sentence says what would be needed. */
export class RefusedError extends ConsoleError {
  readonly reason: RefusalReason;
  /** How long until another try is looked at, where that is why, ms. */
  readonly waitMs: number | undefined;
  /** What has to be signed for; it need not be what was asked for: `undo` does it by another command. */
  readonly step: Step | undefined;

  constructor(
    reason: RefusalReason,
    code: string,
    sentence: string,
    { waitMs, step }: { readonly waitMs?: number; readonly step?: Step } = {},
  ) {
    super(code, sentence);
    this.reason = reason;
    this.waitMs = waitMs;
    this.step = step;
  }
}

/** Whether a role has all that another has. */
export function includes(role: Role, other: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(other);
}

/** The lesser of two roles. */
export function lesser(one: Role, other: Role): Role {
  return includes(one, other) ? other : one;
}

/** The owner of this process, or of its socket: may do all of it by other means too. */
export function ownerOf(face: FaceName, role: Role = "admin"): Caller {
  const uid = process.getuid?.();
  return { who: uid === undefined ? "owner" : `uid ${uid}`, role, face, stepUp: "waived" };
}

/** Refuses a command to a caller who may not run it; RefusedError names role and need. */
export function checkRole(caller: Caller, command: string, { role }: Need): void {
  if (includes(caller.role, role) || caller.also?.includes(command) === true) return;
  const more = caller.also === undefined ? "" : ` and ${caller.also.join(", ")}`;
  throw new RefusedError(
    "role",
    "CONSOLE_FORBIDDEN",
    `${command}: needs the role ${role}, and ${caller.who} has ${caller.role}${more}`,
  );
}

/** Whoever reaches the control socket or the terminal of the mesh: its owner. */
const OWNER: Operator = Object.freeze({ name: "owner", origin: "local", local: true });

/** Whoever runs a command, as those who watch operators know them; without a caller it is the program itself. */
export function operatorOf(caller?: Pick<Caller, "who" | "from">): Operator {
  if (caller === undefined) return OWNER;
  const { who, from } = caller;
  return {
    name: who,
    origin: from === undefined ? "local" : `http ${from}`,
    local: from === undefined,
  };
}
