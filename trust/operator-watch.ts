/**
 * Whether those who operate a mesh are who they say they are (spec 9.2 orchestrator_compromise): each act and each sign
 * of a login is held against rules, and the first that one breaks is the alarm. What an alarm is answered with is
 * decided elsewhere.
 *
 * Work is not operating: a program that gives a mesh ten thousand tasks a second does what a mesh is for. So tasks,
 * messages and looks count for no rule but for what they touch together with a grant. What counts is done to the mesh:
 * taking agents out of service, undoing safeguards, keys, decisions, and reading what agents hold.
 */

/** Who acts, and from where. */
export interface Operator {
  /** Name of the person or of the credential. */
  readonly name: string;
  /** Where they are, as their face names it: `local`, `http 10.0.0.7`, a client certificate's fingerprint. */
  readonly origin: string;
  /** True for whoever can reach the control socket or the terminal: the owner of the process, without credential. */
  readonly local: boolean;
}

/** What an act is, as far as the rules care. */
export type ActKind =
  /** Reads figures. */
  | "look"
  /** Reads what agents hold: states, messages, evidence. */
  | "read"
  /** Gives the mesh something to do. */
  | "work"
  /** Changes the mesh in a way that none of the others is. */
  | "operate"
  /** Takes agents out of service until somebody puts them back. */
  | "remove"
  /** Puts back what was taken out. */
  | "restore"
  /** Ends something that its supervisor begins anew. */
  | "kill"
  /** Undoes what protects the mesh. */
  | "unguard"
  /** Gives keys or capabilities. */
  | "grant"
  /** Takes them away. */
  | "revoke"
  /** Decides a conflict, or throws data away. */
  | "decide"
  /** Stops the whole mesh, which is always allowed. */
  | "brake";

/** One act of an operator, before it is done. */
export interface OperatorAct {
  readonly who: Operator;
  readonly kind: ActKind;
  /** For people: the command as it would be typed. */
  readonly command: string;
  /** What it is done to: an address, an id. */
  readonly target: string;
  /** Share of the agents of the mesh that it touches, 0 to 1. */
  readonly share: number;
  /** How much it undoes of what protects the mesh, from 1; of `unguard` only. Default 1. */
  readonly weight?: number;
}

/** What whoever checks credentials has seen. */
export interface OperatorSign {
  readonly who: Operator;
  readonly sign: /** A valid credential opened a session. */
    | "login"
    | "logout"
    /** A signature of a command, or a second factor within a session, did not hold. A failed login is none. */
    | "bad-signature";
}

/** What an operator is known for; what is not given is not held against them. */
export interface Enrolment {
  /** Origins that they come from. */
  readonly origins?: readonly string[];
  /** Hours of the day, UTC, within which they do what cannot be taken back: from the first to before the second. */
  readonly hours?: readonly [from: number, to: number];
}

/** The rules by name, in the order in which they are looked at. */
export const OPERATOR_RULES = [
  "origin",
  "signatures",
  "sessions",
  "hours",
  "grant",
  "rate",
  "removal",
  "kills",
  "revocations",
  "safeguards",
  "decisions",
  "reads",
] as const;
export type OperatorRule = (typeof OPERATOR_RULES)[number];

