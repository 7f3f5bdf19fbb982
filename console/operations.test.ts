// forecast, scatter and cascade, as people and as scripts see them.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import type { FakeMesh } from "../test/fake-mesh.ts";
import { Host } from "../test/host.ts";

const AGENT = "sector-1/cluster-1/agent-1";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

describe("forecast", () => {
  test("says who will be ready when, and who will not", async () => {
    host.mesh.forecasted = {
      scheduled: 22,
      skipped: 2,
      expectedReady: 21,
      skips: [
        {
          status: "SKIP",
          address: AGENT,
          reason: "insufficient_lead_time",
          wouldNeedMs: 812.5,
          availableMs: 500,
        },
      ],
    };
    const { code, out, calls } = await host.say(
      "forecast",
      "sync",
      "--at",
      "in 500ms",
      "--limit",
      "1",
    );
    assert.equal(code, 0);
    assert.match(
      out,
      /^T +in 500ms, at 22:13:20\.500Z\nscheduled +22 of 24 selected\nskipped +2\n/,
    );
    assert.match(
      out,
      /expected READY +21 \(95\.5% of those scheduled\)\nquorum +98\.2% probable\n/,
    );
    assert.match(out, /earliest quorum +in 412ms, at 22:13:20\.412Z\n/);
    assert.match(out, /SKIPPED AGENT +WOULD NEED +AVAILABLE\nsector-1\S+ +813ms +500ms\n$/);
    assert.deepEqual(calls, [
      'forecast {"payload":null,"verb":"sync","at":"in 500ms"} {"limit":1}',
    ]);
  });

  test("of a quorum out of reach says so", async () => {
    host.mesh.forecasted = { earliestQuorumMs: Number.NaN, quorumProbability: 0 };
    const { code, out } = await host.say("forecast");
    assert.equal(code, 0);
    assert.match(out, /earliest quorum +not to be reached\n/);
    assert.isNull((await host.json("forecast")).earliestQuorumMs);
  });

  host.refuses([
    [["forecast", "--at", "soon"], /at: expected now, earliest-quorum, "in 500ms" or .*got "soon"/],
    [["forecast", "--at", "500ms"], /at: expected now, .*got "500ms"/],
    [["forecast", "--ready-by", "0.2"], /readyBy: expected a share from 0\.5 to 0\.999/],
    [["forecast", "--verb", "jump"], /verb: expected one of observe, orient, .*got "jump"/],
  ]);
});

describe("the words of an operation", () => {
  const cases: [words: string[], payload: unknown, verb: string][] = [
    [[], null, "sync"],
    [["act"], null, "act"],
    [["act", '{"add":', "1}"], { add: 1 }, "act"],
    [['{"add": 1}'], { add: 1 }, "sync"],
    [["market", "closed"], "market closed", "sync"],
    [["act now"], "act now", "sync"],
    [["Act", "now"], "Act now", "sync"],
    [["act", "now", "--verb", "observe"], "act now", "observe"],
    [["--verb", "record", "act"], "act", "record"],
    [["sync", "act"], "act", "sync"],
  ];
  for (const [words, payload, verb] of cases) {
    test(`cascade ${words.join(" ")} is ${JSON.stringify(payload)} to ${verb}`, async () => {
      const { code, calls } = await host.say("cascade", ...words);
      assert.equal(code, 0);
      const operation = JSON.stringify({ payload, verb });
      assert.deepEqual(calls, [`cascade ${operation} {"strategy":"wave"}`]);
    });
  }
});

