import type { AskOptions, SendOptions, TellOptions } from "../../actors/context.ts";
import type { Receipt } from "../../actors/receipt.ts";
import type { ActorRef, Target } from "../../actors/ref.ts";
import type { Answer } from "../../actors/result.ts";
import type { AgentImpedance } from "../../coordination/agent-impedance.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { Kpis } from "../../coordination/kpis.ts";
import type { PredictorKind } from "../../coordination/prediction.ts";
import type { ClusterSummary, GlobalStats, SectorSummary } from "../../coordination/summary.ts";
import type { Topology, TopologyOptions } from "../../coordination/topology.ts";
import type { RestartType, SupervisionOptions } from "../../supervisors/restart.ts";
import type { AgentSource, AgentsByClass } from "./agent-api.ts";
import type { BreakerOptions, CircuitEvent, Circuits } from "./circuit-api.ts";
import type { Conflicts, HumanInbox, Quarantine } from "./conflict-api.ts";
import type { Cut } from "./cut.ts";
import type { FailureReport } from "./failure-api.ts";
import type { FreezeOptions, FreezeResult, Frozen, ThawResult } from "./freeze-api.ts";
import type { HealOptions, HealResult } from "./heal-api.ts";
import type { Incident } from "./incident-api.ts";
import type { Journal } from "./journal-api.ts";

import type { Live } from "./live-api.ts";
import type { ModeEvent, Modes, OperatorOptions } from "./mode-api.ts";
import type { NodeOptions, Nodes, NodesStatus } from "./node-api.ts";
import type {
  AskGroups,
  AskSelection,
  CascadeOptions,
  CascadeResult,
  DelegateOptions,
  DelegationResult,
  Forecast,
  ForecastOptions,
  GatherOptions,
  GatherResult,
  Operation,
  PipelineOptions,
  PipelineResult,
  Routes,
} from "./operation-api.ts";
import type { ReloadOptions, ReloadResult } from "./reload-api.ts";
import type { CoordinatorReport, LeadReport, Roles } from "./roles-api.ts";
import type { Scale } from "./scale-api.ts";
import type { StoreOptions, StoreStatus } from "./store-api.ts";
import type { Tasks } from "./task-api.ts";
import type { Threat, ThreatStatus, Threats } from "./threat-api.ts";
import type { Traces } from "./trace-api.ts";
import type { Trust, TrustLevel, TrustStatus } from "./trust-api.ts";
import type { Why } from "./why-api.ts";

/** What `status` shows: spec 7.1's box and what stands behind it. Read from shared memory; costs the agents nothing. */
export interface MeshStatus {
  readonly agents: {
    readonly total: number;
    readonly active: number;
    readonly degraded: number;
    readonly offline: number;
    readonly quarantined: number;
  };
  readonly sectors: { readonly total: number; readonly healthy: number };
  /** ms on the 0–1000 scale of spec 2.3. */
  readonly meanImpedance: number;
  readonly p95Impedance: number;
  /** Since the mesh started. */
  readonly heartbeats: number;
  readonly messages: {
    /** Put on a lane or into custody, mesh-wide. */
    readonly sent: number;
    /** Taken into custody. */
    readonly accepted: number;
    readonly handled: number;
    readonly expired: number;
    readonly deadLettered: number;
    /** In custody now. */
    readonly inFlight: number;
    /** Delivered again after the death of a worker. */
    readonly redelivered: number;
    /** Refused, by priority 0 to 2, because of a flood or of the operating mode; their senders still have them. */
    readonly shed: readonly [background: number, normal: number, high: number];
    readonly conflicts: number;
    /** Frames refused because they made no sense. */
    readonly corrupt: number;
  };
  /** accepted − handled − expired − dead-lettered − in flight: 0, always. */
  readonly lost: number;
  readonly restarts: { readonly agents: number; readonly workers: number };
  readonly workers: readonly WorkerStatus[];
  readonly uptimeMs: number;
  /** Conflicts reported within the last hour; absent while nobody counts them. */
  readonly conflictsLastHour?: number;
  /** The operating mode (spec 6.3), when something has decided it; otherwise it follows from the active rate. */
  readonly mode?: "FULL" | "DEGRADED_LIGHT" | "DEGRADED_MODERATE" | "DEGRADED_SEVERE" | "EMERGENCY";
  /** How long ago the last cascade ended, ms; absent when there was none. */
  readonly lastCascadeMs?: number;
  /** `frozen` when the whole mesh stands still. */
  readonly state: "starting" | "running" | "frozen" | "stopping" | "stopped";
  /** Signatures between threads; absent where nothing is signed. */
  readonly trust?: TrustStatus;
  /** Where the log of conflicts is kept, and whether it can be reached. */
  readonly store?: StoreStatus;
  /** Threats that are open and what is in force because of them; absent when there was none. */
  readonly threats?: ThreatStatus;
  /** What is frozen, the mesh or parts of it; absent when nothing is. */
  readonly frozen?: readonly Frozen[];
  /** The nodes that run the mesh; absent where it is alone by itself. */
  readonly nodes?: NodesStatus;
}

