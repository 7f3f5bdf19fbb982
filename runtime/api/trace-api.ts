/** One message of a chain. */
export interface Hop {
  /** Its sender and the number that the sender's thread gave it: `sector-1/cluster-2/agent-3#4711`. */
  readonly messageId: string;
  /** Address of its sender, or `outside`. */
  readonly from: string;
  readonly to: string;
  /** When it was sent, ms of the mesh clock. */
  readonly sentMs: number;
  /** From the sending of the message that brought it about, ms: that one's way, wait and turn. 0 for the first. */
  readonly afterMs: number;
}

/** What led to a message, and what it led to (spec 7.1). */
export interface Trace {
  /** What was asked for. */
  readonly target: string;
  /** From the first message of the chain to the one that was asked for, or the last that the agent was sent. */
  readonly hops: readonly Hop[];
  /** Whether the first was brought about by nothing, rather than by what is forgotten. */
  readonly reachedOrigin: boolean;
  /** What its turn has sent; the earliest, as many as are listed. */
  readonly effects: readonly Hop[];
  /** From the first message to the last, its effects not counted, ms. */
  readonly elapsedMs: number;
}

/** What brought messages about, as far as it is remembered: the last 16,384 sends of each thread. */
export interface Traces {
  /**
   * The chain of the message of this id, or of the last one that was sent to the agent of this address. Reads shared
   * memory only. UnknownActorError when it is neither, MESH_NOT_TRACED when nothing of it is remembered.
   */
  of(target: string): Trace;
}
