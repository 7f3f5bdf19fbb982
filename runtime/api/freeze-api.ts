/** What `mesh.freeze` may be told. */
export interface FreezeOptions {
  /**
   * Where the state is preserved: a file's path, or false for nowhere. Default: a file of its own in `frozen/` of
   * the mesh's data folder, nowhere without one. Only a whole mesh has a state to preserve.
   */
  readonly file?: string | false;
  /** How long to wait for all workers to stand still, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/** How a mesh, or a part of it, was frozen (spec 7.1). */
export interface FreezeResult extends Frozen {
  /** From the order until every worker stood still, ms. */
  readonly barrierMs: number;
  /** Turns that await something, and go on when the mesh does. */
  readonly suspended: number;
  /** What is preserved; undefined for a part of a mesh, and while somebody is late. */
  readonly preserved?: Preserved;
}

/** What a cut holds. */
export interface Preserved {
  /** Where; undefined when it is nowhere but in this process. */
  readonly file?: string;
  readonly bytes?: number;
  /** How long it took to write, ms. */
  readonly writeMs?: number;
  readonly snapshots: number;
  /** Agents whose state is not saved: from the file they begin anew, by `init`. */
  readonly withoutSnapshot: number;
  readonly messages: number;
  readonly timers: number;
  /** Spawned children. */
  readonly children: number;
  /**
   * Timers and spawned children that are not preserved: the behavior of a child is no export of an agent module, or
   * custody has no room. From the file a child that is missing is told of as `lost`.
   */
  readonly unkept: number;
  /** Operations that are out: who starts from the file goes on with them. */
  readonly operations: number;
}

/** What is frozen, and since when. */
export interface Frozen {
  /** `all`, or the address of a sector, a cluster or an agent. */
  readonly scope: string;
  readonly sinceMs: number;
  /** Agents that get no turns. */
  readonly agents: number;
  /** Workers that do not stand still yet; each stops at its next boundary. */
  readonly late: readonly LateWorker[];
  readonly file?: string;
}

/** A worker that the freeze has not reached. */
export interface LateWorker {
  /** `worker-1` */
  readonly worker: string;
  /** Who holds it up, where that is known. */
  readonly address?: string;
  /** How long it has not come to a boundary, ms. */
  readonly sinceMs: number;
}

/** How a mesh goes on. */
export interface ThawResult {
  readonly scope: string;
  readonly agents: number;
  /** How long it stood still, ms: its timers and times to live are as much later. */
  readonly stoodMs: number;
  /** From the order until every worker goes again, ms. */
  readonly thawMs: number;
}
