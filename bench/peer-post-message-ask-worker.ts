import { parentPort, workerData } from "node:worker_threads";
import type { ExchangeData } from "./exchange.ts";
import { type RoundTripSize, roundTrips } from "./round-trips.ts";

/** What the two sides of the ask over a MessageChannel are told. */
export interface PostMessageAskData {
  readonly size: RoundTripSize;
}

/** Answered questions are forgotten so many at a time. */
const COMPACT_AT = 4_096;

const { role, port, size } = workerData as ExchangeData & PostMessageAskData;
if (role === "consumer") {
  // The asker, for it is the one that has something to tell in the end. A channel keeps the order and the
  // other side answers at once, so answers need no id: the oldest question is the answered one.
  const waiting: ((answer: number) => void)[] = [];
  let oldest = 0;
  port.on("message", (answer: number) => {
    waiting[oldest++](answer);
    if (oldest < COMPACT_AT) return;
    waiting.splice(0, oldest);
    oldest = 0;
  });
  const ask = (value: number): Promise<number> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port.postMessage(value);
    });
  parentPort?.postMessage(await roundTrips(ask, size));
  port.close();
} else {
  port.on("message", (value: number) => port.postMessage(value + 1));
  parentPort?.postMessage("ready");
}
