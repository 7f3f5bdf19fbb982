import { expect, test } from "vitest";
import { moveArrivals } from "./arrival-move.ts";
import { createPredictor, type Predictor, predictorBytes } from "./prediction.ts";

const AGENTS = 60;
const LOAD = { tMs: 0, weight: 1, queuedWork: 0 };

function memory(agents: number): SharedArrayBuffer {
  return new SharedArrayBuffer(predictorBytes({ agents }));
}

function predictorOver(buffer: SharedArrayBuffer, agents: number): Predictor {
  return createPredictor({
    agents,
    classes: 0,
    clusterOf: (agent) => Math.floor(agent / 30),
    buffer,
  });
}

test("what is known of each agent moves with it, however the agents are shared out", () => {
  const [first, second, whole] = [memory(30), memory(30), memory(AGENTS)];
  const before = [predictorOver(first, 30), predictorOver(second, 30)];
  for (let agent = 0; agent < AGENTS; agent++) {
    const predictor = before[Math.floor(agent / 30)];
    for (let i = 0; i < 40; i++)
      predictor.observe(agent % 30, { ...LOAD, delayMs: 10 + agent + (i % 5) });
  }
  const shares = [
    { from: 0, to: 30, bytes: new Uint8Array(first) },
    { from: 30, to: 60, bytes: new Uint8Array(second) },
  ];
  moveArrivals(shares, whole, 0, AGENTS);
  const after = predictorOver(whole, AGENTS);
  for (let agent = 0; agent < AGENTS; agent++) {
    const predictor = before[Math.floor(agent / 30)];
    expect(after.samples(agent)).toBe(40);
    expect(after.predict(agent, 0.5, LOAD)).toBeCloseTo(
      predictor.predict(agent % 30, 0.5, LOAD),
      1,
    );
  }
  const again = memory(30);
  moveArrivals([{ from: 0, to: AGENTS, bytes: new Uint8Array(whole) }], again, 30, 60);
  expect(predictorOver(again, 30).predict(7, 0.95, LOAD)).toBeCloseTo(
    after.predict(37, 0.95, LOAD),
    1,
  );
});

test("the same share comes over as it is", () => {
  const first = memory(30);
  predictorOver(first, 30).observe(3, { ...LOAD, delayMs: 17 });
  const copy = memory(30);
  moveArrivals([{ from: 60, to: 90, bytes: new Uint8Array(first) }], copy, 60, 90);
  expect(new Uint8Array(copy)).toEqual(new Uint8Array(first));
});

test("what another version has learned, whose columns lie elsewhere, is learned again", () => {
  const older = { from: 0, to: 30, bytes: new Uint8Array(memory(30).byteLength - 1548).fill(7) };
  const target = memory(60);
  moveArrivals([older, { from: 30, to: 60, bytes: known(30) }], target, 0, 60);
  const predictor = predictorOver(target, 60);
  expect(predictor.samples(3)).toBe(0);
  expect(predictor.samples(33)).toBe(1);
});

function known(agents: number): Uint8Array {
  const buffer = memory(agents);
  predictorOver(buffer, agents).observe(3, { ...LOAD, delayMs: 17 });
  return new Uint8Array(buffer);
}
