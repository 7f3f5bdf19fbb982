/** How a mesh grows and shrinks while it runs (spec 10.2): types of `mesh.scale`. */

/** How many places the mesh has, and who is in them. */
export interface ScaleStatus {
  /** Places for agents, filled or not. */
  readonly places: number;
  /** Agents in them, those that are not in the routing pool among them. */
  readonly agents: number;
  /** Places that are free: so many agents can be added. */
  readonly vacant: number;
  /** Agents that are there and routed around, because they are not stable yet, were held back, or are leaving. */
  readonly outside: number;
  /** Some of those, at most 100. */
  readonly outsiders: readonly string[];
  /** What goes on; absent when nothing does. */
  readonly under?: ScaleProgress;
}

/** Where a change of size is. */
export interface ScaleProgress {
  readonly action: "add" | "admit" | "remove";
  readonly phase: "starting" | "stabilizing" | "admitting" | "draining" | "stopping";
  /** Agents that are through this phase, of all that it is about. */
  readonly done: number;
  readonly total: number;
  /** Conflicts that the new ones have reported so far. */
  readonly conflicts: number;
}

/** Options of all that changes the size. */
export interface ScaleOptions {
  /** Only says what it would do. */
  readonly dryRun?: boolean;
  /** Address of a sector or a cluster that it is about. Default: the whole mesh. */
  readonly within?: string;
  /** Hears how far it is, several times a second at most. */
  readonly onProgress?: (progress: ScaleProgress) => void;
}

/** Options of `mesh.scale.add` and `mesh.scale.admit`. */
export interface GrowOptions extends ScaleOptions {
  /** Heartbeats on end in which an agent's impedance hardly moves before it counts as stable, 1–1,000. Default 3. */
  readonly stableBeats?: number;
  /** How long the agents have to become stable, ms, 1–86,400,000. Default 10 minutes. */
  readonly timeoutMs?: number;
}

/** Options of `mesh.scale.remove`. */
export interface ShrinkOptions extends ScaleOptions {
  /** How long the agents have to finish what they were given, ms, 1–86,400,000. Default 30 s. */
  readonly drainMs?: number;
}

/** A cluster that agents are added to, or taken from. */
export interface ScaledCluster {
  /** `sector-7/cluster-11` */
  readonly cluster: string;
  readonly agents: number;
  /** Nobody was there before; of a removal: nobody is left. */
  readonly whole: boolean;
}

/** What was planned, for both ways. */
interface ScalePlan {
  readonly dryRun: boolean;
  readonly asked: number;
  /** In the order in which they are filled or left. */
  readonly clusters: readonly ScaledCluster[];
  /** Some of the agents, the first 10. */
  readonly examples: readonly string[];
  /** Messages in flight in the mesh when it began. */
  readonly inFlight: number;
  /** Places that are free now, or would be. */
  readonly vacant: number;
  readonly elapsedMs: number;
}

/** What `mesh.scale.add` and `mesh.scale.admit` did. */
export interface GrowResult extends ScalePlan {
  readonly action: "add" | "admit";
  /** Agents that have begun. */
  readonly started: number;
  /** Agents that traffic goes to now. */
  readonly admitted: number;
  /** Those that are there and routed around, and why; the first 1,000. */
  readonly heldBack: readonly { readonly address: string; readonly why: string }[];
  /** Why no further agents were let in; absent when all that were stable are. */
  readonly halted?: string;
  /** Conflicts that the new agents reported while they came in. */
  readonly conflicts: number;
  /** Whether all that was asked for is in the routing pool; of a dry run, whether it could be. */
  readonly complete: boolean;
}

/** What `mesh.scale.remove` did. */
export interface ShrinkResult extends ScalePlan {
  readonly action: "remove";
  /** Agents that have stopped. */
  readonly removed: number;
  /** Those that did not finish in time; they stay, and traffic goes to them again; the first 1,000. */
  readonly busy: readonly { readonly address: string; readonly waiting: number }[];
  readonly complete: boolean;
}

/** The size of a mesh, while it runs. One change at a time: a second one is refused with MESH_SCALING. */
export interface Scale {
  /** Read from shared memory. */
  status(): ScaleStatus;
  /**
   * Adds `count` agents: to clusters that have room, then to new ones in the least loaded sectors. They are routed
   * around until each beats, answers and has a stable profile; then they are let in step by step, while it is watched
   * whether they report conflicts. MeshError MESH_NO_ROOM when there are fewer places.
   */
  add(count: number, options?: GrowOptions): Promise<GrowResult>;
  /** Tries again with all that are there and were held back. */
  admit(options?: GrowOptions): Promise<GrowResult>;
  /**
   * Removes `count` agents, those that came last first: they are routed around, finish what they have, and stop. Their
   * places can be filled again. MeshError MESH_NO_ROOM when nobody would be left.
   */
  remove(count: number, options?: ShrinkOptions): Promise<ShrinkResult>;
}