/** A rule that was broken. */
export interface OperatorAlarm {
  readonly rule: OperatorRule;
  /** In words, with the figures. */
  readonly why: string;
  /** Whether the mesh is to be frozen; else it is only told. */
  readonly freezes: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

type LimitName =
  | "badSignatures"
  | "badSignaturesMs"
  | "sessionMs"
  | "wideShare"
  | "grantMs"
  | "rateFactor"
  | "rateFloor"
  | "rateMost"
  | "removedShare"
  | "removedPlaces"
  | "removedMs"
  | "kills"
  | "killsMs"
  | "revocations"
  | "revocationsMs"
  | "unguarded"
  | "unguardedMs"
  | "decisions"
  | "decisionsMs"
  | "reads"
  | "readsMs";

/** Figures of the rules: what is more than this within the window breaks them. Counts, shares, ms. */
export const OPERATOR_LIMITS: Readonly<Record<LimitName, number>> = Object.freeze({
  badSignatures: 3,
  badSignaturesMs: 15 * MINUTE_MS,
  /** A session without a sign of life for longer is over, whether or not anybody said so. */
  sessionMs: 15 * MINUTE_MS,
  /** A grant and an act that touches more than this share are one story within that time. */
  wideShare: 0.5,
  grantMs: MINUTE_MS,
  /** Acts a minute: so many times the baseline of 30 days, but never fewer than the floor. */
  rateFactor: 10,
  rateFloor: 20,
  rateMost: 600,
  removedShare: 0.25,
  /** So many places at least: one order to isolate all of a mesh is a brake, and a small mesh has few sectors. */
  removedPlaces: 3,
  removedMs: 10 * MINUTE_MS,
  kills: 20,
  killsMs: 10 * MINUTE_MS,
  revocations: 8,
  revocationsMs: 10 * MINUTE_MS,
  unguarded: 12,
  unguardedMs: 5 * MINUTE_MS,
  decisions: 40,
  decisionsMs: 10 * MINUTE_MS,
  reads: 300,
  readsMs: 10 * MINUTE_MS,
});

const LIMITS = OPERATOR_LIMITS;
/** Told only of a local operator: loops over commands are how owners of a machine work, and all rights are theirs. */
const TOLD_LOCALLY: ReadonlySet<OperatorRule> = new Set(["grant", "rate", "reads"]);
/** Kinds that count towards the rate. */
const COUNTED: ReadonlySet<ActKind> = new Set<ActKind>([
  "operate",
  "remove",
  "restore",
  "kill",
  "unguard",
  "grant",
  "revoke",
  "decide",
]);
/** Kinds that cannot be taken back. */
const DESTRUCTIVE: ReadonlySet<ActKind> = new Set<ActKind>(["remove", "kill", "revoke", "grant"]);
/** Days of a baseline. */
const BASELINE_DAYS = 30;
/** Operators that are followed; whoever has been quiet for longest is forgotten. */
const MOST_OPERATORS = 64;
/** Entries of a window; what is older than the oldest of them is forgotten early. */
const MOST_ENTRIES = 1024;
/** A safeguard that is undone for the first time counts for so much, and each time more for 1. */
const FIRST_UNGUARDED = 0.25;

/** Weights within the last so many ms, by what they are of; the last word about each counts. */
class Window {
  readonly #lengthMs: number;
  readonly #entries = new Map<string, { atMs: number; weight: number }>();

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Sets the weight of `what`, as of now; in the order of time, so that what is old is found first. */
  put(what: string, weight: number, atMs: number): void {
    this.#entries.delete(what);
    this.#entries.set(what, { atMs, weight });
    if (this.#entries.size > MOST_ENTRIES) this.drop(this.#entries.keys().next().value as string);
  }

  drop(what: string): void {
    this.#entries.delete(what);
  }

  weightOf(what: string, nowMs: number): number {
    this.#prune(nowMs);
    return this.#entries.get(what)?.weight ?? 0;
  }

  sum(nowMs: number): number {
    this.#prune(nowMs);
    let sum = 0;
    for (const { weight } of this.#entries.values()) sum += weight;
    return sum;
  }

  count(nowMs: number): number {
    this.#prune(nowMs);
    return this.#entries.size;
  }

  clear(): void {
    this.#entries.clear();
  }

  #prune(nowMs: number): void {
    for (const [what, { atMs }] of this.#entries) {
      if (nowMs - atMs <= this.#lengthMs) return;
      this.#entries.delete(what);
    }
  }
}

/** Acts a minute in which there were any, over the 30 days before this one: a storm is not usual while it lasts. */
class Baseline {
  readonly #acts = new Float64Array(BASELINE_DAYS + 1);
  readonly #minutes = new Float64Array(BASELINE_DAYS + 1);
  #day = -1;
  #minute = -1;

  note(nowMs: number): void {
    this.#turn(nowMs);
    const at = this.#day % (BASELINE_DAYS + 1);
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute > this.#minute) this.#minutes[at]++;
    this.#minute = Math.max(this.#minute, minute);
    this.#acts[at]++;
  }

  /** As of before today; 0 while nothing was done. */
  aMinute(nowMs: number): number {
    this.#turn(nowMs);
    const today = this.#day % (BASELINE_DAYS + 1);
    const before = (values: Float64Array): number =>
      values.reduce((sum, each) => sum + each, 0) - values[today];
    const minutes = before(this.#minutes);
    return minutes === 0 ? 0 : before(this.#acts) / minutes;
  }

  #turn(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (this.#day >= 0)
      for (let each = Math.max(this.#day + 1, day - BASELINE_DAYS); each <= day; each++)
        this.#acts[each % (BASELINE_DAYS + 1)] = this.#minutes[each % (BASELINE_DAYS + 1)] = 0;
    this.#day = Math.max(this.#day, day);
  }
}

/** What is known of one operator, from wherever they act. */
class Known {
  enrolment: Enrolment = {};
  readonly baseline = new Baseline();
  readonly sessions = new Window(LIMITS.sessionMs);
  readonly badSignatures = new Window(LIMITS.badSignaturesMs);
  readonly acts = new Window(MINUTE_MS);
  readonly grants = new Window(LIMITS.grantMs);
  readonly wide = new Window(LIMITS.grantMs);
  readonly removed = new Window(LIMITS.removedMs);
  readonly kills = new Window(LIMITS.killsMs);
  readonly revocations = new Window(LIMITS.revocationsMs);
  readonly unguarded = new Window(LIMITS.unguardedMs);
  readonly decisions = new Window(LIMITS.decisionsMs);
  readonly reads = new Window(LIMITS.readsMs);

  forgive(): void {
    for (const window of [
      this.sessions,
      this.badSignatures,
      this.acts,
      this.grants,
      this.wide,
      this.removed,
      this.kills,
      this.revocations,
      this.unguarded,
      this.decisions,
      this.reads,
    ])
      window.clear();
  }
}

/** Follows all operators; reads no clock. Its memory is bounded whatever they do. */
export class OperatorWatch {
  readonly #operators = new Map<string, Known>();
  /** Numbers what must not be taken for a repetition. */
  #serial = 0;

  /** Says what an operator is known for; replaces what was said before. */
  enrol(name: string, enrolment: Enrolment): void {
    const [from, to] = enrolment.hours ?? [0, 24];
    if (!(from >= 0 && from < 24 && to > 0 && to <= 24))
      throw new RangeError(`hours: expected two hours from 0 to 24, got ${from} and ${to}`);
    this.#known(name).enrolment = enrolment;
  }

  /** Forgets what an operator did lately: a person has looked at it. What is usual for them stays known. */
  forgive(name: string): void {
    this.#operators.get(name)?.forgive();
  }

  /** Holds an act against the rules, before it is done. */
  act(act: OperatorAct, nowMs: number): OperatorAlarm | undefined {
    const known = this.#known(act.who.name);
    if (act.kind === "brake") return undefined;
    const broken =
      this.#origin(known, act.who) ??
      this.#hours(known, act, nowMs) ??
      this.#count(known, act, nowMs);
    return broken && alarmOf(broken.rule, broken.why, act.who);
  }

  /** Holds a sign of whoever checks credentials against the rules. */
  sign({ who, sign }: OperatorSign, nowMs: number): OperatorAlarm | undefined {
    const known = this.#known(who.name);
    if (sign === "logout") {
      known.sessions.drop(who.origin);
      return undefined;
    }
    if (sign === "login") {
      known.sessions.put(who.origin, 1, nowMs);
      const broken = this.#origin(known, who) ?? this.#sessions(known, nowMs);
      return broken && alarmOf(broken.rule, broken.why, who);
    }
    known.badSignatures.put(`${this.#serial++}`, 1, nowMs);
    const bad = known.badSignatures.count(nowMs);
    if (bad < LIMITS.badSignatures) return undefined;
    return alarmOf("signatures", `${bad} signatures in a session did not hold`, who);
  }

  #known(name: string): Known {
    const known = this.#operators.get(name) ?? new Known();
    this.#operators.delete(name);
    this.#operators.set(name, known);
    if (this.#operators.size > MOST_OPERATORS)
      this.#operators.delete(this.#operators.keys().next().value as string);
    return known;
  }

  #origin({ enrolment: { origins } }: Known, who: Operator): Broken | undefined {
    if (origins === undefined || who.local || origins.includes(who.origin)) return undefined;
    return {
      rule: "origin",
      why: `${who.origin} is none of the places that ${who.name} acts from`,
    };
  }

  #sessions({ sessions }: Known, nowMs: number): Broken | undefined {
    const open = sessions.count(nowMs);
    if (open < 2) return undefined;
    return { rule: "sessions", why: `${open} sessions of one credential, from different places` };
  }

  #hours({ enrolment: { hours } }: Known, act: OperatorAct, nowMs: number): Broken | undefined {
    if (hours === undefined || !DESTRUCTIVE.has(act.kind)) return undefined;
    const [from, to] = hours;
    const hour = (nowMs % DAY_MS) / (60 * MINUTE_MS);
    const isWithin = from < to ? hour >= from && hour < to : hour >= from || hour < to;
    if (isWithin) return undefined;
    return { rule: "hours", why: `${act.command}, outside of the hours from ${from} to ${to} UTC` };
  }

  /** Adds the act to what was done lately, and looks whether that is too much. */
  #count(known: Known, act: OperatorAct, nowMs: number): Broken | undefined {
    if (act.kind === "look") return undefined;
    if (!act.who.local) this.#refreshSession(known, act.who, nowMs);
    const broken = [
      this.#grant(known, act, nowMs),
      this.#rate(known, act, nowMs),
      this.#kind(known, act, nowMs),
    ].filter((each) => each !== undefined);
    // What is only told must not hide what is not.
    return broken.find(({ rule }) => !(act.who.local && TOLD_LOCALLY.has(rule))) ?? broken[0];
  }

  /** A session that acts is alive; one that was never announced is none. */
  #refreshSession({ sessions }: Known, { origin }: Operator, nowMs: number): void {
    if (sessions.weightOf(origin, nowMs) > 0) sessions.put(origin, 1, nowMs);
  }

