/** `certs`: the certificates of TLS between machines, made, listed and renewed (spec 9.1). */
import {
  DEFAULT_DAYS,
  MOST_DAYS,
  TIERS,
  type Tier,
  type TierCertificate,
  TierCertificates,
  type TierRequest,
} from "../../runtime/trust/tier-certificates.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, flag, text, wholeNumber } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const ACTIONS = ["init", "list", "issue", "rotate"] as const;
type Action = (typeof ACTIONS)[number];

const COLUMNS: readonly Column[] = [
  { heading: "NAME" },
  { heading: "TIER" },
  { heading: "HOSTS" },
  { heading: "UNTIL" },
  { heading: "STATE" },
  { heading: "FINGERPRINT" },
];

/** What `certs --json` prints. */
interface Outcome {
  readonly action: Action;
  readonly dryRun: boolean;
  readonly folder: string;
  /** Names of what was made or renewed, or would be. */
  readonly made: readonly string[];
  /** All that there is now; empty where a dry run of init has made nothing. */
  readonly certificates: readonly TierCertificate[];
}

interface Given {
  readonly action: Action | undefined;
  readonly name: string | undefined;
  readonly tier: Tier | undefined;
  readonly hosts: string | undefined;
  readonly days: number | undefined;
  readonly dryRun: boolean | undefined;
}

/** `certs [init|list|issue NAME|rotate [NAME|all|ca]]`. */
export const certsCommand: MeshCommand = meshCommand({
  name: "certs",
  help: "Make, list and renew the certificates of TLS between machines.",
  details:
    "They lie under certs/ of the data folder: ca.pem, whom all trust; NAME.pem, certificate and key of one machine, " +
    "its owner's alone; and the authority's key, sealed as those of keys are (MESH_KEYS_PASSPHRASE, or the key file " +
    "keys/seal.key or MESH_KEYS_FILE). init makes the authority, and certificates of a server (nats-server, " +
    "PostgreSQL), the orchestrator and a first node; issue NAME one for a further machine. They hold for 30 days " +
    "(--days). rotate renews those of which less than a third of that is left; with a name, that one; with all, " +
    "all; the old ones hold until they end. rotate ca makes a new authority: hand out ca.pem, which then has both, " +
    "before rotate all. Exit code 1 of list when one has ended.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "init, list (default), issue or rotate",
      place: "positional",
      complete: ACTIONS,
    },
    name: {
      schema: text("a name").optional(),
      help: "issue: of the machine; rotate: of the machine, all, or ca",
      place: "positional",
    },
    tier: {
      schema: choice(TIERS).optional(),
      help: `issue: ${TIERS.join(", ")} (default: node)`,
      value: "tier",
      complete: TIERS,
    },
    hosts: {
      schema: text("names or addresses with commas between them").optional(),
      help: "names and addresses of a server (init default: localhost,127.0.0.1,::1)",
      value: "a,b",
    },
    days: {
      schema: wholeNumber(1, MOST_DAYS).optional(),
      help: "how long they hold (default: 30; rotate: as long as before)",
      value: "N",
    },
    dryRun: { schema: flag().optional(), help: "show what it would make, and do nothing" },
  },
  examples: [
    "certs init --hosts nats,localhost,127.0.0.1",
    "certs issue node-2",
    "certs rotate --dry-run",
    "certs rotate ca",
  ],
  changes: ({ action, dryRun }) => dryRun !== true && action !== undefined && action !== "list",
  destroys: true,
  check: ({ action = "list", name, tier, hosts, days }) => {
    const refuse = (sentence: string): never => {
      throw new UsageError(`certs: ${sentence}`, "certs");
    };
    if (action === "issue" && name === undefined) refuse("issue: expected a name, got nothing");
    if ((action === "init" || action === "list") && name !== undefined)
      refuse(`${action}: expected no name, got ${JSON.stringify(name)}`);
    if (action !== "issue" && tier !== undefined) refuse("--tier is for issue");
    if (action !== "issue" && action !== "init" && hosts !== undefined)
      refuse("--hosts is for init and issue");
    if ((action === "list" || name === "ca") && days !== undefined)
      refuse("--days is for init, issue and rotate of certificates");
  },
  run: async ({ mesh }, args): Promise<Outcome> => {
    if (mesh.dataDir === undefined)
      throw new UsageError("certs: this mesh has no data folder: start it with --data", "certs");
    return act(mesh.dataDir, args, process.env);
  },
  withoutMesh: (dataDir, args, { env }) => act(dataDir, args, env),
  render: renderOutcome,
  failed: ({ action, certificates }) =>
    action === "list" && certificates.some(({ state }) => state === "expired"),
});

async function act(
  dataDir: string,
  given: Given,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Outcome> {
  const { action = "list", dryRun = false } = given;
  const store = new TierCertificates(dataDir, env);
  const made = dryRun ? plan(store, given) : await change(store, given);
  const certificates = store.exists || action !== "init" ? store.list() : [];
  return { action, dryRun, folder: store.folder, made, certificates };
}

function plan(store: TierCertificates, given: Given): readonly string[] {
  const { action = "list", name } = given;
  if (action === "init") return ["ca", ...requestsOf(given).map((request) => request.name)];
  if (action === "issue") return [String(name)];
  if (action === "rotate")
    return name === "ca" ? ["ca"] : store.toRotate(name).map((certificate) => certificate.name);
  return [];
}

async function change(store: TierCertificates, given: Given): Promise<readonly string[]> {
  const { action = "list", name, days } = given;
  switch (action) {
    case "init":
    case "issue": {
      const requests = requestsOf(given);
      if (action === "init") await store.init(requests);
      else await store.issue(requests[0]);
      return plan(store, given);
    }
    case "rotate":
      if (name !== "ca") return store.rotate(name, days);
      await store.rotateAuthority();
      return ["ca"];
    case "list":
      return [];
    default:
      return action satisfies never;
  }
}

function requestsOf({ action, name, tier = "node", hosts, days }: Given): readonly TierRequest[] {
  const common = { days: days ?? DEFAULT_DAYS };
  const named = hosts?.split(",").map((host) => host.trim()) ?? [];
  if (action === "issue") return [{ name: String(name), tier, hosts: named, ...common }];
  const here = named.length > 0 ? named : ["localhost", "127.0.0.1", "::1"];
  return [
    { name: "server", tier: "server", hosts: here, ...common },
    { name: "orchestrator", tier: "orchestrator", hosts: [], ...common },
    { name: "node-1", tier: "node", hosts: [], ...common },
  ];
}

function renderOutcome(
  { action, dryRun, folder, made, certificates }: Outcome,
  paint: Paint,
): string {
  if (dryRun && action !== "list") {
    const what = made.length === 0 ? "nothing: none is due" : made.join(", ");
    return `Would ${action === "rotate" ? "renew" : "make"} ${what} in ${folder}; nothing was done`;
  }
  const rows = certificates.map(({ name, tier, hosts, notAfterMs, state, fingerprint }) => [
    name,
    tier,
    hosts.join(" ") || "–",
    new Date(notAfterMs).toISOString(),
    state === "valid" ? state : paint.yellow(state),
    fingerprint.slice(0, 16),
  ]);
  const page = table(COLUMNS, rows, "", paint);
  if (action === "list") return page;
  const word = action === "rotate" ? "Renewed" : "Made";
  const done =
    made.length === 0 ? "None is due" : `${paint.green(word)} ${made.join(", ")} in ${folder}`;
  return `${done}\n${page}`;
}
