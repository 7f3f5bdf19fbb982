// ask, broadcast, delegate, pipeline, kpis and route, as people and as scripts see them.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";

const AGENT = "sector-1/cluster-1/agent-1";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

describe("ask of a sample", () => {
  test("prints groups as the specification has them", async () => {
    const agents = [AGENT];
    host.mesh.groups = [
      { count: 7, outcome: { state: 1, value: "a1b2c3d4".repeat(8) }, agents },
      { count: 2, outcome: { state: 1, value: "e5f6g7h8" }, agents },
      { count: 1, outcome: { state: -1, conflict: { type: "CONTEXT_DIVERGENCE" } }, agents },
    ];
    const question = "What's your current context hash?";
    const { code, out, calls } = await host.say("ask", "--sample", "10", question);
    assert.equal(code, 0);
    assert.equal(
      out,
      "10 responses:\n" +
        "- 7 agents: a1b2c3d4...\n" +
        "- 2 agents: e5f6g7h8\n" +
        "- 1 agent: CONFLICT (context divergence detected)\n",
    );
    assert.deepEqual(calls, [`ask {"sample":10} "${question}" {}`]);
  });

  test("says what did not come, and cannot be steered by what did", async () => {
    host.mesh.groups = [
      { count: 2, outcome: { state: 1, value: { note: "\u001b[2Ja\nb" } }, agents: [] },
      { count: 1, outcome: { state: 1, value: undefined }, agents: [] },
      { count: 1, outcome: { state: 1, value: "long ".repeat(40) }, agents: [] },
      { count: 1, outcome: { state: 0, waitedMs: 2_000 }, agents: [] },
      { count: 1, outcome: { error: "boom" }, agents: [] },
    ];
    const { out } = await host.say("ask", "--select", "sector-2", "--sample", "9", "x");
    assert.match(out, /^6 of 9 responses:\n- 2 agents: \{"note":"\\u001b\[2Ja\\nb"\}\n/);
    assert.match(out, /\n- 1 agent: READY\n- 1 agent: (long ){16}\.\.\.\n/);
    assert.match(out, /\n- 1 agent: TRANSIT \(no answer in 2\.0s\)\n- 1 agent: FAILED \(boom\)\n$/);
  });

  test("of a capability draws a hundred, as the mesh has it", async () => {
    const { calls } = await host.say("ask", "--capability", "count", "--timeout", "2s", '{"a":1}');
    assert.deepEqual(calls, ['ask {"capability":"count"} {"a":1} {"timeoutMs":2000}']);
  });

  test("ends with 1 when nobody answered", async () => {
    const { code, out } = await host.say("ask", "--sample", "5", "x");
    assert.equal(code, 1);
    assert.equal(out, "0 of 5 responses\n");
  });

  test("is the plain ask with an address", async () => {
    const { code, out, calls } = await host.say("ask", AGENT, "hello", "--timeout", "1s");
    assert.equal(code, 0);
    assert.match(out, /^READY \{\n {2}"echo": "hello"/);
    assert.deepEqual(calls, [`ask ${AGENT} "hello" {"timeoutMs":1000}`]);
  });

  test("as JSON has the agents of each group", async () => {
    host.mesh.groups = [{ count: 1, outcome: { state: 1, value: 5 }, agents: [AGENT] }];
    assert.deepEqual(await host.json("ask", "--sample", "1", "x"), {
      asked: 1,
      responses: 1,
      groups: host.mesh.groups,
    });
  });

  host.refuses([
    [["ask"], /ask: <address> is missing/],
    [["ask", AGENT], /ask: <message> is missing/],
    [["ask", "--sample", "3"], /ask: <message> is missing/],
    [["ask", "--sample", "0", "x"], /ask: sample: expected a whole number from 1 .*got "0"/],
  ]);
});

describe("broadcast", () => {
  test("prints what the specification prints, and is of high priority", async () => {
    host.mesh.broadcasted = { addressed: 29_847, ready: 29_831, conflict: 0, transit: 16 };
    const { code, out, calls } = await host.say(
      "broadcast",
      "Context update: Market closed early today",
    );
    assert.equal(code, 0);
    assert.equal(out, "Broadcast complete: 29,847 received, 29,831 acknowledged\n");
    const [call] = calls;
    assert.equal(call, 'broadcast "Context update: Market closed early today" {"priority":2}');
  });

  test("a conflict is an acknowledgement, and is told", async () => {
    host.mesh.broadcasted = { ready: 20, conflict: 4 };
    const { code, out } = await host.say(
      "broadcast",
      "x",
      "--select",
      "sector-1",
      "--priority",
      "1",
    );
    assert.equal(code, 0);
    assert.equal(out, "Broadcast complete: 24 received, 24 acknowledged\n4 of them in CONFLICT\n");
    assert.deepEqual(host.mesh.calls, ['broadcast "x" {"priority":1,"select":"sector-1"}']);
  });

  test("ends with 1 when too few acknowledge it", async () => {
    host.mesh.broadcasted = { ready: 20, transit: 4 };
    const { code, out } = await host.say("broadcast", "x");
    assert.equal(code, 1);
    assert.match(out, /\nquorum missed: 95\.0% of the agents were to acknowledge\n/);
    assert.equal((await host.say("broadcast", "x", "--quorum", "80%")).code, 0);
    host.mesh.broadcasted = { addressed: 0, ready: 0 };
    assert.equal((await host.say("broadcast", "x", "--quorum", "0")).code, 1);
  });

  test("as JSON has every count", async () => {
    const document = await host.json("broadcast", "x");
    assert.deepInclude(document, { received: 24, acknowledged: 24, achieved: true, transit: 0 });
  });

  host.refuses([
    [["broadcast"], /broadcast: <message> is missing/],
    [["broadcast", "x", "--quorum", "1.5"], /quorum: expected a share from 0 to 1.*got "1\.5"/],
    [["broadcast", "x", "--timeout", "5"], /timeout: expected a duration .*got "5"/],
  ]);
});

describe("delegate", () => {
  test("prints what the specification prints, and the result", async () => {
    const task = "Analyze Q3 financial data";
    const { code, out, calls } = await host.say(
      ...["delegate", task, "--to", "CLASS_D_GPU", "--timeout", "60s", "--requires", "a, b"],
    );
    assert.equal(code, 0);
    assert.equal(
      out,
      "Delegated to agent sector-3/cluster-2/agent-4\nResult ready in 34.2 seconds\n" +
        `{\n  "done": "${task}"\n}\n`,
    );
    assert.deepEqual(calls, [
      `delegate "${task}" {"to":"CLASS_D_GPU","requiresCapabilities":["a","b"],"timeoutMs":60000}`,
    ]);
  });

  test("names those who were tried before or besides", async () => {
    host.mesh.delegated = { tried: [AGENT, "sector-3/cluster-2/agent-4"], elapsedMs: 12 };
    const { out } = await host.say("delegate", "x", "--idempotent");
    assert.match(out, /\nAfter sector-1\/cluster-1\/agent-1\nResult ready in 0\.012 seconds\n/);
    host.mesh.delegated = { ...host.mesh.delegated, hedged: true };
    assert.match(
      (await host.say("delegate", "x")).out,
      /\nIn competition with sector-1\/cluster-1/,
    );
  });

  test("without a result in time ends with 1; a conflict is an answer", async () => {
    host.mesh.delegated = { answer: { state: 0, waitedMs: 300_000 }, elapsedMs: 300_000 };
    const late = await host.say("delegate", "x");
    assert.equal(late.code, 1);
    assert.match(late.out, /\nTRANSIT: no result in 300\.0 seconds\n$/);
    host.mesh.delegated = { answer: { state: -1, conflict: { type: "TEMPORAL_PARADOX" } } };
    const torn = await host.say("delegate", "x");
    assert.equal(torn.code, 0);
    assert.match(torn.out, /\nCONFLICT after 34\.2 seconds\n[\s\S]*TEMPORAL_PARADOX/);
  });

  test("as JSON is the result", async () => {
    assert.deepInclude(await host.json("delegate", "x"), { elapsedMs: 34_200, hedged: false });
  });

  host.refuses([
    [["delegate"], /delegate: <task> is missing/],
    [
      ["delegate", "x", "--requires", "a,,b"],
      /requires: expected capabilities, separated by commas/,
    ],
    [["delegate", "x", "--timeout", "0s"], /timeout: expected a duration .*got "0s"/],
  ]);
});

describe("pipeline", () => {
  test("shows each stage and the answer of the last", async () => {
    const { code, out, calls } = await host.say("pipeline", "decode,rank", '{"id":', "7}");
    assert.equal(code, 0);
    assert.match(out, /^STAGE +AGENT +STATE +ELAPSED\n +1 +sector-1\S+ +READY +10\.0ms\n/);
    assert.match(out, /\nREADY \{\n {2}"id": 7\n\} \(31ms\)\n$/);
    assert.deepEqual(calls, ['pipeline {"id":7} ["decode","rank"] {}']);
    assert.lengthOf((await host.json("pipeline", "a,b,c", "x")).stages as unknown[], 3);
  });

  test("that a stage holds up ends with 1", async () => {
    host.mesh.piped = {
      answer: { state: 0, waitedMs: 5_000 },
      stages: [
        { agent: AGENT, state: 1, elapsedMs: 1 },
        { agent: AGENT, state: 0, elapsedMs: 4_999 },
      ],
    };
    const { code, out } = await host.say("pipeline", "decode,rank", "x");
    assert.equal(code, 1);
    assert.match(out, /2 +sector-1\S+ +TRANSIT +4,999ms\nTRANSIT no answer came in 5\.0s\n$/);
  });

  host.refuses([
    [["pipeline"], /pipeline: <stages> is missing/],
    [["pipeline", "decode,rank"], /pipeline: <message> is missing/],
    [["pipeline", "decode,", "x"], /stages: expected stages, separated by commas/],
  ]);
});

describe("kpis", () => {
  test("are shown against their targets", async () => {
    const { code, out } = await host.say("kpis");
    assert.equal(code, 0);
    assert.match(out, /^INDICATOR +VALUE +TARGET +MET +MEASURED\n/);
    assert.match(out, /coordination success rate +99\.50% +≥ 99% +yes +200\n/);
    assert.match(out, /arrival window hit rate +90\.00% +≥ 95% +no +2,000\n/);
    assert.match(out, /impedance prediction accuracy +90\.00% +≥ 90% +yes +2,000\n/);
    assert.match(out, /conflict rate +0\.20% +≤ 1% +yes +2,000\n/);
    assert.match(out, /mesh availability +100\.00% +≥ 99\.9% +yes +200ms\n/);
    assert.match(out, /cascade latency p95 +12\.\dms +≤ 1\.0s +yes +200\n/);
    assert.match(out, /recovery time +– +≤ \d+m 0s +– +0\n/);
  });

  test("by hour, day and operation have a row for each, and red where a target was missed", async () => {
    const rate = (value: number | undefined) =>
      ({ value, target: 0.99, sense: "at-least", unit: "share", count: 3 }) as const;
    const history = {
      coordinationSuccessRate: rate(0.5),
      hourly: [
        { fromMs: 1_699_999_200_000, coordinationSuccessRate: rate(1) },
        { fromMs: 1_700_002_800_000, coordinationSuccessRate: rate(undefined) },
      ],
      operations: [
        { kind: "cascade", endedMs: 1_700_000_001_000, coordinationSuccessRate: rate(0) },
      ],
    };
    host.mesh.kpis = () => history as never;
    const hourly = await host.say("kpis", "--by", "hour");
    assert.equal(
      hourly.out,
      "FROM                 COORDINATION SUCCESS RATE\n" +
        "2023-11-14 22:00:00                    100.00%\n" +
        "2023-11-14 23:00:00                          –\n",
    );
    const person = host.guest(true);
    await person.run("kpis", "--by", "operation");
    assert.match(person.out, /2023-11-14 22:13:21 {2}cascade /);
    assert.include(person.out, "\u001b[31m0.00%");
    const daily = await host.say("kpis", "--by", "day");
    assert.equal(daily.out, "nothing has been measured yet\n");
    assert.lengthOf((await host.json("kpis")).hourly as unknown[], 2);
  });

  test("as JSON have null for what was never measured", async () => {
    const { recoveryTime } = await host.json("kpis");
    assert.deepInclude(recoveryTime, { count: 0 });
    assert.notExists((recoveryTime as { value?: unknown }).value);
  });

  host.refuses([
    [["kpis", "all"], /kpis: too many arguments: "all"/],
    [["kpis", "--by", "year"], /by: expected one of hour, day, operation, got "year"/],
  ]);
});

describe("route", () => {
  test("avoids, lists and allows again", async () => {
    const reason = "impedance 847ms";
    const avoided = await host.say(
      "route",
      "avoid",
      AGENT,
      "--capability",
      "count",
      "--reason",
      reason,
    );
    assert.equal(avoided.code, 0);
    assert.equal(avoided.out, `Routing updated. Traffic for count now avoids ${AGENT}\n`);
    const list = await host.say("route");
    assert.match(list.out, /^AVOIDED +CAPABILITY +SINCE +REASON\n/);
    assert.match(list.out, /agent-1 +count +22:13:20\.000Z +impedance 847ms\n$/);
    const allowed = await host.say("route", "allow", AGENT);
    assert.equal(allowed.code, 0);
    assert.equal(allowed.out, `Routing updated. Traffic reaches ${AGENT} again\n`);
    assert.deepEqual(host.mesh.calls, [
      `avoid ${AGENT} count ${reason}`,
      `allow ${AGENT} undefined`,
    ]);
  });

  test("allowing what was not avoided ends with 1", async () => {
    const { code, out } = await host.say("route", "allow", "CLASS_E_LOCAL");
    assert.equal(code, 1);
    assert.equal(out, "CLASS_E_LOCAL was not avoided\n");
  });

  test("says that nothing is avoided", async () => {
    assert.equal((await host.say("route", "list")).out, "nothing is avoided\n");
    assert.deepEqual(await host.json("route"), { routes: [] });
  });

  host.refuses([
    [["route", "avoid"], /route: avoid needs a <target>/],
    [["route", "list", AGENT], /route: list takes nothing more, got "sector-1/],
    [["route", "allow", AGENT, "--reason", "x"], /route: a reason goes with avoid only/],
    [["route", "around", AGENT], /action: expected one of list, avoid, allow, got "around"/],
  ]);
});
