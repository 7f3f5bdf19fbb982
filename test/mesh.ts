// What the tests of the running mesh share: they start it from the built package, because the test runner
// does not transform what a worker loads.
import type { Answer, Mesh, MeshOptions } from "../index.ts";

const built: typeof import("../index.ts") = await import(
  new URL("../dist/index.js", import.meta.url).href
);

export const createMesh: typeof built.createMesh = built.createMesh;

/** Forty agents in four sectors on two workers: sectors 1 and 2 on `worker-1`, 3 and 4 on `worker-2`. */
export const SMALL: Pick<MeshOptions, "topology" | "workers" | "log"> = {
  topology: { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5, spawnCapacity: 64 },
  workers: 2,
  log: "silent",
};

/** URL of the agent module of this name beside this file. */
export function agentModule(name: string): URL {
  return new URL(`./${name}-agent.mjs`, import.meta.url);
}

/** Starts a small mesh of such agents; what is given wins over {@link SMALL}. */
export function startMesh(agent: string, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return createMesh({ ...SMALL, agent: agentModule(agent), ...options });
}

/** The value of a READY answer; throws on any other. */
export function readyValue<Value>(answer: Answer<Value>): Value {
  if (answer.state === 1) return answer.value;
  throw new Error(`expected READY, got ${JSON.stringify(answer)}`);
}

/** Asks and gives the READY value: a puppet's usual call. */
export async function call(
  mesh: Mesh,
  target: string | number,
  message: unknown,
  timeoutMs = 20_000,
): Promise<unknown> {
  return readyValue(await mesh.ask(target, message, { timeoutMs }));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until `probe` gives something true and returns it; throws, with what it saw last, after `withinMs`. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  withinMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const seen = await probe();
    if (seen) return seen;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(5);
  }
}

/** Waits until nothing is on its way or in custody; twice in a row, for the counts are of several threads. */
export async function settled(mesh: Mesh, withinMs = 20_000): Promise<void> {
  let still = 0;
  await pause(2);
  await until(
    "all messages accounted for",
    () => {
      const { sent, accepted, inFlight } = mesh.status().messages;
      still = inFlight === 0 && sent <= accepted ? still + 1 : 0;
      return still >= 2;
    },
    withinMs,
  );
}

/** A seed that the run prints, so that a failure can be had again: `SEED=… vitest`. */
export function printedSeed(): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
  process.stdout.write(`seed ${seed}\n`);
  return seed;
}

/** mulberry32, in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}
