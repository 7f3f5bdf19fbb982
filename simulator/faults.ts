import type { Failpoint } from "../runtime/dispatch/dispatcher.ts";
import type { DiskFault } from "./disk.ts";

/** What can go wrong in a simulated mesh, by chance. Times are ms; what comes by the hour comes at random. */
export interface FaultProfile {
  readonly name: string;
  /** Of each frame between the mesh and an agent elsewhere: the probability that it is lost, doubled, held up. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** Parts of the agents elsewhere that cannot be reached for a while. */
  readonly partitionsAnHour: number;
  readonly partitionShare: number;
  readonly partitionMs: number;
  /** Probability that a turn of an agent throws. */
  readonly crashes: number;
  /** Workers that die at any point of their duty, hang in a turn, or do not run for a while. */
  readonly workerDeathsAnHour: number;
  readonly workerHangsAnHour: number;
  /** Workers whose successor takes long to come: the machine has no memory for it, say. */
  readonly workerOutagesAnHour: number;
  readonly workerOutageMs: number;
  readonly workerStallsAnHour: number;
  readonly workerStallMs: number;
  /** All agents of a cluster fail at once, which restarts them under their lead. */
  readonly clusterFailuresAnHour: number;
  /** Main does nothing for a while: sectors are on their own. */
  readonly mainStallsAnHour: number;
  readonly mainStallMs: number;
  /** The disk under the log of conflicts takes nothing, says nothing, or takes its time, for a while. */
  readonly diskFaultsAnHour: number;
  readonly diskFaultMs: number;
  /** How far the clock of an agent elsewhere may be off, ms, and how fast it may drift. */
  readonly clockOffsetMs: number;
  readonly clockDriftPpm: number;
  /** Share of the agents elsewhere that answer wrong and lie about their impedance, and how often they do. */
  readonly byzantineShare: number;
  readonly byzantineRate: number;
  /** So many messages, at once, to one agent. */
  readonly floodsAnHour: number;
  readonly floodMessages: number;
}

const NONE: FaultProfile = {
  name: "none",
  loss: 0,
  duplication: 0,
  reordering: 0,
  partitionsAnHour: 0,
  partitionShare: 0,
  partitionMs: 0,
  crashes: 0,
  workerDeathsAnHour: 0,
  workerHangsAnHour: 0,
  workerOutagesAnHour: 0,
  workerOutageMs: 0,
  workerStallsAnHour: 0,
  workerStallMs: 0,
  clusterFailuresAnHour: 0,
  mainStallsAnHour: 0,
  mainStallMs: 0,
  diskFaultsAnHour: 0,
  diskFaultMs: 0,
  clockOffsetMs: 0,
  clockDriftPpm: 0,
  byzantineShare: 0,
  byzantineRate: 0,
  floodsAnHour: 0,
  floodMessages: 0,
};

const NETWORK = {
  loss: 0.02,
  duplication: 0.02,
  reordering: 0.05,
  partitionsAnHour: 240,
  partitionShare: 0.3,
  partitionMs: 3000,
  clockOffsetMs: 200,
  clockDriftPpm: 200,
};

const CRASHES = {
  crashes: 0.002,
  workerDeathsAnHour: 720,
  workerHangsAnHour: 60,
  workerOutagesAnHour: 120,
  workerOutageMs: 8000,
  workerStallsAnHour: 360,
  workerStallMs: 150,
  clusterFailuresAnHour: 120,
  mainStallsAnHour: 120,
  mainStallMs: 500,
};

/**
 * Named mixes of faults. `default` is an hour in the life of a mesh of which most is well; the others are so bad that
 * a run of half a minute sees them all, for finding what is wrong with the runtime.
 */
export const FAULT_PROFILES: readonly FaultProfile[] = Object.freeze([
  NONE,
  {
    name: "default",
    loss: 0.001,
    duplication: 0.001,
    reordering: 0.005,
    partitionsAnHour: 4,
    partitionShare: 0.01,
    partitionMs: 5000,
    crashes: 0.0001,
    workerDeathsAnHour: 2,
    workerHangsAnHour: 0.2,
    workerOutagesAnHour: 0.1,
    workerOutageMs: 4000,
    workerStallsAnHour: 30,
    workerStallMs: 20,
    clusterFailuresAnHour: 2,
    mainStallsAnHour: 10,
    mainStallMs: 30,
    diskFaultsAnHour: 1,
    diskFaultMs: 2000,
    clockOffsetMs: 50,
    clockDriftPpm: 50,
    byzantineShare: 0.001,
    byzantineRate: 0.5,
    floodsAnHour: 4,
    floodMessages: 2000,
  },
  { ...NONE, name: "network", ...NETWORK },
  { ...NONE, name: "crashes", ...CRASHES },
  { ...NONE, name: "byzantine", byzantineShare: 0.1, byzantineRate: 0.5, clockOffsetMs: 500 },
  { ...NONE, name: "floods", floodsAnHour: 720, floodMessages: 3000 },
  {
    name: "storm",
    ...NETWORK,
    ...CRASHES,
    diskFaultsAnHour: 360,
    diskFaultMs: 2500,
    byzantineShare: 0.05,
    byzantineRate: 0.2,
    floodsAnHour: 240,
    floodMessages: 1500,
  },
]);

/** One thing that goes wrong, by script or by chance. */
export type Fault =
  | {
      readonly kind: "kill-worker";
      readonly thread: number;
      /** Where in its duty; between two steps when not given. */
      readonly at?: Failpoint;
      /** By order: no message is to blame. */
      readonly blameless?: boolean;
    }
  | { readonly kind: "hang-worker"; readonly thread: number }
  | { readonly kind: "lose-worker"; readonly thread: number; readonly ms: number }
  | { readonly kind: "stall"; readonly thread: number; readonly ms: number }
  | { readonly kind: "spoil-disk"; readonly how: DiskFault; readonly ms: number }
  | { readonly kind: "fail-cluster"; readonly cluster: number }
  | { readonly kind: "crash-agent"; readonly agent: number }
  | {
      readonly kind: "partition";
      readonly share: number;
      readonly ms: number;
      readonly sector?: number;
    }
  | { readonly kind: "flood"; readonly agent: number; readonly messages: number }
  /** This share of the agents says from now on that it takes so many times as long as it does, all of them at once. */
  | { readonly kind: "timing-attack"; readonly share: number; readonly factor: number }
  /** These agents answer a question with one right answer as nobody else does, from now on. */
  | { readonly kind: "corrupt"; readonly agents: readonly number[] };

/** A fault at a time, ms since the beginning of the run. */
export interface ScriptedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** How often each fault really happened; of frames and turns, how many were hit. */
export type FaultCounts = Record<FaultName, number>;

export const FAULT_NAMES = [
  "lost",
  "duplicated",
  "reordered",
  "partition",
  "crash-agent",
  "kill-worker",
  "hang-worker",
  "lose-worker",
  "stall-worker",
  "stall-main",
  "spoil-disk",
  "fail-cluster",
  "byzantine",
  "flood",
  "timing-attack",
  "corrupt",
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export function noFaults(): FaultCounts {
  return Object.fromEntries(FAULT_NAMES.map((name) => [name, 0])) as FaultCounts;
}