/** One shard as the watchdog sees it. */
export interface WorkerStatus {
  /** `worker-1`, … */
  readonly name: string;
  readonly state:
    | "starting"
    | "running"
    | "parked"
    | "blocked"
    | "frozen"
    | "restarting"
    | "stopped";
  readonly agents: number;
  readonly turns: number;
  readonly restarts: number;
  /** The agent whose turn is running, and for how long, ms. */
  readonly current?: { readonly address: string; readonly sinceMs: number };
}

/** Everything `inspect` shows of one address (agent, cluster, sector or orchestrator). */
export interface Inspection {
  readonly address: string;
  readonly kind: "agent" | "lead" | "coordinator" | "orchestrator" | "spawned";
  readonly worker: string;
  readonly impedance: AgentImpedance;
  readonly restarts: number;
  /** Incarnations so far. */
  readonly generation: number;
  readonly handled: number;
  readonly failed: number;
  /** The message being handled and since when, if one is. */
  readonly current?: {
    readonly sequence: number;
    readonly sinceMs: number;
    readonly waitsOn: readonly string[];
    /** Awaiting something, its thread free for others. */
    readonly suspended: boolean;
  };
  readonly queue: { readonly depth: number; readonly bytes: number };
  /** Last failures and what the supervisor decided, newest first; bounded. */
  readonly incidents: readonly Incident[];
  /** The agent's state as its shard printed it, or why it cannot be had (its shard is blocked). */
  readonly state: { readonly value: string } | { readonly unavailable: string };
  readonly cluster?: ClusterSummary;
  readonly sector?: SectorSummary;
  /** Who leads its cluster, and who coordinates its sector. */
  readonly lead?: LeadReport;
  readonly coordinator?: CoordinatorReport;
}

export type DeadLetterReason =
  | "mailbox-full"
  | "dropped-oldest"
  | "expired"
  | "stopped"
  | "quarantined"
  | "poison"
  | "unknown-actor"
  | "undecodable"
  | "mesh-stopping"
  | "capability"
  | "circuit-open"
  /** A `volatile` message whose worker died. */
  | "volatile"
  /** Its sender is revoked, or does not live where it was sent from (see {@link MeshOptions.trust}). */
  | "untrusted";

export interface DeadLetter {
  readonly id: number;
  readonly atMs: number;
  readonly reason: DeadLetterReason;
  readonly target: string;
  readonly sender: string | undefined;
  readonly sequence: number;
  readonly priority: number;
  /** Decoded when still at hand and decodable. */
  readonly message: unknown;
}

export interface DeadLetters {
  /** Newest first. */
  list(options?: {
    readonly reason?: DeadLetterReason;
    readonly target?: string;
    readonly limit?: number;
  }): readonly DeadLetter[];
  /** Counts by reason since start, and in the window that is still open. */
  summary(): {
    readonly total: Readonly<Record<DeadLetterReason, number>>;
    readonly window: Readonly<Record<DeadLetterReason, number>>;
    readonly windowMs: number;
  };
  /** Sends a dead letter again to its target; true when it was accepted and so left the list. */
  replay(id: number): Promise<boolean>;
}

