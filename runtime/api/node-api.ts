/** How a mesh joins others of its kind on a NATS server with JetStream. */
export interface NodeOptions {
  /** URL of a server, or of several of one cluster: `nats://host:4222`, `tls://…`. */
  readonly join: string | readonly string[];
  /** Name of this node, unlike that of any other; letters, digits, `-` and `_`. Default: host and process. */
  readonly name?: string;
  /** Name of the mesh: those of one name run one mesh. Default "mesh". */
  readonly mesh?: string;
  /** A node that has not been heard of for so long is given up, and others take its sectors, ms. Default 3,000. */
  readonly leaseMs?: number;
  /** Nodes that are to come: at the start each waits so long for its share to be enough. Default 1. */
  readonly expected?: number;
  /** For so long it waits for them, ms. Default 30,000. */
  readonly patienceMs?: number;
  /** How long agents of a sector that goes to another node may finish what they have, ms. Default 2,000. */
  readonly drainMs?: number;
  /** Path of a `.creds` file, or name and password, or a token. */
  readonly credentials?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Paths of PEM files: the authority that signed the server's certificate, and one's own certificate and key. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** A node as this one sees it. */
export interface NodeStatus {
  readonly name: string;
  /** This one. */
  readonly here: boolean;
  readonly state: "alive" | "draining";
  /** Sectors that it runs. */
  readonly sectors: number;
  /** It has the orchestrator's role. */
  readonly orchestrator: boolean;
  /** One way to it, ms; absent for this node, and until it was measured. */
  readonly latencyMs?: number;
  /** Its clock less this one's, ms, and no further off than the bound. */
  readonly clockOffsetMs?: number;
  readonly clockBoundMs?: number;
}

/** The nodes of a mesh. */
export interface NodesStatus {
  /** Name of this node. */
  readonly name: string;
  /** Whether the server answers. Without it each node carries on with what it has. */
  readonly connected: boolean;
  /** By name. */
  readonly nodes: readonly NodeStatus[];
  /** Sectors that nobody runs. */
  readonly unhosted: number;
  /** Messages of this node's agents that other nodes have not finished. */
  readonly held: number;
}

/** Other nodes of a mesh; see {@link NodeOptions}. */
export interface Nodes {
  status(): NodesStatus;
  /** Name of the node that runs the sector of an address; undefined when nobody does, or it is in none. */
  hostOf(address: string): string | undefined;
}

/** This mesh as a node: `remote/` has it. */
export interface JoinedNode extends Nodes {
  /** Resolves when every sector is run by some node. */
  join(signal?: AbortSignal): Promise<void>;
  /** Gives its sectors to others, where there are any, within about `drainMs`. */
  leave(drainMs: number): Promise<void>;
  /** Says farewell, and hears nothing more. */
  close(): Promise<void>;
}
