/** `keys`: the identities of a mesh, made, listed, renewed and revoked (spec 9.1). */
import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import type { IndexRange } from "../../coordination/placement.ts";
import { createTopology, kindOf, type Topology } from "../../coordination/topology.ts";
import { systemClock } from "../../runtime/machine/clock.ts";
import { keyPaths } from "../../runtime/trust/key-files.ts";
import { type KeyProgress, KeyStore } from "../../runtime/trust/key-store.ts";
import { fingerprintOf } from "../../trust/identity.ts";
import { type Asker, type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, flag, text, wholeNumber } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const ACTIONS = ["init", "list", "rotate", "revoke"] as const;
type Action = (typeof ACTIONS)[number];
/** Identities that are listed one by one; of more only the counts are. */
const MOST_LISTED = 1_000;

const COLUMNS: readonly Column[] = [
  { heading: "IDENTITY" },
  { heading: "FINGERPRINT" },
  { heading: "SERIAL", align: "right" },
  { heading: "UNTIL" },
  { heading: "STATE" },
];

interface Shape {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
}

/** What `keys --json` prints. */
interface Outcome {
  readonly action: Action;
  readonly dryRun: boolean;
  readonly folder: string;
  readonly scope: string;
  /** Hexadecimal; null where a dry run has not made one. */
  readonly meshId: string | null;
  /** Of the root's key: what an outsider pins. */
  readonly root: string | null;
  readonly sectors: number;
  /** Agents that the scope names. */
  readonly agents: number;
  readonly states: Readonly<Record<"valid" | "due" | "expired" | "revoked", number>>;
  /** Number of the list of what is revoked; 0 when nothing ever was. */
  readonly revocations: number;
  /** When a mesh that runs renews what is due next, ms since 1970; null where nothing is issued. */
  readonly nextRotationMs: number | null;
  readonly identities: readonly Listed[];
}

interface Listed {
  readonly address: string;
  readonly fingerprint: string;
  readonly serial: number;
  readonly notAfterMs: number;
  readonly state: "valid" | "due" | "expired" | "revoked";
}

interface Given {
  readonly action: Action | undefined;
  readonly scope: string | undefined;
  readonly dryRun: boolean | undefined;
  readonly sectors: number | undefined;
  readonly clusters: number | undefined;
  readonly agents: number | undefined;
}

/** `keys [init|list|rotate [SCOPE]|revoke SCOPE]`. */
export const keysCommand: MeshCommand = meshCommand({
  name: "keys",
  help: "Make, list, renew and revoke the identities of agents.",
  details:
    "They lie under keys/ of the data folder: certificates in the open, seeds sealed with AES-256-GCM under the " +
    "passphrase in MESH_KEYS_PASSPHRASE or, without one, under the key file that MESH_KEYS_FILE names (default: " +
    "keys/seal.key, made by init, its owner's alone; keep it on another disk). A rotation issues new keys while old " +
    "ones hold until they end; a mesh that runs does it by itself unless its trust is off, on their twentieth day. " +
    "What was revoked is refused at once where trust is not off, and stays " +
    "revoked: rotate gives new keys. Works where no mesh runs; sizes are those of the mesh, or of --sectors, " +
    "--clusters and --agents.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "init, list (default), rotate or revoke",
      place: "positional",
      complete: ACTIONS,
    },
    scope: {
      schema: text("`all` or an address").optional(),
      help: "all (default, but for revoke), or a sector, a cluster, an agent",
      place: "positional",
      complete: "address",
    },
    sectors: {
      schema: wholeNumber(1, 65_536).optional(),
      help: "init without a mesh: sectors (default: 100)",
      value: "N",
    },
    clusters: {
      schema: wholeNumber(1, 65_536).optional(),
      help: "init without a mesh: clusters a sector (default: 10)",
      value: "N",
    },
    agents: {
      schema: wholeNumber(1, 1_000).optional(),
      help: "init without a mesh: agents a cluster (default: 30)",
      value: "N",
    },
    dryRun: { schema: flag().optional(), help: "show what it would touch, and do nothing" },
  },
  examples: [
    "keys init",
    "keys list sector-7",
    "keys rotate sector-7 --dry-run",
    "keys revoke sector-7/cluster-4/agent-12",
  ],
  changes: ({ action, dryRun }) => dryRun !== true && action !== undefined && action !== "list",
  destroys: true,
  check: ({ action, scope, sectors, clusters, agents }) => {
    if (action === "revoke" && scope === undefined)
      throw new UsageError(
        "keys: revoke: expected an address or `all`, got nothing",
        "keys",
        "scope",
      );
    if (action === "init" && scope !== undefined)
      throw new UsageError("keys: init makes all identities: expected no scope", "keys", "scope");
    if (action !== "init" && (sectors ?? clusters ?? agents) !== undefined)
      throw new UsageError("keys: --sectors, --clusters and --agents are for init", "keys");
  },
  run: async ({ mesh, tell }, args): Promise<Outcome> => {
    if (mesh.dataDir === undefined)
      throw new UsageError("keys: this mesh has no data folder: start it with --data", "keys");
    const asker = { env: process.env, ...(tell && { tell }) };
    const outcome = await act(mesh.dataDir, args, asker, mesh.topology);
    if (args.dryRun !== true) mesh.trust?.refresh();
    return outcome;
  },
  withoutMesh: (dataDir, args, asker) => act(dataDir, args, asker),
  render: renderOutcome,
});

