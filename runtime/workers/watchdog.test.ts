import { expect, test } from "vitest";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_CURRENT,
  CONTROL_CYCLES,
  CONTROL_SINCE_F64,
  CONTROL_STATE,
  CONTROL_TURNS,
  ThreadState,
} from "../../mailbox/layout.ts";
import { planThreads } from "../../test/two-threads.ts";
import { type Hang, Watchdog } from "./watchdog.ts";

/** Not a whole number of looks: from when it is counted then makes a look of difference. */
const LIMIT_MS = 1_020;
const EVERY_MS = 50;
const options = { sectors: 1, clustersPerSector: 1, agentsPerCluster: 4, spawnCapacity: 0 };

/** A thread that runs, and a watchdog that looks when the clock is moved. */
function watched(): {
  control: Int32Array;
  since: Float64Array;
  hangs: Hang[];
  to: (ms: number) => void;
} {
  const plan = planThreads(options, 1, 64 * 1024);
  const control = controlOf(plan.memory.control, 1);
  const doubles = controlDoublesOf(plan.memory.control, 1);
  const hangs: Hang[] = [];
  let nowMs = 0;
  const dog = new Watchdog(plan, { nowMs: () => nowMs }, LIMIT_MS, (hang) => hangs.push(hang));
  control[CONTROL_STATE] = ThreadState.RUNNING;
  const to = (ms: number): void => {
    for (; nowMs + EVERY_MS <= ms; dog.look()) nowMs += EVERY_MS;
  };
  return { control, since: doubles, hangs, to };
}

/** As a thread says that it begins a turn of agent 2. */
function begin(control: Int32Array, since: Float64Array, atMs: number): void {
  control[CONTROL_TURNS]++;
  control[CONTROL_CURRENT] = 3;
  since[CONTROL_SINCE_F64] = atMs;
}

test("a turn that never ends is named at the first look after its limit, counted from its beginning", () => {
  const { control, since, hangs, to } = watched();
  to(500);
  // A moment after a look: the next one sees it, and must not count from there.
  begin(control, since, 501);
  to(501 + LIMIT_MS - 1);
  expect(hangs).toEqual([]);
  to(501 + LIMIT_MS + EVERY_MS - 1);
  expect(hangs).toMatchObject([{ thread: 1, agent: 2, certain: true, sinceMs: 501 }]);
});

test("what stands in the word of an earlier turn says nothing of one that has none", () => {
  const { control, since, hangs, to } = watched();
  begin(control, since, 10);
  to(100);
  control[CONTROL_CURRENT] = 0;
  // Long after it the thread moves once more, and fails an agent whose turn was suspended.
  to(900);
  control[CONTROL_CYCLES]++;
  control[CONTROL_CURRENT] = 2;
  to(900 + LIMIT_MS - EVERY_MS);
  expect(hangs).toEqual([]);
  to(900 + LIMIT_MS + 2 * EVERY_MS);
  expect(hangs).toHaveLength(1);
});

test("a thread that moves is left alone, whatever it does", () => {
  const { control, since, hangs, to } = watched();
  for (let atMs = 0; atMs < 3 * LIMIT_MS; atMs += EVERY_MS) {
    if (atMs % 200 === 0) begin(control, since, atMs);
    else control[CONTROL_CYCLES]++;
    to(atMs + EVERY_MS);
  }
  expect(hangs).toEqual([]);
});
