import { setImmediate as yieldToThread } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import type { ActorRef } from "../actors/ref.ts";
import { ready } from "../actors/result.ts";
import { proveTask } from "./cargo.ts";
import type { ExchangeSize } from "./exchange.ts";
import { FIRST_TASK_NUMBER, type TaskMessage, taskMessage } from "./payload.ts";
import { nowMs } from "./threads.ts";

/** Tell `target` so many task messages, then ask it what it has seen. */
export interface TellOrder extends ExchangeSize {
  readonly target: ActorRef<TellMessage, ToldReport>;
}

/** A task message, an order to send some, or the question what was seen of them. */
export type TellMessage = TaskMessage | TellOrder | "report";

/** What the told agent has seen. */
export interface ToldReport {
  readonly handled: number;
  /** On the clock that all threads share: when the last message was handled. */
  readonly lastMs: number;
  readonly heapBytes: number;
}

/** The answer to a {@link TellOrder}. */
export interface TellFigures {
  readonly handled: number;
  /** From before the first measured message was made until the last one was handled. */
  readonly ms: number;
  /** Growth of the heaps of both threads while the measured messages passed. */
  readonly heapGrowthBytes: number;
}

/** A handler that sends for two seconds on end does not yield: the watchdog would replace its worker. */
const SENDS_A_YIELD = 65_536;

interface State {
  handled: number;
  lastMs: number;
}

/** The teller and the told of `tell.cross`. */
const agent: Behavior<State, TellMessage, ToldReport | TellFigures | undefined> = defineAgent({
  init: (): State => ({ handled: 0, lastMs: 0 }),
  receive(state, message, ctx) {
    if (message === "report") {
      return ready({ handled: state.handled, lastMs: state.lastMs, heapBytes: heapBytes() });
    }
    if ("target" in message) return follow(message, ctx).then((figures) => ready(figures));
    proveTask(message, state.handled++);
    // A look at the clock costs a tenth of a message; only the last one before a report counts.
    if (state.handled % 1_024 === 0) state.lastMs = nowMs();
    return ready();
  },
});
export default agent;

async function follow(order: TellOrder, ctx: ActorContext<TellMessage>): Promise<TellFigures> {
  const { target, warm, measured } = order;
  await tellRange(0, warm, target, ctx);
  const before = await report(target, ctx);
  const heapBefore = heapBytes() + before.heapBytes;
  const startMs = nowMs();
  await tellRange(warm, warm + measured, target, ctx);
  const after = await report(target, ctx);
  return {
    handled: after.handled,
    ms: after.lastMs - startMs,
    heapGrowthBytes: heapBytes() + after.heapBytes - heapBefore,
  };
}

async function tellRange(
  from: number,
  to: number,
  target: TellOrder["target"],
  ctx: ActorContext<TellMessage>,
): Promise<void> {
  for (let number = from; number < to; number++) {
    const receipt = ctx.tell(target, taskMessage(FIRST_TASK_NUMBER + number));
    if (receipt.status === "waiting") await receipt;
    if (number % SENDS_A_YIELD === 0) await yieldToThread();
  }
}

/** From the same sender in the same priority, the question arrives behind all that was told. */
async function report(
  target: TellOrder["target"],
  ctx: ActorContext<TellMessage>,
): Promise<ToldReport> {
  const answer = await ctx.ask(target, "report" as const, { timeoutMs: 60_000 });
  if (answer.state !== 1) throw new Error(`the told agent answered ${answer.state}`);
  return answer.value;
}

function heapBytes(): number {
  globalThis.gc?.();
  return getHeapStatistics().used_heap_size;
}
