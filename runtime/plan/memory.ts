import { VACANT_SEAT } from "../../coordination/agent-state.ts";
import { placeIndices, sectorsOfShard } from "../../coordination/placement.ts";
import { type PredictorKind, predictorBytes } from "../../coordination/prediction.ts";
import { createRegistry, type Registry, registryBytes } from "../../coordination/registry.ts";
import {
  createReportCounts,
  type ReportCounts,
  reportCountsBytes,
} from "../../coordination/report-counts.ts";
import { RouteMarks, routesBytes } from "../../coordination/routes.ts";
import {
  type ClusterSummaries,
  clusterSummariesBytes,
  createClusterSummaries,
  createSectorSummaries,
  type SectorSummaries,
  sectorSummariesBytes,
} from "../../coordination/summary-columns.ts";
import {
  createTopology,
  isSeatedAtStart,
  type Topology,
  type TopologyOptions,
} from "../../coordination/topology.ts";
import { type WaitGraphSize, waitGraphBytes } from "../../coordination/wait-edges.ts";
import { WaitGraph } from "../../coordination/wait-graph.ts";
import { Custody, custodyBytes, MAX_CUSTODY_FRAME_BYTES } from "../../mailbox/custody.ts";
import { FRAME_BYTES } from "../../mailbox/frame.ts";
import {
  controlDoublesOf,
  controlOf,
  type LaneSizes,
  Lanes,
  laneSizes,
  lanesBytes,
} from "../../mailbox/lanes.ts";
import { CONTROL_WORDS } from "../../mailbox/layout.ts";
import { MessageTrace, TRACE_BYTES } from "../../mailbox/message-trace.ts";
import type { MailboxBounds } from "../../mailbox/overflow.ts";
import { ShapeTable, shapesBytes } from "../../mailbox/shapes.ts";
import type { RestartType, Supervision } from "../../supervisors/restart.ts";
import { Seats, seatsBytes } from "../../supervisors/seats.ts";
import { gatesBytes, WaveGates } from "../../supervisors/wave-gate.ts";
import type { TrustPlan } from "../trust/trust-plan.ts";

/** What the threads of a mesh know of its journal; cloneable. */
export interface JournalPlan {
  /** Which run of the mesh this is, from 1. */
  readonly run: number;
  /** Bytes of the ring from each thread to the writer. */
  readonly ringBytes: number;
  /** The mesh began with what the journal had. */
  readonly restored: boolean;
  /** How often changed states that nobody waits for are handed over, ms. */
  readonly checkpointMs: number;
  readonly memory: SharedArrayBuffer;
}

/** What every thread of a mesh is told when it starts; cloneable. */
export interface MeshPlan {
  readonly topology: TopologyOptions;
  /** Threads, main included. */
  readonly threads: number;
  readonly lanes: LaneSizes;
  readonly bounds: MailboxBounds;
  readonly maxPayloadBytes: number;
  readonly maxDeliveries: number;
  readonly heartbeatMs: number;
  readonly supervision: Supervision;
  /** Whether agents that end are started again. */
  readonly restart: RestartType;
  /** Distinct behavior modules, as URLs. */
  readonly modules: readonly string[];
  /** Module of each agent: an index into `modules`; all 0 when absent. */
  readonly moduleOf?: Uint16Array;
  /** By module: what its makers are told, and the memory that its agents share on all threads. */
  readonly moduleOptions: readonly unknown[];
  readonly moduleMemory: readonly SharedArrayBuffer[];
  readonly capabilities: readonly string[];
  readonly seed: number;
  /** How arrivals are predicted. */
  readonly predictor: PredictorKind;
  readonly memory: MeshMemory;
  /** Absent without a data folder. */
  readonly journal?: JournalPlan;
  /** Absent where nothing is signed. */
  readonly trust?: TrustPlan;
}

/** All shared memory of a mesh. Made once, by main; it outlives every worker. */
export interface MeshMemory {
  readonly control: SharedArrayBuffer;
  readonly lanes: SharedArrayBuffer;
  /** By thread. */
  readonly custody: readonly SharedArrayBuffer[];
  readonly registry: SharedArrayBuffer;
  readonly clusters: SharedArrayBuffer;
  readonly sectors: SharedArrayBuffer;
  readonly waits: SharedArrayBuffer;
  /** Shapes of messages: see `shapes.ts`. */
  readonly shapes: SharedArrayBuffer;
  /** Thread of every index (Uint8). */
  readonly placement: SharedArrayBuffer;
  /** What operations that are out agree on: see `wave-gate.ts`. */
  readonly gates: SharedArrayBuffer;
  /** Who holds which role: see `supervisors/seats.ts`. */
  readonly seats: SharedArrayBuffer;
  /** Whom traffic goes around: see `coordination/routes.ts`. */
  readonly routes: SharedArrayBuffer;
  /** What agents have said of their own timing: see `coordination/report-counts.ts`. */
  readonly reports: SharedArrayBuffer;
  /** By thread: what it has learned of its agents' arrivals; main has none. */
  readonly arrivals: readonly SharedArrayBuffer[];
  /** By thread: what it has sent lately, and why. See `message-trace.ts`. */
  readonly traces: readonly SharedArrayBuffer[];
}

/** Longest payload that can be asked for: a frame must fit in the largest slot. */
export const MAX_PAYLOAD_BYTES: number = MAX_CUSTODY_FRAME_BYTES - FRAME_BYTES - 1024;

