// Several processes run one mesh over a real NATS server, on this machine; they are killed and stopped for real.
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { NatsServer } from "../bench/nats-server.ts";
import type { Answer, BroadcastResult, CascadeResult, MeshStatus } from "../index.ts";
import { until } from "./mesh.ts";
import { NodeProcess } from "./mesh-node.ts";

/** An agent of the node a, and one of b, once they have shared the sectors. */
let inA = "sector-1/cluster-1/agent-1";
let inB = "sector-4/cluster-2/agent-5";

type Counted = Answer<{ readonly total: number; readonly pid: number }>;

let server: NatsServer;
let a: NodeProcess;
let b: NodeProcess;
const all = new Set<NodeProcess>();

function start(name: string): NodeProcess {
  const node = new NodeProcess(name, server.url);
  all.add(node);
  return node;
}

beforeAll(async () => {
  server = await NatsServer.start();
  [a, b] = [start("a"), start("b")];
  await Promise.all([a.ready, b.ready]);
  if ((await a.do("hostOf", inA)) === "b") [inA, inB] = [inB, inA];
}, 30_000);

afterAll(async () => {
  await Promise.all([...all].map((node) => node.kill()));
  await server?.stop();
});

async function count(
  node: NodeProcess,
  address: string,
  add = 0,
): Promise<{ total: number; pid: number }> {
  const answer = await node.do<Counted>("ask", address, { add }, { timeoutMs: 8_000 });
  if (answer.state !== 1)
    throw new Error(`${address}: expected READY, got ${JSON.stringify(answer)}`);
  return answer.value;
}

async function sectorsOf(node: NodeProcess): Promise<Record<string, number>> {
  const { nodes } = await node.do<MeshStatus>("status");
  return Object.fromEntries(nodes?.nodes.map(({ name, sectors }) => [name, sectors]) ?? []);
}

/** An agent that `node` runs at this moment: on a machine that is slow sectors may have changed hands. */
async function agentOf(name: string): Promise<string> {
  return until<string>(`a sector of ${name}`, async () => {
    for (let sector = 1; sector <= 4; sector++)
      if ((await a.do("hostOf", `sector-${sector}`)) === name)
        return `sector-${sector}/cluster-2/agent-3`;
    return "";
  });
}

describe("two nodes", () => {
  test("share the sectors, and each answers for the agents of both", async () => {
    assert.deepEqual(await sectorsOf(a), { a: 2, b: 2 });
    const pids = new Set<number>();
    for (const node of [a, b])
      for (const address of [inA, inB]) pids.add((await count(node, address)).pid);
    assert.equal(pids.size, 2);
    assert.deepEqual(
      [await a.do("hostOf", inA), await b.do("hostOf", inA), await a.do("hostOf", inB)],
      ["a", "a", "b"],
    );
  });

  test("pass on what agents tell and ask each other, all of it", async () => {
    await Promise.all(Array.from({ length: 300 }, () => a.do("ask", inA, { tell: inB, add: 1 })));
    await until("all arrived", async () => (await count(b, inB)).total === 300);
    // Whoever sent them has them in custody until it hears that they are done.
    await until(
      "nothing is held",
      async () => (await a.do<MeshStatus>("status")).messages.inFlight === 0,
    );
    const asked = await b.do<Counted>("ask", inB, { ask: inA });
    assert.equal(asked.state === 1 && asked.value.pid, (await count(a, inA)).pid);
  });

  test("broadcast and cascade as one mesh", async () => {
    const all = await b.do<BroadcastResult>("broadcast", { add: 0 });
    assert.deepEqual([all.addressed, all.ready], [40, 40]);
    const operation = { payload: { add: 0 }, at: "in 1s" };
    const cascade = await a.do<CascadeResult>("cascade", operation, { strategy: "wave" });
    assert.deepEqual([cascade.ready, cascade.quorum.decision], [cascade.addressed, "PROCEED"]);
    assert.isAtLeast(cascade.ready, 30);
    const scatter = await b.do<CascadeResult>("scatter", operation);
    assert.deepEqual([scatter.ready, scatter.acting.count], [scatter.addressed, scatter.addressed]);
  });

  test("see and order each other's agents", async () => {
    const seen = await a.do<{ worker: string; state: { value: string } }>("inspect", inB);
    assert.equal(seen.worker, "node b");
    assert.match(seen.state.value, /total: 300/);
    assert.deepEqual(await a.do("restart", inB), { restarted: 1 });
    assert.equal((await count(a, inB)).total, 0);
    await until("b's agents in a's registry", async () => {
      const { agents, sectors } = await a.do<MeshStatus>("status");
      return agents.active === 40 && sectors.healthy === 4;
    });
    assert.lengthOf(await a.do<string[]>("best", "count", 40), 40);
  });

  test("carry on alone without the server, and catch up when it is back with nothing", async () => {
    const before = await count(b, inB);
    await server.kill(true);
    await until(
      "the outage is seen",
      async () => !(await a.do<MeshStatus>("status")).nodes?.connected,
    );
    assert.equal((await a.do<Counted>("ask", inA, { add: 1 })).state, 1);
    const receipts = await Promise.all(
      Array.from({ length: 50 }, () => a.do("tell", inB, { add: 1 })),
    );
    assert.deepEqual([...new Set(receipts)], ["accepted"]);
    await server.start();
    await until("all arrived", async () => (await count(b, inB)).total === before.total + 50);
    assert.deepEqual(await sectorsOf(a), { a: 2, b: 2 });
  });
});

