// Agents that stand for systems elsewhere by replaying what was measured of such systems: for planning,
// benches and demos. A sample follows the one before it as it did when measured, but the time between
// them is that of the mesh: series go by sample, not by time. Which series an agent replays, and from
// where, follows from its index alone, so the same mesh replays the same run and nothing need be saved.
import { type Behavior, defineAgent, type Probe } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { InvalidOptionError } from "../actors/errors.ts";
import { ready } from "../actors/result.ts";
import { hash32 } from "./drawn-series.ts";
import { type ClassTraces, loadTraceMix, type TraceMix } from "./traces.ts";

/** What the mesh's `agentOptions` may say to trace agents. */
export interface TraceAgentOptions {
  /** A folder of traces to replay instead of the shipped ones; examples/traces/README.md has the format. */
  readonly traces?: string;
}

/** Where an agent is in its series. */
export interface TraceState {
  /** Index among the paths of its class; -1 when the class has none. */
  readonly path: number;
  /** Index among the works of its class; -1 when the class has none, or the path is its own work. */
  readonly work: number;
  /** The current sample; counted on and never wrapped, since the two series end at different samples. */
  cursor: number;
}

/** What a trace agent answers. */
export interface TraceSample extends Probe {
  /** The way there and back, ms; 0 when the source did not measure it. */
  readonly rttMs: number;
  /** What the other side took, ms; 0 when the source did not measure it. */
  readonly processingMs: number;
}

const PATH_SALT = 1;
const WORK_SALT = 2;
const START_SALT = 3;
/** Starts are below 2^20, so that a cursor stays a small integer for as long as any mesh runs. */
const START_BITS = 20;

/** The traces of this worker thread, shared by all its agents. */
let mix: TraceMix | undefined;

/** Reads the traces; once a worker thread, before its first agent. */
export async function configure(options?: TraceAgentOptions): Promise<void> {
  const directory: unknown = options?.traces;
  if (directory !== undefined && (typeof directory !== "string" || directory === "")) {
    throw new InvalidOptionError(
      "agentOptions.traces",
      directory,
      "the path of a folder of traces",
    );
  }
  mix = await loadTraceMix(directory);
}

/**
 * Every message waits as long as the next sample says, the way there, the work and the way back, and is
 * answered READY with that sample. `{ type: "sample" }` is answered at once with the current sample.
 */
const traceAgent: Behavior<TraceState, unknown, TraceSample> = defineAgent({
  capabilities: ["trace"],

  init(ctx: ActorContext): TraceState {
    const { paths, works } = tracesOf(ctx);
    const path = choose(paths.length, ctx.self, PATH_SALT);
    const isOwnWork = path >= 0 && paths[path].processingMs.length > 0;
    const work = isOwnWork ? -1 : choose(works.length, ctx.self, WORK_SALT);
    return { path, work, cursor: hash32(ctx.self, START_SALT) >>> (32 - START_BITS) };
  },

  async receive(state: TraceState, message: unknown, ctx: ActorContext) {
    if (asksForSample(message)) return ready(current(state, ctx));
    const sample = next(state, ctx);
    // Of an operation it is READY when the other side is; of anything else when its asker hears of it. One
    // sleep for all: nobody can see the message on its way. It rejects when the turn is aborted, and then
    // nothing has been measured.
    const wayMs = ctx.envelope.operation === undefined ? sample.rttMs : sample.rttMs / 2;
    await ctx.timers.sleep(wayMs + sample.processingMs);
    ctx.measured(sample.rttMs, sample.processingMs);
    return ready(sample);
  },

  probe: next,
});

export default traceAgent;

function next(state: TraceState, ctx: ActorContext): TraceSample {
  state.cursor++;
  return current(state, ctx);
}

function current(state: TraceState, ctx: ActorContext): TraceSample {
  const { paths, works } = tracesOf(ctx);
  const path = state.path < 0 ? undefined : paths[state.path];
  const work = state.work < 0 ? path : works[state.work];
  return {
    rttMs: path === undefined ? 0 : valueAt(path.rttMs, state.cursor),
    processingMs: work === undefined ? 0 : valueAt(work.processingMs, state.cursor),
  };
}

function valueAt(values: Float32Array, cursor: number): number {
  return values.length === 0 ? 0 : values[cursor % values.length];
}

function choose(count: number, index: number, salt: number): number {
  return count === 0 ? -1 : hash32(index, salt) % count;
}

function asksForSample(message: unknown): boolean {
  return (
    typeof message === "object" &&
    message !== null &&
    "type" in message &&
    message.type === "sample"
  );
}

function tracesOf(ctx: ActorContext): ClassTraces {
  if (mix !== undefined) return mix[ctx.impedanceClass];
  throw new Error(
    `${ctx.address}: the traces are not read yet, call \`configure\` before \`init\``,
  );
}
