import assert from "node:assert/strict";
import { dispatch, query, type Ref, spawn, start, stop } from "nact";
import { type CargoKind, createCargo } from "./cargo.ts";
import { type ExchangeSize, perSecond } from "./exchange.ts";
import { type RoundTripSize, type RoundTrips, roundTrips } from "./round-trips.ts";

/*
 * nact has no threads: its figures are those of actors of one process. Its dispatch hands over references,
 * so nothing is copied and nothing survives a crash.
 */

/** Messages on their way at most. */
const WINDOW = 8_192;
const QUERY_LIMIT_MS = 60_000;

/** Runs `work` in an actor system of its own. */
async function inSystem<Result>(work: (system: Ref<never>) => Promise<Result>): Promise<Result> {
  const system = start();
  try {
    return await work(system);
  } finally {
    stop(system);
  }
}

/** Messages a second from one actor to another. */
export function throughputByNact(kind: CargoKind, size: ExchangeSize): Promise<number> {
  const cargo = createCargo(kind);
  const total = size.warm + size.measured;
  return inSystem(async (system) => {
    const ms = await new Promise<number>((resolve, reject) => {
      let startMs = 0;
      const fail = <Decision>(_: unknown, error: unknown, ctx: { stop: Decision }): Decision => {
        reject(error);
        return ctx.stop;
      };
      const consumer: Ref<unknown> = spawn(
        system,
        (taken: number, message: unknown) => {
          cargo.take(message, taken);
          const next = taken + 1;
          if (next === size.warm) startMs = performance.now();
          if (next === total) resolve(performance.now() - startMs);
          else if (next % WINDOW === 0) dispatch(producer, WINDOW);
          return next;
        },
        "consumer",
        { initialState: 0, onCrash: fail },
      );
      const producer: Ref<number> = spawn(
        system,
        (sent: number, credit: number) => {
          const end = Math.min(total, sent + credit);
          for (let number = sent; number < end; number++) dispatch(consumer, cargo.make(number));
          return end;
        },
        "producer",
        { initialState: 0, onCrash: fail },
      );
      dispatch(producer, 2 * WINDOW);
    });
    return perSecond(size.measured, ms);
  });
}

/** Asks by `query` of one actor. */
export function roundTripsByNact(size: RoundTripSize): Promise<RoundTrips> {
  return inSystem((system) => {
    const server = spawn(
      system,
      (_: undefined, question: { value: number; from: Ref<number> }) => {
        dispatch(question.from, question.value + 1);
        return undefined;
      },
      "server",
    );
    const ask = (value: number): Promise<number> =>
      query(server, (from: Ref<number>) => ({ value, from }), QUERY_LIMIT_MS);
    return roundTrips(ask, size);
  });
}

/** Milliseconds until each of `count` new actors has said that it is there, and heap bytes an actor. */
export function spawnByNact(count: number): Promise<{ ms: number; bytes: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  return inSystem(async (system) => {
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      let here = 0;
      const greet = (state: undefined): undefined => {
        if (++here === count) resolve();
        return state;
      };
      for (let i = 0; i < count; i++) dispatch(spawn(system, greet, `agent-${i}`), undefined);
    });
    const ms = performance.now() - startMs;
    globalThis.gc?.();
    return { ms, bytes: (process.memoryUsage().heapUsed - before) / count };
  });
}

/** Milliseconds from the first of the crashes until each crashed actor has answered from a new state. */
export function restartByNact(agents: number, crashes: number): Promise<number> {
  return inSystem(async (system) => {
    type Message = { readonly crash: true } | { readonly from: Ref<number> };
    const receive = (handled: number, message: Message): number => {
      if ("crash" in message) throw new Error("crash");
      dispatch(message.from, handled);
      return handled + 1;
    };
    const refs = Array.from({ length: agents }, (_, i) =>
      spawn(system, receive, `agent-${i}`, {
        initialState: 0,
        onCrash: (_message: Message | undefined, _error, ctx) => ctx.reset,
      }),
    );
    const which = (ref: Ref<Message>): Promise<number> =>
      query(ref, (from: Ref<number>) => ({ from }), QUERY_LIMIT_MS);
    const handled = await Promise.all(refs.map(which));
    assert.ok(handled.every((count) => count === 0));
    const step = Math.floor(agents / crashes);
    const victims = Array.from({ length: crashes }, (_, i) => refs[i * step]);
    const startMs = performance.now();
    for (const ref of victims) dispatch(ref, { crash: true });
    const fresh = await Promise.all(victims.map(which));
    const ms = performance.now() - startMs;
    assert.ok(
      fresh.every((count) => count === 0),
      "an actor kept its state over its crash",
    );
    return ms;
  });
}
