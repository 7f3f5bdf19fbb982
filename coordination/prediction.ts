/**
 * When an agent will be READY: lead times with a chosen probability, learned from when it was (spec 3.1,
 * design: coordination). The specification's formula is one of the predictors; the others learn.
 *
 * A predictor is a structure of arrays over one buffer, so that any thread may lay a view over it and
 * predict, while the one that owns the agents observes; and so that a successor goes on where it stopped.
 */
import { AgentArrivals } from "./agent-arrivals.ts";
import { arrivalBytes } from "./arrival-columns.ts";
import { wholeNumber } from "./check.ts";
import {
  EwmaPredictor,
  JacobsonPredictor,
  plainPredictorBytes,
  SeedPredictor,
  WindowPredictor,
} from "./classic-predictors.ts";
import { IMPEDANCE_CLASSES, type ImpedanceClass, impedanceClassIndex } from "./impedance-class.ts";

/** What is known of a message before it is sent. Callers may use one object for all their calls. */
export interface Load {
  /** Now, ms. */
  tMs: number;
  /** Complexity of the payload against a usual one, which weighs 1. */
  weight: number;
  /** Work sent to the agent and not finished, in messages of usual weight. */
  queuedWork: number;
}

/** What became of it. */
export interface Observation extends Load {
  /** From sending to READY, ms. */
  delayMs: number;
  rttMs?: number;
  processingMs?: number;
}

/** The predictors by name: the default, and those it is measured against. */
export const PREDICTOR_KINDS = ["arrival", "seed", "ewma", "jacobson", "window"] as const;
export type PredictorKind = (typeof PREDICTOR_KINDS)[number];

/** Predicts when agents are READY. Agents are counted from 0. */
export interface Predictor {
  readonly kind: PredictorKind;
  /** Persistent state of one agent, bytes; classes and clusters share what they have. */
  readonly bytesPerAgent: number;
  /**
   * Lead time, ms: how long before T to send. q = 0.5 aims *at* T; any other q (above 0.5, below 1) is READY
   * by T with probability q. Changes nothing and allocates nothing.
   */
  predict(agent: number, q: number, load: Load): number;
  /** Learns from one message. Times that are no times are passed over. Allocates nothing. */
  observe(agent: number, observation: Observation): void;
  /** Probability, 0 to 1, that a message sent now is READY within `availableMs`: the inverse of `predict`. */
  probabilityReady(agent: number, availableMs: number, load: Load): number;
  /** Observations of this agent so far. */
  samples(agent: number): number;
}

/** Whom a predictor is for. */
export interface PredictorOptions {
  /** How many agents. */
  readonly agents: number;
  /** Impedance class of each agent, by index 0–5 or by name; of all, when it is one. */
  readonly classes: ArrayLike<number | string> | number | string;
  /** Cluster of each agent, any whole numbers from 0; by default one cluster for all. */
  readonly clusterOf?: ((agent: number) => number) | ArrayLike<number>;
  /** Default "arrival". */
  readonly kind?: PredictorKind;
  /** Where the state lies, {@link predictorBytes} long; zeros are a fresh predictor. Default: memory of its own. */
  readonly buffer?: ArrayBufferLike;
}

/** Bytes of a buffer for a predictor's whole state. */
export function predictorBytes(options: Pick<PredictorOptions, "agents" | "kind">): number {
  const agents = wholeNumber("agents", options.agents, 0, 0x7fff_ffff);
  const kind = knownKind(options.kind ?? "arrival");
  return kind === "arrival" ? arrivalBytes(agents) : plainPredictorBytes(kind, agents);
}

/** Makes a predictor, or a view over the state of one. RangeError names the field that is wrong. */
export function createPredictor(options: PredictorOptions): Predictor {
  const agents = wholeNumber("agents", options.agents, 0, 0x7fff_ffff);
  const kind = knownKind(options.kind ?? "arrival");
  const needed = predictorBytes({ agents, kind });
  const buffer = options.buffer ?? new ArrayBuffer(needed);
  if (buffer.byteLength < needed)
    throw new RangeError(`buffer: expected at least ${needed} bytes, got ${buffer.byteLength}`);
  const classOf = readClasses(options.classes, agents);
  switch (kind) {
    case "arrival":
      return new AgentArrivals(buffer, classOf, readClusters(options.clusterOf, agents));
    case "seed":
      return new SeedPredictor(buffer, classOf);
    case "ewma":
      return new EwmaPredictor(buffer, classOf);
    case "jacobson":
      return new JacobsonPredictor(buffer, classOf);
    case "window":
      return new WindowPredictor(buffer, classOf);
  }
}

function knownKind(kind: string): PredictorKind {
  if ((PREDICTOR_KINDS as readonly string[]).includes(kind)) return kind as PredictorKind;
  throw new RangeError(`kind: expected one of ${PREDICTOR_KINDS.join(", ")}, got ${kind}`);
}

function readClasses(classes: PredictorOptions["classes"], agents: number): Uint8Array {
  const classOf = new Uint8Array(agents);
  if (typeof classes === "string" || typeof classes === "number")
    return classOf.fill(classIndex(classes));
  if (classes === undefined || classes === null || classes.length < agents) {
    throw new RangeError(
      `classes: expected one for each of ${agents} agents, got ${classes?.length}`,
    );
  }
  for (let agent = 0; agent < agents; agent++) classOf[agent] = classIndex(classes[agent]);
  return classOf;
}

function readClusters(clusterOf: PredictorOptions["clusterOf"], agents: number): Uint32Array {
  const clusters = new Uint32Array(agents);
  if (clusterOf === undefined) return clusters;
  for (let agent = 0; agent < agents; agent++) {
    const cluster = typeof clusterOf === "function" ? clusterOf(agent) : clusterOf[agent];
    clusters[agent] = wholeNumber(`clusterOf of agent ${agent}`, cluster, 0, 0x1fff_ffff);
  }
  return clusters;
}

function classIndex(value: number | string): number {
  if (typeof value === "string") {
    // A letter, as traces have it, or the whole name.
    const letter = IMPEDANCE_CLASSES.findIndex(({ name }) => name.startsWith(`CLASS_${value}_`));
    return value.length === 1 && letter >= 0
      ? letter
      : impedanceClassIndex(value as ImpedanceClass);
  }
  if (Number.isInteger(value) && value >= 0 && value < IMPEDANCE_CLASSES.length) return value;
  throw new RangeError(`classes: expected class indices from 0 to 5, got ${value}`);
}
