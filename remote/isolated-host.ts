// The program of a process for agents that are not trusted. It has one pipe to its worker, and what it says there is
// checked there: what stands here is for the convenience of honest agents, and keeps nobody from anything.
import { Socket } from "node:net";
import type { Behavior } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { MeshError } from "../actors/errors.ts";
import { asResult } from "../actors/result.ts";
import { seededRandom, systemClock } from "../runtime/machine/clock.ts";
import { FrameReader, FrameWriter } from "./isolated-frames.ts";
import type { Order, Saying } from "./isolated-messages.ts";

const pipe = new Socket({ fd: 3, readable: true, writable: true });
const writer = new FrameWriter((bytes) => pipe.write(bytes));
const reader = new FrameReader();
const say = (saying: Saying): void => writer.send(saying);
const states = new Map<number, unknown>();
const calls = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
let behavior: Behavior | undefined;
let lastCall = 0;

// Its worker is gone, and so is all that this process is for.
pipe.on("close", () => process.exit(0));
pipe.on("error", () => process.exit(0));
let turns: Promise<void> | undefined;
pipe.on("data", (piece: Buffer) => reader.take(piece, (order) => hear(order as never)));

function hear(order: Order | { readonly module: string; readonly options: unknown }): void {
  if ("module" in order) {
    turns = load(order.module, order.options);
    return;
  }
  if (order.kind === "answer" || order.kind === "refusal") {
    const call = calls.get(order.call);
    calls.delete(order.call);
    if (order.kind === "answer") call?.resolve(order.outcome as never);
    else call?.reject(new MeshError(order.code, order.text));
    return;
  }
  turns?.then(() => turn(order));
}

async function load(url: string, options: unknown): Promise<void> {
  const module = await import(url);
  await module.configure?.(options);
  behavior = (module.createAgent?.(options) ?? module.default) as Behavior;
  say({ kind: "ready", snapshots: behavior.snapshot !== undefined });
}

type TurnOrder = Exclude<Order, { kind: "answer" | "refusal" }>;

async function turn(order: TurnOrder): Promise<void> {
  const { who } = order;
  const own = behavior as Behavior;
  try {
    const ctx = contextOf(order);
    let value: unknown;
    let state: 1 | -1 = 1;
    if (order.kind === "init") states.set(who.self, await own.init(ctx));
    else if (order.kind === "restore")
      states.set(who.self, await own.restore?.(order.snapshot, ctx));
    else {
      const hook = order.kind === "act" ? own.act : own.receive;
      const result = asResult(await hook?.call(own, states.get(who.self), order.message, ctx));
      state = result.state;
      value = result.state === 1 ? result.value : result.conflict;
    }
    const snapshot = own.snapshot?.(states.get(who.self));
    say({ kind: "done", turn: order.turn, state, value, snapshot });
  } catch (error) {
    const text = String((error as Error)?.message ?? error);
    say({ kind: "failed", turn: order.turn, text });
  }
}

/** What there is of an agent's context on this side of the pipe. */
function contextOf(order: TurnOrder): ActorContext {
  const { who, turn: number } = order;
  const log = (_: unknown, text?: string): void =>
    say({ kind: "log", turn: number, text: String(text ?? "") });
  const missing = (name: string) => (): never => {
    throw new MeshError("MESH_ISOLATED", `${name}: not of an agent with a process of its own`);
  };
  const ask = (to: number | string, message: unknown, options?: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = ++lastCall;
      calls.set(call, { resolve, reject });
      const { signal: _, ...plain } = (options ?? {}) as { readonly signal?: unknown };
      say({ kind: "ask", turn: number, call, to, message, options: plain });
    });
  const context = {
    self: who.self,
    address: who.address,
    impedanceClass: who.impedanceClass,
    envelope: "envelope" in order ? order.envelope : undefined,
    signal: new AbortController().signal,
    clock: systemClock,
    random: seededRandom(who.seed),
    log: { debug: log, info: log, warn: log, error: log },
    get state() {
      return states.get(who.self);
    },
    timers: {
      once: missing("timers.once"),
      every: missing("timers.every"),
      sleep: (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    },
    tell(to: number | string, message: unknown, options?: object) {
      say({ kind: "tell", turn: number, to, message, options });
      return { status: "accepted" };
    },
    ask,
    waitsFor() {},
    measured() {},
  };
  const others = ["spawn", "stop", "watch", "unwatch", "stash", "unstashAll", "become", "passOn"];
  const refused = Object.fromEntries(others.map((name) => [name, missing(name)]));
  return { ...refused, ...context } as unknown as ActorContext;
}
