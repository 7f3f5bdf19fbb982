import { Bench } from "tinybench";
import { parameter } from "./harness.ts";

const TIME_MS = parameter("loop ms", { smoke: 20, full: 500 });

/** Nanoseconds an operation, when one call of `body` does `operations` of them: the median call. */
export async function nsPerOperation(operations: number, body: () => void): Promise<number> {
  const bench = new Bench({
    time: TIME_MS,
    warmupTime: TIME_MS / 2,
    iterations: 16,
    throws: true,
  });
  bench.add("body", body);
  const [task] = await bench.run();
  const { result } = task;
  if (result.state !== "completed") throw new Error(`the loop did not complete: ${result.state}`);
  return (result.latency.p50 * 1e6) / operations;
}
