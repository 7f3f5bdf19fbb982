/** What stands in the audit log: who did what by which door, and what came of it; no secrets. */
import type { FaceName, RefusalReason, Role } from "./role.ts";

/** What came of it. `begun` is written before a command that changes the mesh is run. */
export type AuditOutcome = "begun" | "done" | "failed" | "error" | "refused";

/** One entry. */
export interface AuditEntry {
  /** ms since 1970, by the clock that people read. */
  readonly atMs: number;
  /** `command`: run by somebody; `access`: logins, sessions, enrolments; `log`: the log's own. */
  readonly kind: "command" | "access" | "log";
  /** The command, or what happened: `login`, `session-end`, `enrol`, `start`, `checkpoint`, … */
  readonly what: string;
  readonly who: string;
  readonly role?: Role | undefined;
  readonly face?: FaceName | undefined;
  /** Arguments without secrets, cut to what can be kept. */
  readonly args?: Readonly<Record<string, unknown>> | undefined;
  readonly outcome: AuditOutcome;
  readonly reason?: RefusalReason | undefined;
  /** Why it was refused or failed. */
  readonly why?: string | undefined;
  /** Ties `begun` to what came of it. */
  readonly run?: string | undefined;
  readonly elapsedMs?: number | undefined;
  /** This look again, so many times within the minute after it was first written. */
  readonly repeated?: number | undefined;
  /** Facts of a kind of its own. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
}

/** Characters of the arguments in an entry; longer ones are cut, and say so. */
export const MAX_ARGS_LENGTH = 2_048;
/** Of one text in them. */
const MAX_TEXT = 256;
const MAX_MEMBERS = 32;
const MAX_DEPTH = 6;

const SECRET_NAMES = new RegExp(
  "pass(word|phrase|wd)?$|^pw$|secret|token|credential|authori[sz]ation|cookie|private|" +
    "(^|[-_])(api)?[-_]?key$|apikey$|otp$|^pin$|^code$",
  "i",
);
const HIDDEN = "•••";
/** What looks like a credential wherever it stands: bearer words, PEM, keys with known beginnings, users in URLs. */
const SECRET_TEXT = new RegExp(
  String.raw`\b(bearer|basic)\s+[\w.~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*|` +
    String.raw`\b(sk|pk|ghp|gho|xox[abp]|glpat|AKIA)[-_]?[A-Za-z0-9_-]{12,}|(?<=://)[^/@\s]+@`,
  "gi",
);

/** Arguments as they may be kept: members with a secret's name hidden, long ones cut. */
export function withoutSecrets(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = tamed(args, 0) as Record<string, unknown>;
  const written = JSON.stringify(kept);
  if (written.length <= MAX_ARGS_LENGTH) return kept;
  return { cut: written.slice(0, MAX_ARGS_LENGTH), length: written.length };
}

function tamed(value: unknown, depth: number): unknown {
  if (typeof value === "string") {
    const plain = value.replaceAll(SECRET_TEXT, HIDDEN);
    return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}… (${plain.length})` : plain;
  }
  if (value instanceof URL) return tamed(value.href, depth);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "…";
  if (Array.isArray(value)) {
    const kept = value.slice(0, MAX_MEMBERS).map((each) => tamed(each, depth + 1));
    return value.length > MAX_MEMBERS ? [...kept, `… (${value.length})`] : kept;
  }
  const members = Object.entries(value);
  const kept = members
    .slice(0, MAX_MEMBERS)
    .map(([name, each]) => [
      name.slice(0, MAX_TEXT),
      SECRET_NAMES.test(name) ? HIDDEN : tamed(each, depth + 1),
    ]);
  if (members.length > MAX_MEMBERS) kept.push(["…", members.length]);
  return Object.fromEntries(kept);
}