/** Allocates the memory of a mesh; pages are touched only when used. */
export function createMemory(
  topology: Topology,
  threads: number,
  lanes: LaneSizes,
  custodyCapacityBytes: number,
  predictor: PredictorKind,
): MeshMemory {
  const placement = new SharedArrayBuffer(topology.rows);
  const threadOf = placeIndices(topology, threads - 1);
  new Uint8Array(placement).set(threadOf);
  const registry = new SharedArrayBuffer(registryBytes(topology.rows));
  const { state } = createRegistry(registry, topology.rows);
  // Nobody is in the reserve for growth: that is known before any worker looks for its agents.
  for (let agent = 0; topology.growth > 0 && agent < topology.agents; agent++)
    if (!isSeatedAtStart(topology, agent)) state[agent] = VACANT_SEAT;
  const seats = new SharedArrayBuffer(seatsBytes(topology));
  new Seats(seats, topology).begin((sector) => threadOf[topology.coordinatorBase + sector]);
  return {
    control: new SharedArrayBuffer(threads * CONTROL_WORDS * 4),
    lanes: new SharedArrayBuffer(lanesBytes(threads, lanes)),
    custody: Array.from(
      { length: threads },
      () => new SharedArrayBuffer(custodyBytes(custodyCapacityBytes)),
    ),
    registry,
    clusters: new SharedArrayBuffer(clusterSummariesBytes(topology)),
    sectors: new SharedArrayBuffer(sectorSummariesBytes(topology)),
    waits: new SharedArrayBuffer(waitGraphBytes(waitGraphSize(topology, threads))),
    shapes: new SharedArrayBuffer(shapesBytes(threads)),
    placement,
    gates: new SharedArrayBuffer(gatesBytes(topology.sectors)),
    seats,
    routes: new SharedArrayBuffer(routesBytes(topology)),
    reports: new SharedArrayBuffer(reportCountsBytes(topology)),
    arrivals: Array.from({ length: threads }, (_, thread) => {
      const agents = thread === 0 ? 0 : agentsOfShard(topology, threads, thread);
      return new SharedArrayBuffer(agents === 0 ? 0 : predictorBytes({ agents, kind: predictor }));
    }),
    traces: Array.from({ length: threads }, () => new SharedArrayBuffer(TRACE_BYTES)),
  };
}

function agentsOfShard(topology: Topology, threads: number, thread: number): number {
  const { from, to } = sectorsOfShard(topology.sectors, threads - 1, thread);
  return (to - from) * topology.agentsPerSector;
}

/** Asks of one thread's agents that can be watched for circles at once; further ones are not. */
const WATCHED_ASKS = 65_536;

function waitGraphSize(topology: Topology, threads: number): WaitGraphSize {
  return { rows: topology.rows, threads, edgesPerThread: WATCHED_ASKS };
}

/** Lane sizes that suit the plan's largest message. */
export function planLanes(threads: number, maxPayloadBytes: number): LaneSizes {
  return laneSizes(threads, maxPayloadBytes + 2 * FRAME_BYTES);
}

/** One thread's views of the shared memory. */
export interface ThreadView {
  readonly thread: number;
  readonly topology: Topology;
  readonly control: Int32Array;
  readonly controlDoubles: Float64Array;
  readonly lanes: Lanes;
  readonly custody: Custody;
  /** Words and bytes of every thread's custody, to read payloads that another thread holds. */
  readonly custodyWords: readonly Int32Array[];
  readonly custodyBytes: readonly Uint8Array[];
  readonly registry: Registry;
  readonly clusters: ClusterSummaries;
  readonly sectors: SectorSummaries;
  readonly waits: WaitGraph;
  readonly shapes: ShapeTable;
  readonly placement: Uint8Array;
  readonly gates: WaveGates;
  readonly seats: Seats;
  readonly routes: RouteMarks;
  readonly reports: ReportCounts;
  readonly traces: MessageTrace;
  /** Every thread's Lamport clock, among its other doubles. */
  readonly threadDoubles: readonly Float64Array[];
}

/** Opens the memory as `thread` in its incarnation `epoch`. */
export function viewMemory(plan: MeshPlan, thread: number, epoch: number): ThreadView {
  const { memory } = plan;
  const topology = createTopology(plan.topology);
  const registry = createRegistry(memory.registry, topology.rows);
  return {
    thread,
    topology,
    control: controlOf(memory.control, thread),
    controlDoubles: controlDoublesOf(memory.control, thread),
    lanes: new Lanes(memory.lanes, memory.control, thread, plan.threads, plan.lanes, epoch),
    custody: new Custody(memory.custody[thread]),
    custodyWords: memory.custody.map((buffer) => new Int32Array(buffer)),
    custodyBytes: memory.custody.map((buffer) => new Uint8Array(buffer)),
    registry,
    clusters: createClusterSummaries(memory.clusters, topology),
    sectors: createSectorSummaries(memory.sectors, topology),
    waits: new WaitGraph(memory.waits, waitGraphSize(topology, plan.threads), thread),
    shapes: new ShapeTable(memory.shapes, thread),
    placement: new Uint8Array(memory.placement),
    gates: new WaveGates(memory.gates, topology.sectors),
    seats: new Seats(memory.seats, topology),
    routes: new RouteMarks(memory.routes, topology, registry.class),
    reports: createReportCounts(memory.reports, topology),
    traces: new MessageTrace(memory.traces, thread),
    threadDoubles: Array.from({ length: plan.threads }, (_, each) =>
      controlDoublesOf(memory.control, each),
    ),
  };
}
