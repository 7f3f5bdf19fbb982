import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type ActKind,
  OPERATOR_LIMITS,
  type Operator,
  type OperatorAct,
  OperatorWatch,
} from "./operator-watch.ts";

const ADA: Operator = { name: "ada", origin: "http 10.0.0.7", local: false };
const OWNER: Operator = { name: "owner", origin: "local", local: true };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const KINDS: readonly ActKind[] = [
  "look",
  "read",
  "work",
  "operate",
  "remove",
  "restore",
  "kill",
  "unguard",
  "grant",
  "revoke",
  "decide",
  "brake",
];
let watch: OperatorWatch;

function act(kind: ActKind, fields: Partial<OperatorAct> = {}): OperatorAct {
  return { who: ADA, kind, command: kind, target: "sector-1", share: 0.01, ...fields };
}

/** The rules broken by so many acts, a pause between each. */
function rules(count: number, pauseMs: number, make: (nth: number) => OperatorAct): string[] {
  const broken: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const alarm = watch.act(make(nth), nth * pauseMs);
    if (alarm !== undefined) broken.push(alarm.rule);
  }
  return broken;
}

beforeEach(() => {
  watch = new OperatorWatch();
});

describe("what counts", () => {
  test("work and looks break no rule, however many", () => {
    for (const kind of ["look", "work"] as const)
      expect(rules(50_000, 1, () => act(kind, { share: 1 }))).toEqual([]);
  });

  test("stopping the mesh is always allowed", () => {
    watch.enrol("ada", { origins: ["nowhere"], hours: [6, 7] });
    expect(rules(100, 1, () => act("brake", { share: 1 }))).toEqual([]);
  });

  test("what is put back is not out of service", () => {
    const broken = rules(400, 10_000, (nth) =>
      act(nth % 2 === 0 ? "remove" : "restore", { target: `sector-${nth >> 1}`, share: 0.1 }),
    );
    expect(broken).toEqual([]);
  });

  test("one order on a part of the mesh, or two, are orders; a third place is too much", () => {
    const out = (nth: number): OperatorAct =>
      act("remove", { target: `place-${nth}`, share: 0.12 });
    expect([0, 1, 2].map((nth) => watch.act(out(nth), nth * 1000)?.rule)).toEqual([
      undefined,
      undefined,
      "removal",
    ]);
  });

  test("the first closing of each breaker is cheap, the same ones again and again are not", () => {
    expect(rules(48, 5000, (nth) => act("unguard", { target: `cluster-${nth}` }))).toEqual([]);
    watch.forgive("ada");
    expect(rules(18, 5000, (nth) => act("unguard", { target: `cluster-${nth % 3}` }))).toContain(
      "safeguards",
    );
  });

  test("the rate is held against thirty days: who does much every day may do much", () => {
    const tenAMinute = (day: number): void => {
      for (let nth = 0; nth < 100; nth++) watch.act(act("operate"), day * DAY_MS + nth * 6000);
    };
    for (let day = 0; day < 30; day++) tenAMinute(day);
    const busy = (atMs: number): (string | undefined)[] =>
      Array.from({ length: 90 }, (_, nth) => watch.act(act("operate"), atMs + nth * 600)?.rule);
    expect(busy(31 * DAY_MS).filter(Boolean)).toEqual([]);
    // Two months later nothing is left of that.
    expect(busy(95 * DAY_MS)).toContain("rate");
  });
});

describe("signs of a login", () => {
  test("failed logins are none: who has no credential cannot freeze a mesh", () => {
    // There is no sign for them; what is left of a stranger is nothing.
    expect(watch.sign({ who: ADA, sign: "logout" }, 0)).toBeUndefined();
  });

  test("a session that says nothing for long is over, and one place is one session", () => {
    expect(watch.sign({ who: ADA, sign: "login" }, 0)).toBeUndefined();
    expect(watch.sign({ who: ADA, sign: "login" }, 1000)).toBeUndefined();
    const elsewhere = { ...ADA, origin: "http 10.0.0.8" };
    const laterMs = OPERATOR_LIMITS.sessionMs + 2000;
    expect(watch.sign({ who: elsewhere, sign: "login" }, laterMs)).toBeUndefined();
    expect(watch.sign({ who: ADA, sign: "login" }, laterMs + 1)?.rule).toBe("sessions");
  });

  test("three bad signatures within a quarter of an hour, and not over a day", () => {
    const bad = (atMs: number): string | undefined =>
      watch.sign({ who: ADA, sign: "bad-signature" }, atMs)?.rule;
    expect([0, 8, 16, 24].map((minutes) => bad(minutes * MINUTE_MS))).toEqual(
      Array(4).fill(undefined),
    );
    expect(bad(24 * MINUTE_MS + 1)).toBe("signatures");
  });
});

test("hours may go over midnight; none are refused that are none", () => {
  watch.enrol("ada", { hours: [22, 6] });
  const kill = (hour: number): string | undefined =>
    watch.act(act("kill"), hour * 60 * MINUTE_MS)?.rule;
  expect([23, 29, 31, 36].map(kill)).toEqual([undefined, undefined, "hours", "hours"]);
  expect(() => watch.enrol("ada", { hours: [6, 25] })).toThrow("hours: expected two hours");
});

test("of the owner at the console rate and reads are told and freeze nothing, all else does", () => {
  const alarmOf = (kind: ActKind): boolean | undefined => {
    for (let nth = 0; nth < 400; nth++) {
      const alarm = watch.act(act(kind, { who: OWNER, target: `agent-${nth}` }), 1000 + nth);
      if (alarm !== undefined) return alarm.freezes;
    }
    return undefined;
  };
  expect(alarmOf("read")).toBe(false);
  expect(alarmOf("operate")).toBe(false);
  watch.forgive("owner");
  expect(alarmOf("kill")).toBe(true);
});

test("whatever is done, an operator who was looked at begins anew, and others are not concerned", () => {
  const anyAct = fc.record({
    kind: fc.constantFrom(...KINDS),
    name: fc.constantFrom("ada", "bob"),
    target: fc.constantFrom("a", "b", "c", "d"),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    afterMs: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(anyAct, { maxLength: 300 }), (acts) => {
      const both = new OperatorWatch();
      const alone = new OperatorWatch();
      let atMs = 1_000_000;
      for (const { name, afterMs, kind, target, share } of acts) {
        atMs += afterMs;
        const one = act(kind, { who: { ...ADA, name }, target, share });
        const alarm = both.act(one, atMs);
        if (name === "ada") expect(alone.act(one, atMs)).toEqual(alarm);
      }
      both.forgive("ada");
      // A first act, small and harmless, breaks nothing.
      expect(both.act(act("operate"), atMs + 1)).toBeUndefined();
    }),
    { numRuns: 200 },
  );
});
