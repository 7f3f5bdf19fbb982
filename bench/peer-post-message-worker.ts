import { parentPort, workerData } from "node:worker_threads";
import { type CargoKind, createCargo } from "./cargo.ts";
import type { ExchangeData } from "./exchange.ts";
import { Pause } from "./pause.ts";
import { nowMs } from "./threads.ts";

/** What the threads over a MessageChannel are told. */
export interface PostMessageData {
  readonly cargo: CargoKind;
  /** One word: messages that the consumer has taken. A channel has no bound of its own. */
  readonly credit: SharedArrayBuffer;
}

/** Messages on their way at most. */
const WINDOW = 8_192;

const data = workerData as ExchangeData & PostMessageData;
const { port } = data;
const cargo = createCargo(data.cargo);
const taken = new Int32Array(data.credit);
const total = data.warm + data.measured;
if (data.role === "producer") produce();
else consume();

function produce(): void {
  const pause = new Pause();
  for (let number = 0; number < total; number++) {
    while (number - Atomics.load(taken, 0) > WINDOW) pause.wait();
    pause.reset();
    port.postMessage(cargo.make(number));
  }
  parentPort?.postMessage(total);
  port.unref();
}

function consume(): void {
  let next = 0;
  let startMs = 0;
  port.on("message", (message: unknown) => {
    cargo.take(message, next++);
    Atomics.store(taken, 0, next);
    if (next === data.warm) startMs = nowMs();
    if (next < total) return;
    parentPort?.postMessage(nowMs() - startMs);
    port.close();
  });
}
