import { MeshError } from "../../actors/errors.ts";
import type { ArrivalShare } from "../../coordination/arrival-move.ts";
import type { OperationKind } from "../../coordination/operation-record.ts";
import {
  createTopology,
  type Topology,
  type TopologyOptions,
  type TopologySize,
} from "../../coordination/topology.ts";
import type { Belonging } from "../../mailbox/belonging.ts";
import type { Shape } from "../../mailbox/shapes.ts";
import type { AvoidedRoute } from "./operation-api.ts";

/**
 * A mesh at one moment, as plain data: what the successors of all its workers would find, had all of them died
 * between two cycles at once; and what agents have besides: timers, spawned children, death watches. An unfinished turn
 * has not happened, its message waits. A mesh can be started from one, with another number of workers.
 */
export interface Cut {
  readonly version: typeof CUT_VERSION;
  /** When, ms of the mesh clock, which is that of the world: it goes on in another process. */
  readonly takenMs: number;
  readonly topology: TopologySize & Pick<TopologyOptions, "classes">;
  /** Highest incarnation of any of its threads: a mesh that starts from it counts on, so that no id comes twice. */
  readonly epoch: number;
  /** Shapes by number (`mailbox/shapes.ts`) of all payloads below. */
  readonly shapes: readonly Shape[];
  /** States of the agents that save them, by index. */
  readonly snapshots: readonly CutSnapshot[];
  /** What was accepted and not finished, in the order in which each target gets it. */
  readonly messages: readonly CutMessage[];
  /** What agents have besides states and messages, in the order in which they came by it; a child after its parent. */
  readonly belongings: readonly Belonging[];
  /** Parts of operations at their sectors. */
  readonly operations: readonly CutOperation[];
  /** Operations that are out, as the orchestrator had them: who starts from the cut goes on with them. */
  readonly gathers: readonly CutGather[];
  /** Of the registry's rows. */
  readonly registry: CutRegistry;
  /** What is known of the agents' arrivals. */
  readonly arrivals: CutArrivals;
  /** Whom traffic goes around. */
  readonly routes: readonly AvoidedRoute[];
  readonly counts: CutCounts;
}

export const CUT_VERSION = 2;

/** The encoded snapshot of one agent. */
export interface CutSnapshot {
  readonly agent: number;
  readonly bytes: Uint8Array;
}

export type CutMessageKind = "tell" | "ask" | "signal";

/** One message that waits for its turn. Of an ask only the question is left: nobody waits for the answer. */
export interface CutMessage {
  readonly kind: CutMessageKind;
  readonly target: number;
  /** Index of the sender; −1 when it came from outside. */
  readonly sender: number;
  /** 0 to 3. */
  readonly priority: number;
  /** With the sender it identifies the message. */
  readonly sequence: number;
  readonly createdMs: number;
  /** Time to live that was left when the cut was taken, ms; Infinity without a bound. */
  readonly leftMs: number;
  /** What the payload is: `bytes`, `number`, or nothing at all. */
  readonly payload: { readonly bytes: Uint8Array } | { readonly number: number } | undefined;
  /** It has been in a dead worker's custody. */
  readonly redelivered: boolean;
  /** Workers that died while it ran. */
  readonly deaths: number;
  /** Of a durable message: its origin (`mailbox/journal-entry.ts`), under which the journal has it. */
  readonly origin?: number;
}

/** One sector's part of an operation. */
export interface CutOperation {
  /** Number of the operation. */
  readonly operation: number;
  readonly sector: number;
  /** T, ms of the mesh clock; 0 when as soon as can be. */
  readonly arrivalMs: number;
  /** ms of the mesh clock; 0 for none. */
  readonly deadlineMs: number;
  readonly addressed: number;
  readonly done: number;
  /** Its agents that are done, in CONFLICT, failed, skipped, have acted: words of one bitmap after the other. */
  readonly progress: readonly number[];
}

/** An operation that is out. Times are ms of the mesh clock. */
export interface CutGather {
  readonly operation: number;
  /** Number of the first attempt, of an operation that is tried again. */
  readonly root?: number;
  readonly kind: OperationKind;
  readonly createdMs: number;
  /** T; 0 when as soon as can be. */
  readonly arrivalMs: number;
  readonly closeMs: number;
  readonly deadlineMs: number;
  readonly windowMs: number;
  readonly readyBy: number;
  readonly priority: number;
  /** `OperationFlag`s (`mailbox/operation-frame.ts`). */
  readonly flags: number;
  /** Sectors that have to confirm before anything goes out; 0 when they have. */
  readonly threshold: number;
  readonly thresholds: {
    readonly requiredReadyRate: number;
    readonly maxConflictRate: number;
    readonly maxTransitRate: number;
  };
  /** What its agents get, and what travels beside it, encoded. */
  readonly payload: Uint8Array;
  readonly shares: readonly CutShare[];
}

