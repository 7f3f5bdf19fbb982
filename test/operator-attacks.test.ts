// What somebody tries who is not who they say, or wants more than they may: each is refused, counted and written down.
import { rmSync } from "node:fs";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { checkAudit } from "../console/operator/audit-check.ts";
import { ATTACKS } from "./operator-attacks.ts";
import { OperatorWorld } from "./operator-world.ts";

let world: OperatorWorld;

beforeEach(async () => {
  world = await OperatorWorld.open();
});

afterEach(async () => {
  await world.close();
  rmSync(world.dataDir, { recursive: true });
});

describe("an attack", () => {
  test.each(ATTACKS)("$name", async ({ reason, status, says, attack, isTold }) => {
    const before = world.gate.refused.get(reason) ?? 0;
    const reply = await attack(world);
    assert.match(reply.message, says);
    assert.equal(reply.status, status);
    assert.isAbove(world.gate.refused.get(reason) ?? 0, before);
    const entry = (await world.audit()).findLast(({ outcome }) => outcome === "refused");
    assert.equal(entry?.reason, reason);
    assert.match(entry?.why ?? "", says);
    const told = world.signs.filter(({ sign }) => sign === "bad-signature");
    const who = { name: "alice", origin: "http 127.0.0.1", local: false };
    assert.deepEqual(told, isTold ? [{ who, sign: "bad-signature" }] : []);
    const { auditLog } = world.gate;
    const verdict = await checkAudit(auditLog?.paths ?? assert.fail(), { live: auditLog?.head });
    assert.isNull(verdict.fault);
  });
});
