/**
 * The settings of `start`, stated once: from this table come flags, MESH_* variables, the keys of
 * mesh.yaml, their checks, their defaults and their help.
 */
import { PREDICTOR_KINDS, type PredictorKind } from "../../coordination/prediction.ts";
import type { AgentKind, AgentsByClass } from "../../runtime/api/agent-api.ts";
import type { OverflowPolicy } from "../../runtime/api/mesh-api.ts";
import { TRUST_LEVELS, type TrustLevel } from "../../runtime/trust/trust-plan.ts";
import type { RestartType } from "../../supervisors/restart.ts";
import { ROLES, type Role } from "../operator/role.ts";
import type { ListenAddress } from "./listen-address.ts";
import {
  agentSource,
  byteSize,
  choice,
  choices,
  duration,
  flag,
  hostName,
  httpUrl,
  listenAddress,
  text,
  type ValueType,
  wholeNumber,
} from "./values.ts";

/** What `start` can be told, read and checked. Undefined means: as the mesh itself has it by default. */
export interface Settings {
  readonly sectors: number;
  /** Clusters in each sector. */
  readonly clusters: number;
  /** Agents in each cluster. */
  readonly agents: number;
  readonly growth: number | undefined;
  readonly workers: number | undefined;
  /** Path or `file:` URL of the agents' module, or what else they are; undefined for the trace agents. */
  readonly agent: string | AgentKind | AgentsByClass | undefined;
  readonly traces: string | undefined;
  /** File of a frozen mesh to start from. */
  readonly thaw: string | undefined;
  readonly watch: boolean | undefined;
  readonly data: string;
  readonly store: string | undefined;
  readonly storeNode: string | undefined;
  readonly for: number | undefined;
  readonly repl: boolean;
  readonly http: ListenAddress | "off";
  readonly httpTokenFile: string | undefined;
  /** Name under which browsers reach the HTTP face. */
  readonly httpName: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly httpPlain: boolean | undefined;
  readonly requireLogin: boolean | undefined;
  readonly tokenRole: Role | "none" | undefined;
  readonly socketRole: Role | undefined;
  readonly drain: number;
  readonly heartbeat: number | undefined;
  readonly watchdog: number | undefined;
  readonly checkpoint: number | undefined;
  readonly mailboxMessages: number | undefined;
  readonly mailboxBytes: number | undefined;
  readonly mailboxOverflow: readonly OverflowPolicy[] | undefined;
  readonly maxPayload: number | undefined;
  readonly maxDeliveries: number | undefined;
  readonly custody: number | undefined;
  readonly restart: RestartType | undefined;
  readonly predictor: PredictorKind | undefined;
  readonly trust: TrustLevel | undefined;
  /** NATS servers, separated by commas, over which other nodes are met. */
  readonly join: string | undefined;
  readonly node: string | undefined;
  readonly nodes: number | undefined;
  readonly meshName: string | undefined;
  readonly lease: number | undefined;
  readonly joinCreds: string | undefined;
  readonly joinUser: string | undefined;
  readonly joinPassword: string | undefined;
  readonly joinToken: string | undefined;
  readonly joinCa: string | undefined;
  readonly joinCert: string | undefined;
  readonly joinKey: string | undefined;
  readonly seed: number | undefined;
  readonly log: "debug" | "info" | "warn" | "error" | "silent";
  readonly logFile: string | undefined;
  /** Endpoint of a language model for what the grammar of the REPL does not understand; undefined for none. */
  readonly llmUrl: URL | undefined;
  readonly llmModel: string | undefined;
}

/** A row of the table of settings. */
export interface Setting {
  readonly schema: ValueType;
  readonly help: string;
  /** What stands in the help for the value. */
  readonly value: string;
  readonly fallback?: unknown;
  /** The value is a path, relative to where it was written: the working directory or the file's own. */
  readonly path?: "file" | "folder" | "new" | "agent";
}

/** Timers of Node hold at most 24 days. */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const RESTARTS = ["permanent", "transient", "temporary"] as const;
const LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
const TOKEN_ROLES = ["none", ...ROLES] as const;
const POLICIES = ["block", "drop-oldest", "drop-newest", "reject"] as const;

