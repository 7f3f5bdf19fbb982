import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  completeSupervision,
  type ExitReason,
  type RestartStrategy,
  type RestartType,
  type SupervisionOptions,
} from "./restart.ts";
import { type ChildSpec, Supervisor } from "./supervisor.ts";

const noJitter = { next: () => 0 };

function supervisorOf(types: readonly RestartType[], options: SupervisionOptions = {}): Supervisor {
  const children: ChildSpec[] = types.map((restart, index) => ({
    name: `child-${index}`,
    restart,
  }));
  const supervisor = new Supervisor(children, completeSupervision(options), noJitter);
  supervisor.start();
  return supervisor;
}

const four: readonly RestartType[] = ["permanent", "permanent", "permanent", "permanent"];

describe("a supervisor", () => {
  test("starts left to right and stops in reverse", () => {
    const supervisor = supervisorOf(four);
    expect(supervisor.stop()).toEqual([3, 2, 1, 0]);
    expect(supervisor.stop()).toEqual([]);
    expect(supervisor.start()).toEqual([0, 1, 2, 3]);
    expect(supervisor.start()).toEqual([]);
  });

  test("restarts one for one at once the first time, then after a growing wait", () => {
    const supervisor = supervisorOf(four);
    const decisions = [0, 1, 2].map((nowMs) => supervisor.decide(1, "failed", nowMs));
    expect(decisions.map((decision) => decision.delayMs)).toEqual([0, 100, 200]);
    expect(decisions[0]).toEqual({ action: "restart", children: [1], stopFirst: [], delayMs: 0 });
  });

  test("restarts one for all: stops the others in reverse, starts all in order", () => {
    const decision = supervisorOf(four, { strategy: "one-for-all" }).decide(1, "failed", 0);
    expect(decision.stopFirst).toEqual([3, 2, 0]);
    expect(decision.children).toEqual([0, 1, 2, 3]);
  });

  test("restarts the rest for one: those started after the failed one, and it", () => {
    const decision = supervisorOf(four, { strategy: "rest-for-one" }).decide(1, "failed", 0);
    expect(decision.stopFirst).toEqual([3, 2]);
    expect(decision.children).toEqual([1, 2, 3]);
  });

  test("brings back neither the finished nor the temporary nor the quarantined with another", () => {
    const types: RestartType[] = ["permanent", "transient", "temporary", "permanent", "permanent"];
    const supervisor = supervisorOf(types, { strategy: "one-for-all" });
    supervisor.decide(1, "normal", 0);
    supervisor.quarantine(4);
    const decision = supervisor.decide(0, "failed", 1);
    expect(decision.stopFirst).toEqual([3, 2]);
    expect(decision.children).toEqual([0, 3]);
  });

  test("leaves a transient child that has finished, and any temporary one", () => {
    const supervisor = supervisorOf(["transient", "temporary", "permanent"]);
    expect(supervisor.decide(0, "normal", 0).action).toBe("stop");
    expect(supervisor.decide(1, "failed", 0).action).toBe("stop");
    expect(supervisor.decide(2, "normal", 0).action).toBe("restart");
  });

  test("quarantines a child that fails too often, and none of its siblings", () => {
    const supervisor = supervisorOf(four, { intensity: { maxRestarts: 2, withinMs: 1_000 } });
    for (const child of [0, 2, 3]) supervisor.decide(child, "failed", 0);
    supervisor.decide(1, "failed", 0);
    supervisor.decide(1, "failed", 1);
    expect(supervisor.decide(1, "failed", 2)).toEqual({
      action: "quarantine",
      children: [1],
      stopFirst: [],
      delayMs: 0,
    });
    expect(supervisor.decide(0, "failed", 3).action).toBe("restart");
  });

  test("never gives up on a child whose failures are far enough apart", () => {
    const supervisor = supervisorOf(four, { intensity: { maxRestarts: 1, withinMs: 1_000 } });
    for (let failure = 0; failure < 100; failure++) {
      const decision = supervisor.decide(1, "failed", failure * 1_000);
      expect([decision.action, decision.delayMs]).toEqual(["restart", 0]);
    }
  });

  test("escalates instead of quarantining where it was told to", () => {
    const supervisor = supervisorOf(four, {
      whenExceeded: "escalate",
      intensity: { maxRestarts: 0 },
    });
    expect(supervisor.decide(2, "failed", 0).action).toBe("escalate");
    expect(supervisor.stop()).toEqual([3, 1, 0]);
  });

  test("stops those who depend on a child that goes into quarantine", () => {
    const supervisor = supervisorOf(four, {
      strategy: "rest-for-one",
      intensity: { maxRestarts: 0 },
    });
    const decision = supervisor.decide(1, "failed", 0);
    expect([decision.action, decision.stopFirst]).toEqual(["quarantine", [3, 2]]);
    expect(supervisor.release(1)).toBe(true);
    expect(supervisor.start()).toEqual([2, 3]);
  });

  test("lets a child out of quarantine with a clean record", () => {
    const supervisor = supervisorOf(four, { intensity: { maxRestarts: 1 } });
    supervisor.decide(0, "failed", 0);
    expect(supervisor.decide(0, "failed", 0).action).toBe("quarantine");
    expect(supervisor.release(0)).toBe(true);
    expect(supervisor.release(0)).toBe(false);
    expect(supervisor.decide(0, "failed", 0).action).toBe("restart");
  });

  test("does nothing about the end of a child that it had stopped itself", () => {
    const supervisor = supervisorOf(four);
    supervisor.stop();
    expect(supervisor.decide(1, "shutdown", 0).children).toEqual([]);
    expect(() => supervisor.decide(4, "failed", 0)).toThrow(
      "child: expected a position from 0 to 3",
    );
  });

  test("keeps every decision in order and every child in one place, whatever happens", () => {
    const event = fc.record({
      child: fc.integer({ min: 0, max: 5 }),
      reason: fc.constantFrom<ExitReason>("normal", "shutdown", "failed"),
      afterMs: fc.integer({ min: 0, max: 20_000 }),
    });
    const strategy = fc.constantFrom<RestartStrategy>("one-for-one", "one-for-all", "rest-for-one");
    const type = fc.constantFrom<RestartType>("permanent", "transient", "temporary");
    const types = fc.array(type, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(types, strategy, fc.array(event), (kinds, chosen, events) => {
        const supervisor = supervisorOf(kinds, { strategy: chosen });
        const running = new Set([0, 1, 2, 3, 4, 5]);
        let nowMs = 0;
        for (const { child, reason, afterMs } of events) {
          nowMs += afterMs;
          const decision = supervisor.decide(child, reason, nowMs);
          if (!running.has(child)) {
            expect(decision.children).toEqual([]);
            continue;
          }
          running.delete(child);
          for (const sibling of decision.stopFirst) expect(running.delete(sibling)).toBe(true);
          expect(decision.stopFirst).toEqual([...decision.stopFirst].sort((a, b) => b - a));
          expect(decision.children).toEqual([...decision.children].sort((a, b) => a - b));
          if (decision.action !== "restart") continue;
          for (const started of decision.children) running.add(started);
        }
        expect(supervisor.stop()).toEqual([...running].sort((a, b) => b - a));
      }),
    );
  });
});