export interface AgentFilter {
  readonly class?: ImpedanceClass;
  readonly state?: "active" | "degraded" | "offline" | "quarantined";
  readonly capability?: string;
  /** `sector-7`, `sector-7/cluster-4` */
  readonly within?: string;
  /** Slowest first. */
  readonly slow?: boolean;
  /** Default 100. */
  readonly limit?: number;
}

/** What `mesh.on` tells of. */
export interface MeshEvents {
  incident: Incident;
  deadLetter: DeadLetter;
  workerLost: { readonly worker: string; readonly reason: string };
  workerBack: { readonly worker: string; readonly afterMs: number; readonly redelivered: number };
  /** An agent was made ready while starting: how many are, of how many. */
  progress: { readonly ready: number; readonly total: number };
  state: MeshStatus["state"];
  frozen: Frozen;
  thawed: ThawResult;
  /** A circuit breaker has opened, is tried, or has closed. */
  circuit: CircuitEvent;
  /** The operating mode has changed. */
  mode: ModeEvent;
  /** A module was reloaded, or was not. */
  reload: ReloadResult;
  /** A threat was found, answered, lifted, or is over. */
  threat: Threat;
}

/** A running mesh. `await using mesh = await createMesh(…)` stops it at the end of the block. */
export interface Mesh extends AsyncDisposable {
  readonly topology: Topology;
  /** Folder of what outlives the process; undefined when nothing does. */
  readonly dataDir: string | undefined;
  /** Its agent modules, as URLs. */
  readonly modules: readonly string[];
  /** What they were configured with. */
  readonly agentOptions: unknown;
  status(): MeshStatus;
  stats(): GlobalStats;
  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt;
  ask<M, A>(target: Target<M, A>, message: M, options?: AskOptions): Promise<Answer<A>>;
  /**
   * Asks a sample of the agents that a selection names, and groups their answers by value. Rejects with
   * MESH_NO_AGENT when nobody fits.
   */
  ask<Value = unknown>(
    selection: AskSelection,
    message: unknown,
    options?: AskOptions,
  ): Promise<AskGroups<Value>>;
  /** Tells what an operation would probably come to; sends nothing. */
  forecast(operation: Operation, options?: ForecastOptions): Promise<Forecast>;
  /** Has the agents of a selection READY at the same time, and gathers how they were (spec 3.2). */
  scatterGather(operation: Operation, options?: GatherOptions): Promise<GatherResult>;
  /** The same down the tree, tier by tier or class by class (spec 4.3). */
  cascade(operation: Operation, options?: CascadeOptions): Promise<CascadeResult>;
  /** Gives a task to the one agent that will have it done first, and waits for its answer (spec 7.1). */
  delegate<Value = unknown>(
    task: unknown,
    options?: DelegateOptions,
  ): Promise<DelegationResult<Value>>;
  /** Passes a message through stages (addresses, classes, capabilities): each gets what the one before answered. */
  pipeline<Value = unknown>(
    message: unknown,
    stages: readonly string[],
    options?: PipelineOptions,
  ): Promise<PipelineResult<Value>>;
  /** How well the mesh has done what it is for (spec 11). */
  kpis(): Kpis;
  /** The mesh as a picture. */
  readonly live: Live;
  /** Whom traffic goes around. */
  readonly route: Routes;
  /** The circuit breakers (spec 6.2). */
  readonly circuits: Circuits;
  /** What the mesh still dares to do (spec 6.3). */
  readonly mode: Modes;
  /** What kinds of failures were found (spec 6.1). */
  readonly failures: FailureReport;
  /** Who attacks the mesh (spec 9.2), and what is done about it. */
  readonly threats: Threats;
  /** Tells every agent of the selection down the tree, one frame a sector, and gathers their outcomes. */
  broadcast(message: unknown, options?: BroadcastOptions): Promise<BroadcastResult>;
  /** Addresses by selection, `sector-7`, `sector-7/cluster-4`, a class, a capability. */
  select(selection: string): readonly ActorRef[];
  ref(address: string): ActorRef;
  address(ref: ActorRef): string;
  inspect(address: string): Promise<Inspection>;
  /** What an agent is at and what keeps it: message, whom it waits for, the stack of a blocked worker. */
  why(address: string): Promise<Why>;
  agents(filter?: AgentFilter): readonly AgentImpedance[];
  clusters(sector: string): readonly ClusterSummary[];
  sectors(): readonly SectorSummary[];
  findBestAgents(capability: string, count: number, maxImpedance?: number): readonly string[];
  readonly deadLetters: DeadLetters;
  /** What outlives the process; undefined without a `dataDir`. */
  readonly journal: Journal | undefined;
  /** What agents found to contradict what they know: recorded for good, and resolved (spec 5.1). */
  readonly conflicts: Conflicts;
  /** Conflicting data, kept from the mesh until somebody decides. */
  readonly quarantine: Quarantine;
  /** Questions to people. */
  readonly inbox: HumanInbox;
  /** What brought messages about. */
  readonly traces: Traces;
  /** Signatures between threads; undefined where nothing is signed. */
  readonly trust: Trust | undefined;
  /** The other nodes that run this mesh; undefined without {@link MeshOptions.nodes}. */
  readonly nodes: Nodes | undefined;
  /** Recent incidents, newest first; bounded. */
  incidents(): readonly Incident[];
  /** Restarts an agent, a cluster, a sector (new state, same mailbox). Resolves when it is ready again. */
  restart(address: string): Promise<{ readonly restarted: number }>;
  /**
   * Ends an agent's incarnation at once (its supervisor decides what follows), the holder of a role (`sector-1` its
   * coordinator, `sector-1/cluster-2` its lead: another takes over), or a worker (`worker-1`: a successor does).
   */
  kill(target: string): Promise<void>;
  /**
   * Changes agents over to what their module's file says now, between two turns and with their states; a version that
   * cannot be loaded is refused, one whose agents fail within a window is taken back. `module` is a file's name, path
   * or URL; default all that are files. What the module imports is not loaded again.
   */
  reload(module?: string, options?: ReloadOptions): Promise<readonly ReloadResult[]>;
  /** Who leads and coordinates, and in which term. */
  readonly roles: Roles;
  /** Delegated tasks on their way: who is not up to them, and giving them to others. */
  readonly tasks: Tasks;
  /** How many agents there are, more and fewer of them while the mesh runs (spec 10.2). */
  readonly scale: Scale;
  /**
   * Finds what is wrong with `auto` (all), a sector, a cluster, an agent or a worker, says what it will do, does it,
   * and sees whether that helped (spec 7.1).
   */
  heal(target?: string, options?: HealOptions): Promise<HealResult>;
  /**
   * Stops all agents, or those of a sector, a cluster or one, between two messages; of the whole mesh the state is
   * preserved in a file where there is a data folder (spec 7.1). Resolves when they stand still, or names who is late.
   */
  freeze(scope?: string, options?: FreezeOptions): Promise<FreezeResult>;
  /** Lets what is frozen go on: all of it, or the part of that scope. */
  thaw(scope?: string): Promise<ThawResult>;
  /** The state of the mesh while it is frozen as a whole, as plain data. */
  cut(): Cut;
  on<E extends keyof MeshEvents>(event: E, listener: (detail: MeshEvents[E]) => void): () => void;
  /** Drains within `deadlineMs` (default 10,000), then stops in reverse order of start. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
}

export interface BroadcastOptions extends SendOptions {
  /** Default: all agents. */
  readonly select?: string;
  /** Silence after this time counts as TRANSIT, ms. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface BroadcastResult {
  readonly addressed: number;
  readonly ready: number;
  readonly conflict: number;
  /** Not heard of in time; includes agents whose handler failed. */
  readonly transit: number;
  /** Of the selection, and not addressed because their circuits are open. */
  readonly skipped: number;
  readonly elapsedMs: number;
}