/** The table. Ranges are what the mesh takes; that the whole has at most 10,000,000 agents is checked after. */
export const SETTINGS: { readonly [Key in keyof Settings]: Setting } = Object.freeze({
  sectors: setting("sectors of the mesh", "N", wholeNumber(1, 65_536), 100),
  clusters: setting("clusters in each sector", "N", wholeNumber(1, 65_536), 10),
  agents: setting("agents in each cluster", "N", wholeNumber(1, 1_000), 30),
  growth: setting(
    "agents by which the mesh can grow while it runs, in whole clusters of every sector (default: 0)",
    "N",
    wholeNumber(0, 1_000_000),
  ),
  workers: setting("threads that run agents (default: one a core)", "N", wholeNumber(1, 254)),
  agent: {
    ...setting(
      "module whose default export is the agents' behavior, or a kind as JSON (default: agents that replay traces)",
      "module.js",
      agentSource(),
    ),
    path: "agent",
  },
  watch: setting("reload agents' modules when their files change", "true|false", flag()),
  traces: {
    ...setting("folder of latency traces to replay", "dir", text("the path of a folder")),
    path: "folder",
  },
  thaw: {
    ...setting(
      "start from this frozen mesh; sectors, clusters and agents are then its own",
      "file",
      text("the path of a file"),
    ),
    path: "file",
  },
  // In the working directory and not in the home: two projects then have two meshes that do not meet,
  // and what belongs to a project lies, and is deleted, with it.
  data: {
    ...setting(
      "folder of the control socket and of what outlives the process",
      "dir",
      text("the path of a folder"),
      ".mesh-30k",
    ),
    path: "new",
  },
  store: setting(
    "PostgreSQL database in which several nodes keep their conflicts together; password: MESH_STORE_PASSWORD",
    "postgres://user@host/database",
    text("the address of a database"),
  ),
  storeNode: setting(
    "name of this node there (default: --node, else one that the data folder keeps)",
    "name",
    text("a name"),
  ),
  for: setting("stop in good order after this time", "duration", duration(1, 24 * DAY_MS)),
  repl: setting("read commands from stdin", "true|false", flag(), true),
  http: setting(
    "serve the dashboard and the HTTP API there, or off (--run: off unless it is said)",
    "host:port",
    listenAddress(),
    { host: "127.0.0.1", port: 7_300 },
  ),
  httpTokenFile: {
    ...setting(
      "file of the token that opens them; made when it is not there (default: a new token each start)",
      "file",
      text("the path of a file"),
    ),
    path: "new",
  },
  httpName: setting(
    "name under which browsers reach them, for authenticators (default: localhost, or the host of --http)",
    "name",
    hostName(),
  ),
  tlsCert: {
    ...setting(
      "certificate chain (PEM): they then speak TLS 1.3; needed beyond this machine",
      "file",
      text("the path of a file"),
    ),
    path: "file",
  },
  tlsKey: {
    ...setting("its private key (PEM), its owner's alone", "file", text("the path of a file")),
    path: "file",
  },
  httpPlain: setting(
    "speak plain HTTP beyond this machine: a proxy in front has TLS, or a container's port is published to its own " +
      "machine",
    "true|false",
    flag(),
  ),
  requireLogin: setting(
    "let in only whoever has logged in with an authenticator (always so beyond this machine)",
    "true|false",
    flag(),
  ),
  tokenRole: setting(
    `what the token may do: ${TOKEN_ROLES.join(", ")} (default: admin while nobody is enrolled, then observe, none ` +
      "where a login is required)",
    "role",
    choice(TOKEN_ROLES),
  ),
  socketRole: setting(
    `what the owner of the control socket may do: ${ROLES.join(", ")} (default: admin)`,
    "role",
    choice(ROLES),
  ),
  drain: setting(
    "how long a stopping mesh may finish its work",
    "duration",
    duration(0, DAY_MS),
    10_000,
  ),
  heartbeat: setting("period of heartbeats (default: 5s)", "duration", duration(50, HOUR_MS)),
  watchdog: setting(
    "a turn that has not yielded for this long costs its worker (default: 2s)",
    "duration",
    duration(50, HOUR_MS),
  ),
  checkpoint: setting(
    "how often changed states are put on disk: what a crash may cost of them (default: 1s)",
    "duration",
    duration(10, HOUR_MS),
  ),
  mailboxMessages: setting(
    "messages that may wait at one agent (default: 1,024)",
    "N",
    wholeNumber(1, 1_000_000),
  ),
  mailboxBytes: setting(
    "bytes that may wait at one agent (default: 1MiB)",
    "size",
    byteSize(1_024, 1_073_741_824),
  ),
  mailboxOverflow: setting(
    `what to do at those bounds, for priorities 0 to 3: four of ${POLICIES.join(", ")}`,
    "p0,p1,p2,p3",
    choices(POLICIES, 4),
  ),
  maxPayload: setting(
    "bytes of one encoded message (default: 64KiB)",
    "size",
    byteSize(1_024, 67_108_864),
  ),
  maxDeliveries: setting(
    "deliveries to dying workers before a message is quarantined as poison (default: 3)",
    "N",
    wholeNumber(1, 100),
  ),
  custody: setting(
    "memory for the unfinished messages and snapshots of each worker (default: 64MiB)",
    "size",
    byteSize(1_048_576, 1_073_741_824),
  ),
  restart: setting(
    `whether an agent that ends is started again: ${RESTARTS.join(", ")} (default: transient)`,
    "type",
    choice(RESTARTS),
  ),
  predictor: setting(
    `how lead times are predicted: ${PREDICTOR_KINDS.join(", ")} (default: arrival)`,
    "kind",
    choice(PREDICTOR_KINDS),
  ),
  trust: setting(
    `what is signed and verified: ${TRUST_LEVELS.join(", ")} (default: all; off with other nodes)`,
    "level",
    choice(TRUST_LEVELS),
  ),
  join: setting(
    "run the mesh with other nodes, over the NATS server there (several: a,b); each has its own --data",
    "nats://host:4222",
    text("the URL of a NATS server"),
  ),
  node: setting(
    "name of this node, unlike that of any other (default: host and process)",
    "name",
    text("the name of a node"),
  ),
  nodes: setting(
    "nodes that will join: until they are there each takes only its share (default: 1)",
    "N",
    wholeNumber(1, 1_000),
  ),
  meshName: setting(
    "name of the mesh among those on one NATS server (default: mesh)",
    "name",
    text("the name of a mesh"),
  ),
  lease: setting(
    "a node that is silent for so long loses its sectors to others (default: 3s)",
    "duration",
    duration(200, 600_000),
  ),
  joinCreds: { ...joining("credentials file (.creds) for the NATS server"), path: "file" },
  joinUser: setting("user at the NATS server", "name", text("a name")),
  joinPassword: setting("and the password (rather MESH_JOIN_PASSWORD)", "word", text("a password")),
  joinToken: setting("or a token (rather MESH_JOIN_TOKEN)", "token", text("a token")),
  joinCa: { ...joining("PEM of who signed the server's certificate"), path: "file" },
  joinCert: { ...joining("PEM of this node's certificate"), path: "file" },
  joinKey: { ...joining("and of its key"), path: "file" },
  seed: setting("seed of every agent's random numbers", "N", wholeNumber(0, 4_294_967_295)),
  log: setting(`one of ${LEVELS.join(", ")}`, "level", choice(LEVELS), "info"),
  logFile: {
    ...setting(
      "where the log goes (default: stderr, or mesh.log in the data folder beside a REPL)",
      "file",
      text("the path of a file"),
    ),
    path: "new",
  },
  llmUrl: setting(
    "ask this OpenAI-compatible endpoint what the grammar of plain words does not understand (default: nobody)",
    "url",
    httpUrl(),
  ),
  llmModel: setting(
    "model to ask there (default: default); its key is taken from MESH_LLM_KEY",
    "name",
    text("the name of a model"),
  ),
});

/** `logFile` as a flag without its dashes and as a key of mesh.yaml: `log-file`. */
export function flagOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `logFile` as an environment variable: `MESH_LOG_FILE`. */
export function variableOf(key: string): string {
  return `MESH_${flagOf(key).replaceAll("-", "_").toUpperCase()}`;
}

function joining(help: string): Setting {
  return setting(help, "file", text("the path of a file"));
}

function setting(help: string, value: string, schema: ValueType, fallback?: unknown): Setting {
  return { schema, help, value, fallback };
}
