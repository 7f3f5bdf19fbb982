// Agents that are not trusted: their code runs in a process of its own, and what stands here, on their worker, is all
// of them that touches the mesh. Agents of one module on one thread share a process.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext, AskOptions, TellOptions } from "../actors/context.ts";
import { InvalidOptionError, MeshError } from "../actors/errors.ts";
import type { ActorRef } from "../actors/ref.ts";
import { conflict, type Result, ready } from "../actors/result.ts";
import type { AgentHost, IsolatedAgentOptions } from "../runtime/api/agent-api.ts";
import type { Order, Saying, Who } from "./isolated-messages.ts";
import { IsolatedProcess } from "./isolated-process.ts";
import { KindOptions } from "./kind-options.ts";

const MEMBERS: readonly (keyof IsolatedAgentOptions)[] = [
  "module",
  "options",
  "isolation",
  "capabilities",
  "guarded",
  "memoryMb",
  "turnMs",
  "read",
];
/** What a message may say of how it is sent; tokens are not for who is not trusted. */
const TELL_OPTIONS: readonly string[] = ["priority", "ttlMs", "volatile", "requiresCapabilities"];
const ASK_OPTIONS: readonly string[] = ["priority", "ttlMs", "timeoutMs", "requiresCapabilities"];

/** What of an agent is on its worker. */
interface IsolatedState {
  /** The process that has its state; 0 when none has. */
  generation: number;
  /** As of its last turn; undefined where its module takes none. */
  snapshot: unknown;
  /** It has had a turn: without a snapshot its state cannot be made again. */
  turned: boolean;
}

/** Makes agents with a process of their own; InvalidOptionError names the option. */
export function createAgent(options: IsolatedAgentOptions, host: AgentHost): Behavior {
  const read = new KindOptions("agent", options, MEMBERS);
  if (options.isolation !== "process")
    throw new InvalidOptionError("agent.isolation", options.isolation, "process");
  const module = read.text("module") as string;
  const limits = {
    memoryMb: read.number("memoryMb", 128, 16, 65_536),
    turnMs: read.number("turnMs", 5_000, 10, 3_600_000),
    read: read.names("read", []),
  };
  const process = new IsolatedProcess(module, options.options, limits);
  const seedOf = (self: number): number => host.thread * 0x9e3779b1 + self;
  const begin = (ctx: ActorContext, make: (turn: number, who: Who) => Order): Promise<Done> =>
    new Promise((resolve, reject) => {
      const { self, address, impedanceClass, clock } = ctx;
      const who = { self, address, impedanceClass, nowMs: clock.nowMs(), seed: seedOf(self) };
      const say = (saying: Saying): void => carryOut(saying, ctx, process);
      process.begin((turn) => make(turn, who), { resolve, reject, say });
    });

  /** Its state is in the process that there is now, or the turn fails as that process did. */
  const home = async (state: IsolatedState, ctx: ActorContext): Promise<void> => {
    await process.ready();
    if (state.generation === process.generation) return;
    if (state.snapshot === undefined && state.turned)
      throw new MeshError("MESH_ISOLATED", "its state has ended with its process");
    const { snapshot } = state;
    const { generation } = process;
    const made =
      snapshot === undefined
        ? await begin(ctx, (turn, who) => ({ kind: "init", turn, who }))
        : await begin(ctx, (turn, who) => ({ kind: "restore", turn, who, snapshot }));
    state.snapshot = made.snapshot;
    state.generation = generation;
  };

  const run = async (
    kind: "receive" | "act",
    state: IsolatedState,
    message: unknown,
    ctx: ActorContext,
  ): Promise<Result> => {
    await home(state, ctx);
    const envelope = plainEnvelope(ctx);
    state.turned = true;
    const done = await begin(ctx, (turn, who) => ({ kind, turn, who, message, envelope }));
    state.snapshot = done.snapshot;
    return done.state === 1 ? ready(done.value) : conflict(done.value as never);
  };

  return defineAgent<IsolatedState, unknown, unknown>({
    capabilities: read.names("capabilities", []),
    ...(options.guarded !== undefined && { guarded: read.names("guarded", []) }),
    async init(ctx) {
      const state: IsolatedState = { generation: 0, snapshot: undefined, turned: false };
      await home(state, ctx);
      return state;
    },
    receive: (state, message, ctx) => run("receive", state, message, ctx),
    act: (state, message, ctx) => run("act", state, message, ctx),
    snapshot: ({ snapshot }) => snapshot,
    restore: (snapshot) => ({ generation: 0, snapshot, turned: false }),
  }) as Behavior;
}

type Done = Extract<Saying, { kind: "done" }>;

/**
 * Does for the agent whose turn it is what its process asked for; what is no use of it throws, and ends the process.
 */
function carryOut(saying: Saying, ctx: ActorContext, process: IsolatedProcess): void {
  if (saying.kind === "log") {
    ctx.log.info({}, saying.text);
    return;
  }
  if (saying.kind === "tell") {
    const options = picked(saying.options, TELL_OPTIONS) as TellOptions;
    ctx.tell(saying.to as ActorRef, saying.message, options);
    return;
  }
  if (saying.kind !== "ask") return;
  const { call, to, message } = saying;
  const options = picked(saying.options, ASK_OPTIONS) as AskOptions;
  const { generation } = process;
  const answer = (order: Order): void => {
    if (process.generation === generation) process.send(order);
  };
  ctx.ask(to as ActorRef, message, options).then(
    (outcome) => answer({ kind: "answer", call, outcome }),
    ({ code = "MESH_ASK", message: text }: MeshError) =>
      answer({ kind: "refusal", call, code, text }),
  );
}

function picked(given: object | undefined, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([name]) => names.includes(name)));
}

function plainEnvelope({ envelope }: ActorContext): Readonly<Record<string, unknown>> {
  const { sender, sequence, priority, createdMs, deadlineMs, redelivered, messageId } = envelope;
  const { operation, granted } = envelope;
  return {
    sender,
    sequence,
    priority,
    createdMs,
    deadlineMs,
    redelivered,
    messageId,
    granted,
    ...(operation && {
      operation: {
        id: operation.id,
        verb: operation.verb,
        arrivalMs: operation.arrivalMs,
        acting: operation.acting,
      },
    }),
  };
}
