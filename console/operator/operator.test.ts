import { assert, describe, test } from "vitest";
import { onwardClock } from "../../runtime/machine/clock.ts";
import { COMMANDS } from "../commands.ts";
import { withoutSecrets } from "./audit-entry.ts";
import { Challenges } from "./challenges.ts";
import { Gate } from "./gate.ts";
import { LONGEST_LOCK_MS, LockOut, MAX_LOCKED_NAMES } from "./lock-out.ts";
import { LoginSessions, MAX_SESSIONS } from "./login-sessions.ts";
import { ownerOf, RefusedError, type Role } from "./role.ts";
import { stepDigest } from "./step-digest.ts";

describe("what a command needs", () => {
  const rows: readonly (readonly [string, Record<string, unknown>, Role, boolean])[] = [
    ["status", {}, "observe", false],
    ["audit", {}, "observe", false],
    ["kill", { target: "worker-1", dryRun: true }, "observe", false],
    ["circuits", {}, "observe", false],
    ["circuits", { action: "trip", target: "sector-1" }, "operate", false],
    ["tell", { address: "sector-1", message: 1 }, "operate", false],
    ["freeze", {}, "operate", false],
    ["cascade", { verb: "act", select: "sector-7" }, "operate", false],
    ["cascade", { verb: "sync" }, "operate", false],
    ["cascade", { verb: "act" }, "operate", true],
    ["scatter", { verb: "act", select: "all" }, "operate", true],
    ["thaw", {}, "admin", true],
    ["kill", { target: "worker-1" }, "admin", true],
    ["scale", { action: "add", count: 30 }, "operate", false],
    ["scale", { action: "remove", count: 30 }, "admin", true],
    ["quarantine", { action: "discard", id: "c" }, "admin", true],
    ["keys", {}, "observe", false],
    ["keys", { action: "revoke", scope: "all" }, "admin", true],
    ["fork", {}, "operate", false],
    ["fork", { agent: "./other.js" }, "admin", true],
    ["operators", {}, "observe", false],
    ["operators", { action: "invite", name: "a" }, "admin", true],
    ["sessions", { action: "kill", which: "all" }, "admin", false],
  ];

  test.each(rows)("%s %o is %s, step-up %s", (name, args, role, stepUp) => {
    const command = COMMANDS.find((each) => each.name === name);
    assert.deepEqual(command?.needs === "mesh" && command.needOf(args), { role, stepUp });
  });

  test("is never less than to operate for what changes the mesh with some arguments", () => {
    for (const command of COMMANDS)
      if (command.needs === "mesh")
        assert.equal(command.role === "observe", !command.changes, command.name);
  });
});

test("failures cost nothing at first, then twice as long each time, and what is remembered has a bound", () => {
  const lock = new LockOut();
  const waits = Array.from({ length: 17 }, () => lock.failed("a", 0));
  assert.deepEqual(waits.slice(0, 8), [0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
  assert.equal(waits.at(-1), LONGEST_LOCK_MS);
  assert.equal(lock.waitMs("a", 60_000), LONGEST_LOCK_MS - 60_000);
  lock.succeeded("a");
  assert.equal(lock.waitMs("a", 0), 0);
  for (let i = 0; i < 3 * MAX_LOCKED_NAMES; i++) lock.failed(`name ${i}`, i);
  assert.equal(lock.size, MAX_LOCKED_NAMES);
});

test("sessions and challenges have bounds, and one who asks on and on takes nothing from others", () => {
  const sessions = new LoginSessions();
  const who = (i: number) =>
    ({ who: `o${i}`, role: "observe", way: "authenticator", from: "::1" }) as const;
  for (let i = 0; i < MAX_SESSIONS; i++) sessions.begin(who(i), 0);
  assert.throws(() => sessions.begin(who(MAX_SESSIONS), 0), RefusedError);
  const challenges = new Challenges<number>(1_000);
  const word = challenges.issue(7, "alice", 0);
  for (let i = 0; i < 5_000; i++) challenges.issue(i, "mallory", 0);
  assert.equal(challenges.take(word, 999), 7);
  assert.isUndefined(challenges.take(word, 999));
});

test("a clock that is set back or sleeps puts no end off", () => {
  let [steadyMs, shownMs] = [5, 1_000];
  const clock = onwardClock({ nowMs: () => steadyMs }, { nowMs: () => shownMs });
  steadyMs += 10;
  shownMs -= 500;
  assert.equal(clock.nowMs(), 1_010);
  shownMs += 3_600_000;
  assert.equal(clock.nowMs(), 3_601_010);
});

test("the digest of a step is of what would be done, however it is written", () => {
  const one = { command: "kill", args: { target: "worker-1", more: { a: 1, b: [1, 2] } } };
  const other = { args: { more: { b: [1, 2], a: 1 }, target: "worker-1" }, command: "kill" };
  assert.equal(stepDigest(one), stepDigest(other));
  assert.notEqual(stepDigest(one), stepDigest({ ...one, command: "thaw" }));
  const reordered = { ...one, args: { ...one.args, more: { a: 1, b: [2, 1] } } };
  assert.notEqual(stepDigest(one), stepDigest(reordered));
});

test("what is written down has no secrets, and an end", () => {
  const kept = withoutSecrets({
    message: {
      apiKey: "abc",
      note: "Bearer abcdefghijkl and https://user:pw@host/x",
      deep: { password: 1 },
    },
    text: "x".repeat(10_000),
    list: Array.from({ length: 100 }, (_, i) => i),
  });
  const written = JSON.stringify(kept);
  for (const secret of ['abc"', "abcdefghijkl", "user:pw"]) assert.notInclude(written, secret);
  assert.isBelow(written.length, 2_200);
  const huge = withoutSecrets(
    Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`a${i}`, "y".repeat(200)])),
  );
  assert.isBelow(JSON.stringify(huge).length, 2_200);
});

test("looks that are repeated, and refusals in ever new ways, do not write the log full", async () => {
  let nowMs = 0;
  const gate = new Gate({ nowMs: () => nowMs, wallMs: () => nowMs });
  const look = {
    command: "status",
    args: {},
    need: { role: "observe", stepUp: false },
    changes: false,
  } as const;
  for (let i = 0; i < 100; i++) await gate.run(ownerOf("repl"), look, async () => 1);
  assert.equal(gate.entries, 1);
  for (let i = 0; i < 2_000; i++) {
    const error = new RefusedError("token", "CONSOLE_UNAUTHORIZED", "no");
    gate.refuse(error, { what: "token", who: "nobody", more: { from: `${i}` } });
  }
  assert.equal(gate.refused.get("token"), 2_000);
  assert.isBelow(gate.entries, 300);
  nowMs += 61_000;
  await gate.run(ownerOf("repl"), { ...look, args: { other: 1 } }, async () => 1);
  const repeated = gate.auditMemory?.entries.map(({ entry }) => entry.repeated ?? 0) ?? [];
  assert.include(repeated, 99);
  assert.isAbove(Math.max(...repeated), 1_700);
});
