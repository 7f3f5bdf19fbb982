/**
 * What an MCP client can read of a mesh:
 *
 *     mesh://status                                     as `status --json`
 *     mesh://kpis                                       as `kpis --json`
 *     mesh://sector/sector-7                            as `inspect sector-7 --json`, and so on
 *     mesh://cluster/sector-7/cluster-4
 *     mesh://agent/sector-7/cluster-4/agent-12          or spawned-3
 *
 * Sectors and clusters are listed; agents are too many for a list, and are found by completion.
 */
import { addresses } from "../command/completion.ts";
import type { Size } from "../command/line.ts";
import { ConsoleError } from "../terminal/exit.ts";

/** Resources on a page of the list, and candidates of a completion. */
export const PAGE = 100;
/** Resources that are listed at most, over all pages. */
export const MAX_LISTED = 2_000;

const MIME_TYPE = "application/json";

/** A resource, in the words of the protocol. */
export interface McpResource {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType: string;
}

/** A template of resources, in the words of the protocol. */
export interface McpTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType: string;
}

interface Kind {
  readonly name: "sector" | "cluster" | "agent";
  readonly address: RegExp;
  /** Levels of its address. */
  readonly depth: number;
  readonly help: string;
}

const KINDS: readonly Kind[] = [
  { name: "sector", address: /^sector-\d+$/, depth: 1, help: "A sector, such as sector-7" },
  {
    name: "cluster",
    address: /^sector-\d+\/cluster-\d+$/,
    depth: 2,
    help: "A cluster, such as sector-7/cluster-4",
  },
  {
    name: "agent",
    address: /^(sector-\d+\/cluster-\d+\/agent-\d+|spawned-\d+)$/,
    depth: 3,
    help: "An agent, such as sector-7/cluster-4/agent-12: state, current message, queue, restarts",
  },
];

const WHOLE: readonly McpResource[] = [
  {
    uri: "mesh://status",
    name: "status",
    description: "How the mesh is: agents, sectors, impedance, mode, workers",
    mimeType: MIME_TYPE,
  },
  {
    uri: "mesh://kpis",
    name: "kpis",
    description: "Success, arrival, prediction, conflicts, availability, recovery",
    mimeType: MIME_TYPE,
  },
];

/** One for each kind of address. */
export const TEMPLATES: readonly McpTemplate[] = KINDS.map(({ name, help }) => ({
  // `+` lets an address keep its slashes.
  uriTemplate: `mesh://${name}/{+address}`,
  name,
  description: help,
  mimeType: MIME_TYPE,
}));

/** A page of the list, and the cursor of the next one; ConsoleError for a cursor that was not given here. */
export function listResources(
  size: Size,
  cursor = "0",
): { readonly resources: McpResource[]; readonly nextCursor?: string } {
  const clusters = size.sectors * size.clustersPerSector;
  const total = Math.min(WHOLE.length + size.sectors + clusters, MAX_LISTED);
  const from = Number(cursor);
  if (!/^\d{1,5}$/.test(cursor) || from % PAGE !== 0 || from > total)
    throw new ConsoleError("CONSOLE_CURSOR", `cursor: expected one of this list, got ${cursor}`);
  const until = Math.min(from + PAGE, total);
  const resources = Array.from({ length: until - from }, (_, i) => resourceAt(from + i, size));
  return until < total ? { resources, nextCursor: String(until) } : { resources };
}

function resourceAt(place: number, size: Size): McpResource {
  if (place < WHOLE.length) return WHOLE[place];
  const sector = place - WHOLE.length;
  if (sector < size.sectors) return resourceOf("sector", `sector-${sector + 1}`);
  const cluster = sector - size.sectors;
  const inSector = (cluster % size.clustersPerSector) + 1;
  const ofSector = Math.floor(cluster / size.clustersPerSector) + 1;
  return resourceOf("cluster", `sector-${ofSector}/cluster-${inSector}`);
}

function resourceOf(kind: Kind["name"], address: string): McpResource {
  const uri = `mesh://${kind}/${address}`;
  return { uri, name: address, description: `All about ${address}`, mimeType: MIME_TYPE };
}

/** The command that reads a resource, with its arguments; nothing when there is no such resource. */
export function readingOf(
  uri: string,
): { readonly command: string; readonly args: Record<string, unknown> } | undefined {
  const whole = WHOLE.find((known) => known.uri === uri);
  if (whole !== undefined) return { command: whole.name, args: {} };
  const [, kindName, written] = /^mesh:\/\/(\w+)\/(.{1,200})$/.exec(uri) ?? [];
  const kind = KINDS.find(({ name }) => name === kindName);
  const address = decoded(written ?? "");
  if (kind === undefined || address === undefined || !kind.address.test(address)) return undefined;
  return { command: "inspect", args: { address } };
}

/** What may stand for the address of a template, one level at a time. */
export function completions(uriTemplate: string, fragment: string, size: Size): string[] {
  const kind = KINDS.find(({ name }) => uriTemplate === `mesh://${name}/{+address}`);
  const level = fragment.split("/").length;
  if (kind === undefined || level > kind.depth) return [];
  const deeper = level < kind.depth ? "/" : "";
  return addresses(fragment, size)
    .filter((address) => address.startsWith(fragment) && address !== "orchestrator")
    .map((address) => `${address}${deeper}`);
}

/** Clients may write the slashes of an address as `%2F`. */
function decoded(written: string): string | undefined {
  try {
    return decodeURIComponent(written);
  } catch {
    return undefined;
  }
}
