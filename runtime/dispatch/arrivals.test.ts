// What an agent has to do before it begins with one more, in messages like that one.
import { expect, test } from "vitest";
import { createPredictor } from "../../coordination/prediction.ts";
import { observeProcessing } from "../../coordination/profile.ts";
import { createRegistry, registryBytes } from "../../coordination/registry.ts";
import { queuedWork } from "./arrivals.ts";

const BARE = { tMs: 0, weight: 1, queuedWork: 0 };

test("of an agent that was never measured, its own turns tell what waits before it, not its class", () => {
  const registry = createRegistry(new ArrayBuffer(registryBytes(4)), 4);
  const predictor = createPredictor({ agents: 4, classes: "B" });
  registry.queueDepth.fill(13);
  const work = (agent: number): number => queuedWork(registry, agent, predictor, agent);
  // Nothing is known of it: each message is believed to take as long as one of its class.
  expect(work(0)).toBe(13);
  // Its turns take next to nothing, or longer than the one that is to be sent.
  observeProcessing(registry, 1, 0.01);
  const usualMs = predictor.predict(1, 0.5, BARE);
  expect(work(1)).toBeCloseTo((13 * 0.01) / usualMs);
  observeProcessing(registry, 2, 10 * usualMs);
  expect(work(2)).toBe(13);
  // Once measured, what a queue costs is learned.
  observeProcessing(registry, 3, 0.01);
  predictor.observe(3, { ...BARE, delayMs: usualMs });
  expect(work(3)).toBe(13);
});