describe("a node that is lost", () => {
  let lost = "";

  test("is replaced within its lease and what it had not finished is done by another", async () => {
    lost = await agentOf("b");
    b.signal("SIGSTOP");
    const receipts = await Promise.all(
      Array.from({ length: 50 }, () => a.do("tell", lost, { add: 1 })),
    );
    assert.deepEqual([...new Set(receipts)], ["accepted"]);
    await b.kill();
    const killedMs = performance.now();
    const { total } = await count(a, lost);
    assert.isBelow(performance.now() - killedMs, 5_000);
    assert.equal(total, 50);
    assert.deepEqual(await sectorsOf(a), { a: 4 });
    const { lost: unaccounted, messages } = await a.do<MeshStatus>("status");
    assert.deepEqual([unaccounted, messages.deadLettered], [0, 0]);
  });

  test("has its share again when it comes back, and states go where their agents go", async () => {
    b = start("b");
    await b.ready;
    await until("half of the sectors are b's", async () => (await sectorsOf(a)).b === 2);
    await agentOf("b");
    assert.equal((await count(a, lost)).total, 50);
  });

  test("that only slept learns that its sectors are another's, and says so", async () => {
    const address = await agentOf("b");
    const [sector] = address.split("/");
    b.signal("SIGSTOP");
    await until("a has all", async () => (await sectorsOf(a)).a === 4);
    const { pid } = await count(a, address, 7);
    b.signal("SIGCONT");
    await until("b has noticed", async () => {
      const incidents = await b.do<{ subject: string; error: string }[]>("incidents");
      return incidents.some(({ subject, error }) => subject === sector && /lease/.test(error));
    });
    await until("the sectors are shared again", async () => (await sectorsOf(b)).b === 2);
    // Whoever is asked, one and the same answers.
    await until("both know where it is", async () => {
      const [fromA, fromB] = await Promise.all([count(a, address), count(b, address)]);
      return fromA.pid === fromB.pid && pid > 0;
    });
  });

  test("that leaves in good order gives all to the other first", async () => {
    const address = await agentOf("b");
    const { total } = await count(a, address);
    await count(a, address, 11);
    await b.do("stop");
    assert.equal(await b.exited, 0);
    assert.equal((await count(a, address)).total, total + 11, "its state went with it");
    const { ready, addressed, out } = await a.do<CascadeResult & { out: unknown }>(
      "scatterNow",
      {},
    );
    assert.equal(JSON.stringify(out), "[]");
    assert.equal(ready, addressed);
    // An agent whose latency has leapt, as on a machine that is slow for a moment, is gone around for a while.
    assert.isAtLeast(ready, 30);
    assert.deepEqual(await sectorsOf(a), { a: 4 });
    assert.equal((await a.do<MeshStatus>("status")).lost, 0);
  });
});

describe("joining", () => {
  test("under the name of a node that is alive is refused", async () => {
    const twin = start("a");
    const failed = await twin.ready.then(
      () => "ready",
      (error: Error) => error.message,
    );
    assert.match(failed, /expected a name that no other node has, got a/);
    assert.equal((await sectorsOf(a)).a, 4);
  });
});
