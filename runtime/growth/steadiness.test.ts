import { beforeEach, expect, test } from "vitest";
import { ACTIVE, QUARANTINED, STARTING } from "../../coordination/agent-state.ts";
import {
  createRegistry,
  FLAG_DEGRADED,
  type Registry,
  registryBytes,
} from "../../coordination/registry.ts";
import { Steadiness } from "./steadiness.ts";

let registry: Registry;
let nowMs: number;
beforeEach(() => {
  registry = createRegistry(new ArrayBuffer(registryBytes(4)), 4);
  nowMs = 0;
});

/** A heartbeat of agent 0 with this score. */
function beat(score: number, flags = 0): void {
  registry.state[0] = ACTIVE;
  registry.lastHeartbeatMs[0] = ++nowMs;
  registry.score[0] = score;
  registry.flags[0] = flags;
}

/** Heartbeats until it is steady, in order; −1 when they do not make it so. */
function steadyAfter(scores: readonly (readonly [score: number, flags?: number])[]): number {
  const steadiness = new Steadiness(registry, [0], 3);
  for (const [i, [score, flags]] of scores.entries()) {
    beat(score, flags);
    steadiness.look();
    // What was seen is not seen again.
    steadiness.look();
    if (steadiness.steady.includes(0)) return i + 1;
  }
  return -1;
}

test("an agent is steady after so many heartbeats on end of about the same score", () => {
  expect(steadyAfter([[100], [104], [98]])).toBe(3);
  expect(steadyAfter([[2], [5], [7]])).toBe(3);
});

test("a score that moves, an agent that is slow, one that is away begin again", () => {
  expect(steadyAfter([[100], [100], [150], [150], [150]])).toBe(5);
  expect(steadyAfter([[100], [100], [100, FLAG_DEGRADED], [100], [100], [100]])).toBe(6);
  expect(steadyAfter([[100], [200], [400], [800]])).toBe(-1);

  const steadiness = new Steadiness(registry, [0], 2);
  beat(10);
  steadiness.look();
  registry.state[0] = STARTING;
  steadiness.look();
  beat(10);
  steadiness.look();
  expect(steadiness.steady).toEqual([]);
  beat(10);
  steadiness.look();
  expect(steadiness.steady).toEqual([0]);
});

test("a heartbeat from before does not count, and who is over is not waited for", () => {
  beat(10);
  const steadiness = new Steadiness(registry, [0, 1], 1);
  registry.state[1] = QUARANTINED;
  steadiness.look();
  expect([...steadiness.over.keys()]).toEqual([1]);
  expect([...steadiness.undecided]).toEqual([[0, "was stable for 0 of 1 heartbeats"]]);
});
