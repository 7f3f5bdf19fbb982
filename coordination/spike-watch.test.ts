import { beforeEach, expect, test } from "vitest";
import { SPIKE_TIMES, SpikeWatch } from "./spike-watch.ts";

let watch: SpikeWatch;

beforeEach(() => {
  watch = new SpikeWatch(100, 10);
});

test("who spikes is routed around once, and let in when it has recovered", () => {
  expect(watch.look([7], 0)).toEqual({ around: [7], back: [], clusters: [] });
  expect(watch.look([7], 1_000)).toEqual({ around: [], back: [], clusters: [] });
  expect(watch.look([], 2_000)).toEqual({ around: [], back: [7], clusters: [] });
});

test("who gets no work cannot recover, and so is tried; who spikes on is routed around again", () => {
  watch.look([7], 0);
  expect(watch.look([7], SPIKE_TIMES.aroundMs - 1).back).toEqual([]);
  expect(watch.look([7], SPIKE_TIMES.aroundMs).back).toEqual([7]);
  expect(watch.look([7], SPIKE_TIMES.aroundMs + SPIKE_TIMES.trialMs - 1).around).toEqual([]);
  expect(watch.look([7], SPIKE_TIMES.aroundMs + SPIKE_TIMES.trialMs).around).toEqual([7]);
});

test("a trial that finds no spike ends it: the next spike is a new one", () => {
  watch.look([7], 0);
  watch.look([7], SPIKE_TIMES.aroundMs);
  watch.look([], SPIKE_TIMES.aroundMs + 1_000);
  expect(watch.look([7], SPIKE_TIMES.aroundMs + 2_000).around).toEqual([7]);
});

test("a cluster is told of when several of its agents spike, once", () => {
  expect(watch.look([10, 11], 0).clusters).toEqual([]);
  expect(watch.look([10, 11, 12], 1_000).clusters).toEqual([1]);
  expect(watch.look([10, 11, 12, 13], 2_000).clusters).toEqual([]);
  watch.look([], 3_000);
  expect(watch.look([10, 11, 12], 4_000).clusters).toEqual([1]);
});

test("when more than a fifth of all spike, nobody is routed around", () => {
  watch.look([7], 0);
  const many = Array.from({ length: 21 }, (_, i) => i * 4);
  expect(watch.look([...many, 7], 1_000)).toMatchObject({ around: [], back: [7] });
  expect(watch.look(many.slice(0, 20), 2_000).around).toHaveLength(20);
});
