/** Who leads a cluster. */
export interface LeadReport {
  /** `sector-1/cluster-2` */
  readonly cluster: string;
  /** Address of the agent that holds the role; undefined when none of the cluster's agents can. */
  readonly heldBy: string | undefined;
  /** How often the role has been given; what was decided in an earlier term and not done is void. */
  readonly term: number;
  /** Cluster whose lead cares for this one's agents, because it has failed; undefined when its own does. */
  readonly adoptedBy: string | undefined;
  /** Failed clusters whose agents this one's lead cares for. */
  readonly caresFor: readonly string[];
}

/** Who coordinates a sector. */
export interface CoordinatorReport {
  /** `sector-1` */
  readonly sector: string;
  /** `worker-1`, or `main` while no worker can. */
  readonly heldBy: string;
  readonly term: number;
  /** The worker that has the sector's agents. */
  readonly home: string;
  /** Who takes over when its home is lost. */
  readonly backup: string;
}

/** The roles of the tree: who holds them, and what is done about those who fail (docs/semantics.md, Roles). */
export interface Roles {
  /** The lead of the cluster of an address (of a cluster or an agent). UnknownActorError for any other address. */
  lead(address: string): LeadReport;
  /** The coordinator of the sector of an address (of a sector, a cluster or an agent). */
  coordinator(address: string): CoordinatorReport;
  /**
   * Gives a cluster up: another lead of its sector cares for its agents until `heal` or `restart` brings them home.
   * False when no other cluster of the sector can.
   */
  giveUp(cluster: string): Promise<boolean>;
}
