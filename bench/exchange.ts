import type { MessagePort } from "node:worker_threads";
import { MessageChannel } from "node:worker_threads";
import { Thread } from "./threads.ts";

/** What a worker of an exchange is told besides the bench's own data. */
export interface ExchangeData {
  readonly role: "producer" | "consumer";
  /** A channel to the other side, for those who use it. */
  readonly port: MessagePort;
  /** Messages before the measurement begins: they warm both sides up. */
  readonly warm: number;
  /** Messages that are measured. */
  readonly measured: number;
}

export interface ExchangeSize {
  readonly warm: number;
  readonly measured: number;
}

/** Frames of one size, of which `batch` become visible at once. */
export interface FrameTraffic extends ExchangeSize {
  readonly frameBytes: number;
  readonly batch: number;
}

/**
 * Runs a producer and a consumer thread of the same worker file, and gives what the consumer answers. The
 * consumer times the messages between the last of the warm-up and the last of all: a steady state, with
 * nothing of the start of threads in it.
 */
export async function exchange<Answer>(
  file: string,
  size: ExchangeSize,
  data: object,
): Promise<Answer> {
  const { port1, port2 } = new MessageChannel();
  const told = { ...data, ...size };
  await using consumer = new Thread(file, { ...told, role: "consumer", port: port1 }, [port1]);
  await using producer = new Thread(file, { ...told, role: "producer", port: port2 }, [port2]);
  const [answer] = await Promise.all([consumer.answer<Answer>(), producer.answer()]);
  return answer;
}

/** Messages a second, when `count` of them took `ms`. */
export function perSecond(count: number, ms: number): number {
  return (count * 1_000) / ms;
}