  #grant(known: Known, act: OperatorAct, nowMs: number): Broken | undefined {
    if (act.kind === "grant") known.grants.put(act.target, 1, nowMs);
    else if (act.share > LIMITS.wideShare && act.kind !== "read")
      known.wide.put(act.command, 1, nowMs);
    if (known.grants.count(nowMs) === 0 || known.wide.count(nowMs) === 0) return undefined;
    const why = `a grant, and an act on more than half of the mesh within ${LIMITS.grantMs / 1000} s`;
    return { rule: "grant", why: `${why}: ${act.command}` };
  }

  #rate(known: Known, act: OperatorAct, nowMs: number): Broken | undefined {
    if (!COUNTED.has(act.kind)) return undefined;
    const usual = known.baseline.aMinute(nowMs);
    const most = Math.min(LIMITS.rateMost, Math.max(LIMITS.rateFloor, LIMITS.rateFactor * usual));
    known.acts.put(`${this.#serial++}`, 1, nowMs);
    const acts = known.acts.count(nowMs);
    // What is too much must not become what is usual.
    if (acts <= most) known.baseline.note(nowMs);
    else return { rule: "rate", why: `${acts} acts within a minute, usually ${usual.toFixed(1)}` };
    return undefined;
  }

  #kind(known: Known, act: OperatorAct, nowMs: number): Broken | undefined {
    const { target, share, weight = 1 } = act;
    switch (act.kind) {
      case "remove": {
        known.removed.put(target, share, nowMs);
        const removed = known.removed.sum(nowMs);
        const places = known.removed.count(nowMs);
        if (removed <= LIMITS.removedShare || places < LIMITS.removedPlaces) return undefined;
        const percent = Math.round(Math.min(1, removed) * 100);
        return {
          rule: "removal",
          why: `${percent} % of the mesh out of service by ${places} acts`,
        };
      }
      case "restore":
        known.removed.drop(target);
        return undefined;
      case "kill":
        known.kills.put(`${this.#serial++}`, 1, nowMs);
        return over("kills", known.kills.count(nowMs), LIMITS.kills, "kills");
      case "revoke":
        known.revocations.put(target, share > LIMITS.wideShare ? LIMITS.revocations + 1 : 1, nowMs);
        return over(
          "revocations",
          known.revocations.sum(nowMs),
          LIMITS.revocations,
          "keys revoked",
        );
      case "unguard": {
        const before = known.unguarded.weightOf(target, nowMs);
        const first = before === 0 && weight === 1 ? FIRST_UNGUARDED : weight;
        known.unguarded.put(target, before + first, nowMs);
        // What was taken out by this operator and is put back is no safeguard undone.
        known.removed.drop(target);
        return over(
          "safeguards",
          known.unguarded.sum(nowMs),
          LIMITS.unguarded,
          "safeguards undone",
        );
      }
      case "decide":
        known.decisions.put(`${this.#serial++}`, 1, nowMs);
        return over("decisions", known.decisions.count(nowMs), LIMITS.decisions, "decisions");
      case "read":
        known.reads.put(target, 1, nowMs);
        return over("reads", known.reads.count(nowMs), LIMITS.reads, "agents read");
      default:
        return undefined;
    }
  }
}

interface Broken {
  readonly rule: OperatorRule;
  readonly why: string;
}

function over(rule: OperatorRule, got: number, most: number, what: string): Broken | undefined {
  if (got <= most) return undefined;
  return { rule, why: `${Math.ceil(got)} ${what}, and more than ${most} are not usual` };
}

function alarmOf(rule: OperatorRule, why: string, who: Operator): OperatorAlarm {
  return { rule, why, freezes: !(who.local && TOLD_LOCALLY.has(rule)) };
}
