// What waits when a lane is full: two threads' dispatchers in one, so that main can be as slow as it takes.
import { expect, test } from "vitest";
import { STOPPED } from "../../coordination/agent-state.ts";
import { CONTROL_EPOCH } from "../../mailbox/layout.ts";
import { DEFAULT_BOUNDS } from "../../mailbox/overflow.ts";
import { planThreads } from "../../test/two-threads.ts";
import { seededRandom } from "../machine/clock.ts";
import { viewMemory } from "../plan/memory.ts";
import { Dispatcher, type MainSink } from "./dispatcher.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Main and one shard, neither of which runs but by `cycle`. */
function twoThreads(sink: Partial<MainSink> = {}): { main: Dispatcher; shard: Dispatcher } {
  const options = { sectors: 1, clustersPerSector: 1, agentsPerCluster: 4, spawnCapacity: 0 };
  const plan = planThreads(options, 1, 1024 * 1024);
  let nowMs = 0;
  const dispatcherOf = (thread: number): Dispatcher => {
    const view = viewMemory(plan, thread, 1);
    view.control[CONTROL_EPOCH] = 1;
    return new Dispatcher(plan, view, {
      clock: { nowMs: () => ++nowMs },
      random: seededRandom(1),
      log: silent,
      sink: {
        onReport() {},
        onResponse() {},
        onIncidents() {},
        onDeadLetter() {},
        onConflict() {},
        ...sink,
      },
    });
  };
  return { main: dispatcherOf(0), shard: dispatcherOf(1) };
}

/** Cycles both until the shard has nothing left that waits. */
function runOut(main: Dispatcher, shard: Dispatcher): void {
  for (let i = 0; i < 100_000 && (shard.outbox.waiting > 0 || main.busy); i++) {
    shard.cycle();
    main.cycle();
  }
  expect(shard.outbox.waiting).toBe(0);
}

test("incidents that find no room all come, in their order, however many wait", () => {
  const heard: unknown[] = [];
  const { main, shard } = twoThreads({ onIncidents: (values) => heard.push(...values) });
  const count = 100_000;
  for (let id = 0; id < count; id++) shard.outbox.incidents([id]);
  expect(shard.outbox.waiting).toBeGreaterThan(65_536);
  runOut(main, shard);
  expect(heard).toEqual([...Array(count).keys()]);
});

test("each of more answers than may wait is answered: with its value, or with why not", async () => {
  const { main, shard } = twoThreads();
  const { orchestrator } = main.view.topology;
  const value = "x".repeat(60_000);
  const asked = Array.from({ length: 1300 }, () => {
    return new Promise((resolve, reject) => {
      const id = main.asks.open(-1, -1, 0, 0, resolve, reject);
      shard.outbox.sendAnswer(0, orchestrator, id, value, 2 << 2, 0);
    }).then(
      (answer) => ((answer as { value: string }).value === value ? "answered" : "wrong"),
      (error) => (error as { code: string }).code,
    );
  });
  runOut(main, shard);
  const outcomes = await Promise.all(asked);
  const answered = outcomes.filter((outcome) => outcome === "answered").length;
  const refused = outcomes.filter((outcome) => outcome === "MESH_UNDELIVERABLE").length;
  expect(answered + refused).toBe(1300);
  // What waits takes at most 64 MiB.
  expect(answered).toBeGreaterThan(1100);
  expect(refused).toBeGreaterThan(100);
});

test("an answer does not wait behind a message to the same agent whose mailbox is full", async () => {
  const { main, shard } = twoThreads();
  const agent = 0;
  // Of one that is over, what arrives is buried: the lane runs empty.
  main.view.registry.state[agent] = STOPPED;
  for (let id = 0; id < 100_000 && main.outbox.waiting === 0; id++) {
    main.outbox.tell(main.view.topology.orchestrator, agent, id, undefined, undefined);
  }
  main.view.registry.queueDepth[agent] = DEFAULT_BOUNDS.maxMessages;
  let answered: unknown;
  const id = shard.asks.open(
    agent,
    -1,
    0,
    0,
    (answer) => (answered = answer),
    () => {},
  );
  main.outbox.sendAnswer(agent + 1, agent, id, "at last", 2 << 2, 0);
  expect(main.outbox.waiting).toBe(2);
  for (let i = 0; i < 10_000 && answered === undefined; i++) {
    main.cycle();
    shard.cycle();
    main.view.registry.queueDepth[agent] = DEFAULT_BOUNDS.maxMessages;
  }
  expect(answered).toEqual({ state: 1, value: "at last" });
  expect(main.outbox.waiting).toBe(1);
});
