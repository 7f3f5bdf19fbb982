import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ACTIVE, DEGRADED, OFFLINE, QUARANTINED, STARTING } from "./agent-state.ts";
import { computeScore, heartbeat, heartbeatRange } from "./heartbeat.ts";
import { seedProfile } from "./profile.ts";
import {
  createRegistry,
  FLAG_DEGRADED,
  FLAG_LATENCY_MEASURED,
  FLAG_SPIKING,
  FLAG_UNSTABLE,
  type Registry,
  registryBytes,
} from "./registry.ts";

const ROWS = 8;
let registry: Registry;

beforeEach(() => {
  registry = createRegistry(new ArrayBuffer(registryBytes(ROWS)), ROWS);
  for (let row = 0; row < ROWS; row++) {
    seedProfile(registry, row, 0);
    registry.state[row] = ACTIVE;
    registry.latencyMs[row] = 100;
    registry.latencySpreadMs[row] = 10;
    registry.processingMs[row] = 50;
  }
});

describe("the impedance score", () => {
  test("is latency, waiting and processing of a reliable machine in ms", () => {
    expect(computeScore(registry, 0)).toBe(150);
    registry.queueDepth[0] = 4;
    expect(computeScore(registry, 0)).toBe(350);
    registry.queuedWorkMs[0] = 25;
    expect(computeScore(registry, 0)).toBe(175);
  });

  test("counts a human's hours where it counts a machine's milliseconds", () => {
    registry.class[0] = 5;
    registry.latencyMs[0] = 1_800_000;
    registry.processingMs[0] = 1_800_000;
    expect(computeScore(registry, 0)).toBeCloseTo(800, 6);
  });

  test("is never lowered by a failure, and stays within 0 and 1000", () => {
    const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const depth = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(ms, ms, depth, share, share, (latency, processing, queued, one, other) => {
        registry.latencyMs[0] = latency;
        registry.processingMs[0] = processing;
        registry.queueDepth[0] = queued;
        registry.reliability[0] = Math.max(one, other);
        const reliable = computeScore(registry, 0);
        registry.reliability[0] = Math.min(one, other);
        const unreliable = computeScore(registry, 0);
        expect(unreliable).toBeGreaterThanOrEqual(reliable);
        expect(reliable).toBeGreaterThanOrEqual(0);
        expect(unreliable).toBeLessThanOrEqual(1_000);
      }),
    );
  });

  test("of an agent that fails at once is worse than that of one that works slowly", () => {
    registry.latencyMs[0] = 0.1;
    registry.processingMs[0] = 0.1;
    registry.reliability[0] = 0.05;
    registry.latencyMs[1] = 500;
    registry.processingMs[1] = 300;
    expect(computeScore(registry, 0)).toBeGreaterThan(computeScore(registry, 1));
  });

  test("of a row that nobody has seeded is the worst", () => {
    const empty = createRegistry(new ArrayBuffer(registryBytes(1)), 1);
    expect(computeScore(empty, 0)).toBe(1_000);
  });
});

describe("a heartbeat", () => {
  test("writes score, drift and its time", () => {
    expect(heartbeat(registry, 0, 1_234.5)).toBe(150);
    expect(registry.score[0]).toBe(150);
    expect(registry.drift[0]).toBeCloseTo(0.1, 6);
    expect(registry.lastHeartbeatMs[0]).toBe(1_234.5);
    expect(registry.flags[0]).toBe(0);
  });

  test("flags a score above 800 and a drift above 0.5, and takes the flags back", () => {
    registry.flags[0] = FLAG_LATENCY_MEASURED;
    registry.latencyMs[0] = 760;
    registry.latencySpreadMs[0] = 400;
    heartbeat(registry, 0, 1);
    expect(registry.flags[0]).toBe(FLAG_LATENCY_MEASURED | FLAG_DEGRADED | FLAG_UNSTABLE);
    registry.latencyMs[0] = 750;
    registry.latencySpreadMs[0] = 375;
    heartbeat(registry, 0, 2);
    expect(registry.flags[0]).toBe(FLAG_LATENCY_MEASURED);
  });

  test("finds nothing unstable in jitter below a millisecond", () => {
    registry.latencyMs[0] = 0.01;
    registry.latencySpreadMs[0] = 0.1;
    heartbeat(registry, 0, 1);
    expect(registry.drift[0]).toBeCloseTo(0.1, 6);
    expect(registry.flags[0]).toBe(0);
  });

  test("calls nothing a spike of who has not handled enough to have a normal", () => {
    registry.handled[0] = 31;
    for (let beat = 1; beat <= 10; beat++) heartbeat(registry, 0, beat);
    registry.queueDepth[0] = 5;
    heartbeat(registry, 0, 11);
    expect(registry.flags[0]).toBe(0);
  });

  test("flags a score above twice what is normal for the agent", () => {
    registry.handled[0] = 32;
    for (let beat = 1; beat <= 10; beat++) heartbeat(registry, 0, beat);
    registry.queueDepth[0] = 5;
    heartbeat(registry, 0, 11);
    expect(registry.flags[0]).toBe(FLAG_SPIKING);
    registry.queueDepth[0] = 0;
    heartbeat(registry, 0, 12);
    expect(registry.flags[0]).toBe(0);
  });

  test("does not call a few milliseconds more a spike", () => {
    registry.latencyMs[0] = 1;
    registry.latencySpreadMs[0] = 0;
    registry.processingMs[0] = 1;
    heartbeat(registry, 0, 1);
    registry.queueDepth[0] = 20;
    heartbeat(registry, 0, 2);
    expect(registry.flags[0]).toBe(0);
  });

  test("of a range is only that of agents that are up", () => {
    registry.state.set([0, 1, STARTING, ACTIVE, DEGRADED, OFFLINE, QUARANTINED, ACTIVE]);
    heartbeatRange(registry, 0, 7, 9);
    expect([...registry.lastHeartbeatMs]).toEqual([0, 0, 0, 9, 9, 0, 0, 0]);
  });
});