describe("cascade and scatter", () => {
  test("hand on what was said, and nothing else", async () => {
    const words = "--ready-by 99% --quorum 0.9 --window 50ms --timeout 2s --select sector-1".split(
      " ",
    );
    const more = ["--at", "in 1s", "--no-hold", "--priority", "3", "--ttl", "4s"];
    const { calls } = await host.say("cascade", "--strategy", "parallel", ...words, ...more);
    await host.say("scatter", "observe", "--hold");
    assert.deepEqual(calls, [
      'cascade {"payload":null,"verb":"sync","at":"in 1s","readyBy":0.99,"hold":false,"priority":3,' +
        '"ttlMs":4000} {"select":"sector-1","quorum":0.9,"windowMs":50,"timeoutMs":2000,' +
        '"strategy":"parallel"}',
      `scatterGather {"payload":null,"verb":"observe","hold":true} {}`,
    ]);
  });

  test("one cascade for people", async () => {
    host.mesh.outcome = () => ({
      ready: 22,
      conflict: 1,
      transit: 1,
      failed: 1,
      skipped: 0,
      conflicts: [{ address: AGENT, detail: { type: "HASH_MISMATCH" } }],
    });
    const { code, out } = await host.say("cascade", "act", "--quorum", "0.9");
    assert.equal(code, 0);
    assert.match(out, /^READY act wave cascade to 24 agents\nready +22 \(91\.7%\)\nconflict +1\n/);
    assert.match(
      out,
      /transit +1, 1 failed\nskipped +0 of 24 selected\nquorum +after 45\.0ms\nelapsed +50\.0ms\n/,
    );
    assert.match(out, /READY − T +p50 4\.0ms, p90 21\.0ms, p99 43\.0ms; 99\.0% within 50ms\n/);
    assert.match(out, /acting − T +p50 0\.200ms, .*; 100\.0% within 50ms\n/);
    assert.match(out, /clusters +6 of 6 confirmed after 20\.0ms\n/);
    assert.match(
      out,
      /in conflict +sector-1\/cluster-1\/agent-1: HASH_MISMATCH\noperation +\S+\n$/,
    );
  });

  test("a missed quorum ends with 1, and says why and what to do", async () => {
    host.mesh.outcome = () => ({ ready: 12, transit: 12, status: "PARTIAL" });
    for (const command of ["cascade", "scatter"]) {
      const { code, out } = await host.say(command);
      assert.equal(code, 1);
      assert.match(out, /^quorum missed sync (wave )?(cascade|scatter) to 24 agents\n/);
      assert.match(out, /\nRETRY: too few agents are ready; retry with adjusted .*\n/);
    }
    host.mesh.outcome = (nth) => (nth % 2 === 0 ? { ready: 12, transit: 12 } : {});
    const some = await host.say("cascade", "--count", "4");
    assert.equal(some.code, 1);
    assert.match(some.out, /^quorum missed in 2 of 4 sync wave cascades, 96 agents in all\n/);
  });

  test("as JSON is one document with totals over the count and quantiles of whole operations", async () => {
    host.mesh.outcome = (nth) =>
      nth === 1
        ? { ready: 10, conflict: 2, transit: 8, skipped: 4, addressed: 20, status: "PARTIAL" }
        : {};
    const person = host.guest();
    assert.equal(
      await person.run("cascade", "sync", "--strategy", "wave", "--count", "4", "--json"),
      1,
    );
    const document = JSON.parse(person.out);
    assert.deepInclude(document, {
      command: "cascade",
      verb: "sync",
      strategy: "wave",
      count: 4,
      achieved: 3,
      status: "PARTIAL",
      selected: 96,
      addressed: 92,
      ready: 82,
      conflict: 2,
      transit: 8,
      skipped: 4,
      // 45, 55, 65 and 75 ms until the quorum.
      p50Ms: 55,
      p95Ms: 75,
      p99Ms: 75,
      elapsedMs: { p50: 60, p95: 80, p99: 80 },
      actWithin50: 1,
    });
    const page = await host.say("cascade", "--count", "2");
    assert.match(page.out, /^READY 2 sync wave cascades, 48 agents in all\n/);
    assert.match(page.out, /\nelapsed +p50 90\.0ms, p95 100ms, p99 100ms\n/);
    assert.deepEqual(document.arrivalErrorMs, { p50: 4, p90: 21, p99: 43 });
    assert.deepEqual(document.tiers.sectors, { expected: 12, reached: 12, elapsedMs: 10 });
    assert.deepInclude(document.quorum, { achieved: false, decision: "RETRY", readyCount: 10 });
  });

  test("a scatter has its own name and no tiers", async () => {
    const gathered = (await gatherOnly(host.mesh)) as Record<string, unknown>;
    assert.equal(gathered.command, "scatter");
    assert.notProperty(gathered, "tiers");
    assert.notProperty(gathered, "strategy");
  });

  test("errors are the medians over the count, and an operation without T says nothing of them", async () => {
    const summary = (p50: number, count: number) => ({
      count,
      p50,
      p90: 2 * p50,
      p99: 3 * p50,
      within50: count === 0 ? Number.NaN : p50 < 50 ? 1 : 0,
      withinWindow: 1,
    });
    const arrivals = [summary(10, 30), summary(Number.NaN, 0), summary(30, 10), summary(200, 10)];
    host.mesh.outcome = (nth) => ({ arrival: arrivals[nth] });
    const document = await host.json("cascade", "--count", "4");
    assert.deepEqual(document.arrivalErrorMs, { p50: 30, p90: 60, p99: 90 });
    assert.equal(document.arrivalWithin50, 0.8);
    host.mesh.outcome = () => ({ arrival: summary(Number.NaN, 0), acting: summary(Number.NaN, 0) });
    const now = await host.json("cascade", "--at", "now");
    assert.deepEqual(now.arrivalErrorMs, { p50: null, p90: null, p99: null });
    assert.notMatch((await host.say("cascade", "--at", "now")).out, /− T|waited for T/);
  });

  test("the phases of a priority-first cascade are told", async () => {
    host.mesh.outcome = () => ({
      phases: [
        {
          class: "CLASS_D_GPU",
          threshold: 0.98,
          result: { addressed: 10, ready: 9 } as never,
          degraded: true,
        },
      ],
    });
    const { out } = await host.say("cascade", "--strategy", "priority-first");
    assert.match(out, /CLASS_D_GPU +9 of 10 ready, 98\.0% wanted, degraded\n/);
  });

  test("Ctrl-C between two of many calls the rest off", async () => {
    let hang = (): void => {};
    const hangs = new Promise<void>((resolve) => (hang = resolve));
    host.mesh.outcome = (nth) => {
      if (nth < 2) return {};
      hang();
      return new Promise(() => {});
    };
    const guest = host.guest(true);
    const gone = guest.run("attach");
    await guest.hears(/mesh> /);
    guest.type("cascade --count 50");
    await hangs;
    guest.stdin.write("\u0003");
    await guest.hears(/error: cancelled/);
    guest.type(".exit");
    assert.equal(await gone, 0);
    assert.lengthOf(host.mesh.calls, 3);
  });

  host.refuses([
    [["cascade", "--strategy", "tree"], /strategy: expected one of wave, parallel, priority-first/],
    [["cascade", "--count", "0"], /count: expected a whole number from 1 to 100,000, got "0"/],
    [["cascade", "--hold", "--no-hold"], /cascade: expected --hold or --no-hold, got both/],
    [["scatter", "--strategy", "wave"], /scatter: unknown flag --strategy/],
    [["scatter", "--quorum", "most"], /quorum: expected a share from 0 to 1, .*got "most"/],
  ]);
});

async function gatherOnly(mesh: FakeMesh): Promise<unknown> {
  const { cascade } = mesh;
  mesh.scatterGather = async (operation, options) => {
    const { strategy, sectors, clusters, agents, phases, ...gathered } = await cascade.call(
      mesh,
      operation,
      options,
    );
    return gathered as never;
  };
  return host.json("scatter", "observe");
}

describe("progress", () => {
  test("is shown on a terminal and taken away, across the control socket too", async () => {
    const guest = host.guest(true);
    assert.equal(await guest.run("cascade", "--count", "2"), 0);
    assert.match(guest.talk, /\rcascade 1\/2: 12 of 24 agents READY; agents, 3 sectors heard/);
    assert.match(guest.talk, /\r$/);
    assert.notInclude(guest.out, "sectors heard");
  });

  test("is not written into files", async () => {
    assert.equal((await host.say("cascade")).talk, "");
  });
});