/** Bounds and what to do there (docs/semantics.md). */
export interface MailboxOptions {
  /** Messages waiting at one agent. Default 1,024. */
  readonly maxMessages?: number;
  /** Bytes waiting at one agent. Default 1 MiB. */
  readonly maxBytes?: number;
  /** By priority 0…3. Default: drop-oldest, block, block, block. */
  readonly overflow?: readonly [OverflowPolicy, OverflowPolicy, OverflowPolicy, OverflowPolicy];
}

export type OverflowPolicy = "block" | "drop-oldest" | "drop-newest" | "reject";

export interface MeshOptions {
  /**
   * What the agents are: the URL or path of a module whose default export is a behavior, a kind that is ready made
   * (`{ http: { url } }`), one of these by class (`{ CLASS_A_EDGE: …, default: … }`), or a function from address to
   * one.
   */
  readonly agent:
    | AgentSource
    | AgentsByClass
    | ((address: string, impedanceClass: ImpedanceClass) => AgentSource);
  /**
   * Passed to the `configure(options)` export of every module that is given no options of its own, if it has one; must
   * be cloneable.
   */
  readonly agentOptions?: unknown;
  /** Default: that of `from`, or else 100 sectors of 10 clusters of 30 agents. */
  readonly topology?: TopologyOptions;
  /**
   * A cut of a mesh, as `readCut` has it from a file, from which this one starts: with its states, its messages and
   * what it had learned. Another topology is refused, another number of workers is not.
   */
  readonly from?: Cut;
  /** Threads that run agents. Default: one a core. */
  readonly workers?: number;
  readonly mailbox?: MailboxOptions;
  /** Encoded bytes of one message. Default 64 KiB. */
  readonly maxPayloadBytes?: number;
  /** Shared memory for each worker's unfinished messages and snapshots. Default 64 MiB. */
  readonly custodyBytes?: number;
  /** Deliveries of one message to dying workers before it is quarantined as poison. Default 3. */
  readonly maxDeliveries?: number;
  /** Default 5,000 ms (spec 4.1). */
  readonly heartbeatMs?: number;
  /** A turn that has not yielded for this long is named and its worker replaced, ms. Default 2,000. */
  readonly watchdogMs?: number;
  readonly supervision?: SupervisionOptions;
  /** Default "arrival". */
  readonly predictor?: PredictorKind;
  /** Whether an agent that ends is started again. Default "transient": after a failure, not after `ctx.stop()`. */
  readonly restart?: RestartType;
  /**
   * Folder of what outlives the process: the log of conflicts, frozen meshes, the journal. Made when missing. Without
   * it nothing is written, and what would have been is kept in memory, within bounds.
   */
  readonly dataDir?: string;
  /**
   * PostgreSQL database in which several nodes keep their log of conflicts together, instead of each in its folder:
   * `postgres://user@host/database`. It is reached while the mesh starts, or that rejects with MESH_STORE.
   */
  readonly store?: string | StoreOptions;
  /**
   * Begins anew with an empty journal and sets the old one aside, beside it. Default: goes on with the states and
   * messages of the journal.
   */
  readonly fresh?: boolean;
  /** How often states that have changed are put on disk, ms: what of them a crash may cost. Default 1,000. */
  readonly checkpointMs?: number;
  /**
   * What is signed by the thread that sends it and verified by the one that takes it: `all` that crosses a thread, what
   * enters the process and is passed on (`boundary`), or nothing. Keys are those of `keys init`, or else live as long
   * as the process. Default "all"; "off" with `nodes`, of which no other is possible yet.
   */
  readonly trust?: TrustLevel;
  /**
   * Runs the mesh together with other processes, on this machine or others, over a NATS server with JetStream: each
   * runs some of the sectors, and takes over those of one that dies. All must have the same topology and agents.
   */
  readonly nodes?: NodeOptions;
  /** `pino` level. Default "info"; "silent" for none. */
  readonly log?: "debug" | "info" | "warn" | "error" | "silent";
  /** Where logs go: a file path, or stderr by default. */
  readonly logFile?: string;
  /** Thresholds and times of the circuit breakers. Default: those of spec 6.2. */
  readonly breakers?: BreakerOptions;
  /** Whom to ask and what to call when the mesh is impaired (spec 6.3). */
  readonly operators?: OperatorOptions;
  /** Reloads the agents' modules when their files change, as {@link Mesh.reload} does. Default false. */
  readonly watch?: boolean | ReloadOptions;
  /** Seed of every agent's `ctx.random`; default from the system. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MeshEvents["progress"]) => void;
}