/** What the orchestrator knows of one sector's part. */
export interface CutShare {
  readonly sector: number;
  /** Whom it addresses, a bit for each agent of the sector. */
  readonly map: readonly number[];
  /** As `progress` of its part. */
  readonly maps: readonly number[];
  /** The sector has told its last. */
  readonly final: boolean;
  /** The sector has its part, or had it. */
  readonly sent: boolean;
}

/** Columns of the registry (`coordination/registry.ts`) by name, as their bytes, little-endian. */
export interface CutRegistry {
  readonly rows: number;
  readonly columns: Readonly<Record<string, Uint8Array>>;
}

/** The predictors' memory, by the thread that kept it. */
export interface CutArrivals {
  readonly kind: string;
  readonly shares: readonly ArrivalShare[];
}

/** Counts since the mesh began. `inFlight` is what the cut holds: messages and parts of operations. */
export interface CutCounts {
  readonly sent: number;
  readonly accepted: number;
  readonly handled: number;
  readonly expired: number;
  readonly deadLettered: number;
  readonly inFlight: number;
  readonly conflicts: number;
  readonly restarts: number;
  readonly redelivered: number;
  readonly heartbeats: number;
}

/** A cut from which no mesh can be started: says in which part, and why. */
export class CutError extends MeshError {
  constructor(part: string, sentence: string) {
    super("MESH_CUT", `${part}: ${sentence}`);
  }
}

/** Longest wait of a timer, ms; what is asked of one more is its own time to be late. */
const MAX_TIMER_MS = 2 ** 41;
/** Agent modules of a mesh are counted in 16 bits. */
const MAX_MODULES = 65_535;
/** Above this the ids of a thread's incarnations run out. */
const MAX_EPOCH = 8000;

/**
 * Throws CutError unless the cut is whole: nothing in it points outside of its topology, and
 * accepted = handled + expired + deadLettered + what it holds.
 */
export function checkCut(cut: Cut): void {
  if (cut.version !== CUT_VERSION)
    throw new CutError("version", `expected ${CUT_VERSION}, got ${cut.version}`);
  const topology = createTopology(cut.topology);
  const { rows, agents, sectors } = topology;
  within("epoch", "epoch", cut.epoch, 0, MAX_EPOCH);
  for (const { agent } of cut.snapshots) within("snapshots", "agent", agent, 0, rows - 1);
  for (const message of cut.messages) {
    within("messages", "target", message.target, 0, rows - 1);
    within("messages", "sender", message.sender, -1, rows - 1);
    within("messages", "priority", message.priority, 0, 3);
  }
  for (const belonging of cut.belongings) checkBelonging(belonging, topology);
  for (const { sector } of cut.operations) within("operations", "sector", sector, 0, sectors - 1);
  for (const { shares } of cut.gathers)
    for (const { sector } of shares) within("gathers", "sector", sector, 0, sectors - 1);
  within("registry", "rows", cut.registry.rows, rows, rows);
  for (const { from, to } of cut.arrivals.shares) {
    within("arrivals", "to", to, 0, agents);
    within("arrivals", "from", from, 0, to);
  }
  checkBalance(cut);
}

function checkBelonging(belonging: Belonging, { rows, spawnBase }: Topology): void {
  const part = "belongings";
  switch (belonging.kind) {
    case "timer":
      within(part, "agent", belonging.agent, 0, rows - 1);
      within(part, "leftMs", Math.floor(belonging.leftMs), -MAX_TIMER_MS, MAX_TIMER_MS);
      within(part, "periodMs", Math.floor(belonging.periodMs), 0, MAX_TIMER_MS);
      break;
    case "child":
      within(part, "child", belonging.child, spawnBase, rows - 1);
      within(part, "parent", belonging.parent, 0, rows - 1);
      within(part, "module", belonging.module, 0, MAX_MODULES);
      break;
    case "watch":
      within(part, "watcher", belonging.watcher, 0, rows - 1);
      within(part, "watched", belonging.watched, 0, rows - 1);
      break;
    case "sent":
      within(part, "agent", belonging.agent, 0, rows - 1);
      break;
    default:
      belonging satisfies never;
  }
}

function within(part: string, field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new CutError(part, `${field}: expected ${least} to ${most}, got ${value}`);
}

function checkBalance({ counts, messages, operations }: Cut): void {
  const { accepted, handled, expired, deadLettered, inFlight } = counts;
  const held = messages.length + operations.length;
  if (inFlight === held && accepted === handled + expired + deadLettered + held) return;
  throw new CutError(
    "counts",
    `accepted ${accepted} is not handled ${handled} + expired ${expired} + dead-lettered ${deadLettered} + ` +
      `in flight ${inFlight}, of which ${held} are there`,
  );
}
