// reload, as people and as scripts see it.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

describe("reload", () => {
  test("says how many agents have changed over", async () => {
    const { code, out, calls } = await host.say("reload", "agent.js", "--window", "5s");
    assert.equal(out, "agent.js reloaded: 12 agents changed over\n");
    assert.equal(code, 0);
    assert.deepEqual(calls, ["reload agent.js 5000"]);
  });

  test("says why a version was taken back or refused, and fails", async () => {
    host.mesh.reloaded = { outcome: "reverted", agents: 1, why: "sector-1: Error: unlucky" };
    const taken = await host.say("reload");
    assert.equal(taken.out, "agent.js reverted, 1 agent changed back: sector-1: Error: unlucky\n");
    assert.equal(taken.code, 1);
    host.mesh.reloaded = { outcome: "refused", agents: 0, why: "Unexpected end of input" };
    const refused = await host.say("reload", "--json");
    assert.deepEqual(JSON.parse(refused.out).modules[0].outcome, "refused");
    assert.equal(refused.code, 1);
  });

  test("changes nothing with --dry-run, and names what there is to reload", async () => {
    const dry = await host.say("reload", "--dry-run");
    assert.equal(dry.code, 0);
    assert.isEmpty(dry.calls);
    const none = await host.say("reload", "none.js");
    assert.notEqual(none.code, 0);
    assert.match(none.talk, /module: expected one of agent\.js, got "none\.js"/);
  });
});