async function act(
  dataDir: string,
  given: Given,
  { env, tell }: Asker,
  running?: Topology,
): Promise<Outcome> {
  const { action = "list", dryRun = false } = given;
  const progress: KeyProgress = (made, total) =>
    tell?.(`${formatNumber(made)} of ${formatNumber(total)} identities`);
  if (action === "init") {
    const shape = running ?? {
      sectors: given.sectors ?? 100,
      clustersPerSector: given.clusters ?? 10,
      agentsPerCluster: given.agents ?? 30,
    };
    const topology = topologyOf(shape);
    if (dryRun) return planned(dataDir, topology);
    const store = await KeyStore.init(dataDir, shape, env, progress);
    return outcomeOf(store, dataDir, action, "all", rowsOf(topology, "all"), false);
  }
  const store = KeyStore.open(dataDir, env);
  const scope = given.scope ?? "all";
  const rows = rowsOf(topologyOf(store.identities.shape), scope);
  if (action === "rotate" && !dryRun) await store.rotate(rows, progress);
  if (action === "revoke" && !dryRun) store.revoke(rows);
  return outcomeOf(store, dataDir, action, scope, rows, dryRun);
}

function topologyOf({ sectors, clustersPerSector, agentsPerCluster }: Shape): Topology {
  return createTopology({ sectors, clustersPerSector, agentsPerCluster, spawnCapacity: 0 });
}

/** The rows of the agents that a scope names. */
function rowsOf(topology: Topology, scope: string): IndexRange {
  if (scope === "all") return { from: 0, to: topology.agents };
  const index = indexOfAddress(topology, scope);
  const kind = index < 0 ? "none" : kindOf(topology, index);
  const { agentsPerCluster, agentsPerSector, leadBase, coordinatorBase } = topology;
  const run = (place: number, length: number): IndexRange => ({
    from: place * length,
    to: (place + 1) * length,
  });
  if (kind === "agent") return run(index, 1);
  if (kind === "lead") return run(index - leadBase, agentsPerCluster);
  if (kind === "coordinator") return run(index - coordinatorBase, agentsPerSector);
  throw new UsageError(
    `keys: scope: expected all, or a sector, cluster or agent of ${topology.sectors} × ` +
      `${topology.clustersPerSector} × ${agentsPerCluster}, got ${JSON.stringify(scope)}`,
    "keys",
    "scope",
  );
}

function planned(dataDir: string, { sectors, agents }: Topology): Outcome {
  const states = { valid: 0, due: 0, expired: 0, revoked: 0 };
  const { folder } = keyPaths(dataDir);
  const none = { meshId: null, root: null, revocations: 0, nextRotationMs: null, identities: [] };
  return { action: "init", dryRun: true, folder, scope: "all", sectors, agents, states, ...none };
}

function outcomeOf(
  store: KeyStore,
  dataDir: string,
  action: Action,
  scope: string,
  rows: IndexRange,
  dryRun: boolean,
): Outcome {
  const nowMs = systemClock.nowMs();
  const topology = topologyOf(store.identities.shape);
  const states = { valid: 0, due: 0, expired: 0, revoked: 0 };
  const identities: Listed[] = [];
  const isListed = action === "list" && rows.to - rows.from <= MOST_LISTED;
  for (let row = rows.from; row < rows.to; row++) {
    const { certificate, state } = store.stateOf(row, nowMs);
    states[state]++;
    if (!isListed) continue;
    const { serial, notAfterMs, publicKey } = certificate;
    const fingerprint = fingerprintOf(publicKey);
    identities.push({ address: addressOf(topology, row), fingerprint, serial, notAfterMs, state });
  }
  return {
    action,
    dryRun,
    folder: keyPaths(dataDir).folder,
    scope,
    meshId: Buffer.from(store.identities.meshId).toString("hex"),
    root: fingerprintOf(store.rootKey),
    sectors: topology.sectors,
    agents: rows.to - rows.from,
    states,
    revocations: store.revoked.number,
    nextRotationMs: store.nextRotationMs,
    identities,
  };
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  const { action, dryRun, scope, agents, folder, root, meshId } = outcome;
  const many = `${formatNumber(agents)} ${agents === 1 ? "identity" : "identities"}`;
  if (dryRun && action !== "list") {
    const what = { init: "make", rotate: "renew", revoke: "revoke" }[action];
    return `Would ${what} ${many} (${scope}) in ${folder}; nothing was done`;
  }
  const next = new Date(outcome.nextRotationMs ?? 0).toISOString();
  const facts = [
    `mesh ${meshId}`,
    `root ${root}`,
    statesOf(outcome),
    `next rotation ${next}, by a mesh that runs with trust`,
  ];
  if (action === "list") {
    const page = table(COLUMNS, outcome.identities.map(rowOf), "", paint);
    return [...(outcome.identities.length > 0 ? [page] : []), many, ...facts].join("\n");
  }
  const done = { init: "Made", rotate: "Renewed", revoke: "Revoked" }[action];
  const after =
    action === "revoke" ? [`To let them speak again: mesh-30k keys rotate ${scope}`] : [];
  return [`${paint.green(done)} ${many} (${scope}) in ${folder}`, ...facts, ...after].join("\n");
}

function rowOf({ address, fingerprint, serial, notAfterMs, state }: Listed): string[] {
  const until = new Date(notAfterMs).toISOString();
  return [address, fingerprint, String(serial), until, state];
}

function statesOf({ states }: Outcome): string {
  const parts = Object.entries(states).filter(([, count]) => count > 0);
  return parts.map(([state, count]) => `${formatNumber(count)} ${state}`).join(", ");
}
