import { addressOf } from "../../coordination/address.ts";
import { AGENT_STATES } from "../../coordination/agent-state.ts";
import { bytesPerRow } from "../../coordination/columns.ts";
import { REGISTRY_LAYOUT } from "../../coordination/registry.ts";
import { createTopology, type Topology } from "../../coordination/topology.ts";
import type { Belonging } from "../../mailbox/belonging.ts";
import { PayloadCodec } from "../../mailbox/payload.ts";
import type { Shape } from "../../mailbox/shapes.ts";
import type { Cut, CutCounts, CutMessage } from "../api/cut.ts";

/** What is different in the second of two cuts. Lists are in the order of indices and hold at most `limit` of each. */
export interface CutDiff {
  readonly takenMs: readonly [number, number];
  readonly agents: {
    /** How many there are of each kind below. */
    readonly counts: Readonly<Record<AgentChange["change"], number>>;
    readonly changes: readonly AgentChange[];
  };
  readonly messages: {
    /** In flight in both. */
    readonly same: number;
    readonly gone: number;
    readonly new: number;
    readonly changes: readonly MessageChange[];
  };
  /** Timers, spawned children, death watches, and what open turns have sent: how many more the second has. */
  readonly belongings: Readonly<Record<Belonging["kind"], number>>;
  /** By column of the registry: agents of which it differs. */
  readonly estimates: Readonly<Record<string, number>>;
  readonly routes: { readonly gone: readonly string[]; readonly new: readonly string[] };
  /** Second less first. */
  readonly counts: Readonly<Record<keyof CutCounts, number>>;
}

/** One agent of which something is different. */
export interface AgentChange {
  readonly address: string;
  /** Saved state only in the second, only in the first, another one; or the same and another operational state. */
  readonly change: "added" | "lost" | "changed" | "moved";
  readonly from?: string;
  readonly to?: string;
}

/** One message that only one of them has. */
export interface MessageChange {
  readonly change: "gone" | "new";
  readonly target: string;
  readonly sender: string | undefined;
  readonly sequence: number;
}

/** Compares two cuts of meshes of one topology; RangeError when they are not. */
export function diffCuts(first: Cut, second: Cut, limit: number = 100): CutDiff {
  const topology = createTopology(first.topology);
  const other = createTopology(second.topology);
  for (const field of ["sectors", "clustersPerSector", "agentsPerCluster"] as const) {
    if (topology[field] !== other[field])
      throw new RangeError(
        `topology.${field}: expected the same in both, got ${topology[field]} and ${other[field]}`,
      );
  }
  return {
    takenMs: [first.takenMs, second.takenMs],
    agents: diffAgents(topology, first, second, limit),
    messages: diffMessages(topology, first, second, limit),
    belongings: diffBelongings(first, second),
    estimates: diffEstimates(topology, first, second),
    routes: diffRoutes(first, second),
    counts: diffCounts(first.counts, second.counts),
  };
}

function diffAgents(topology: Topology, first: Cut, second: Cut, limit: number): CutDiff["agents"] {
  const before = snapshotsOf(first);
  const after = snapshotsOf(second);
  const counts = { added: 0, lost: 0, changed: 0, moved: 0 };
  const changes: AgentChange[] = [];
  for (let agent = 0; agent < topology.rows; agent++) {
    // Roles have no state; behind them come spawned children.
    if (agent === topology.agents) agent = topology.spawnBase;
    if (agent >= topology.rows) break;
    const states = [first, second].map((cut) => stateOf(cut, agent));
    const change = changeOf(before(agent), after(agent), states[0] !== states[1]);
    if (change === undefined) continue;
    counts[change]++;
    if (changes.length >= limit) continue;
    const address = addressOf(topology, agent);
    const moved = states[0] !== states[1] && { from: states[0], to: states[1] };
    changes.push({ address, change, ...moved });
  }
  return { counts, changes };
}

function changeOf(
  before: string | undefined,
  after: string | undefined,
  moved: boolean,
): AgentChange["change"] | undefined {
  if (before === after) return moved ? "moved" : undefined;
  if (before === undefined) return "added";
  return after === undefined ? "lost" : "changed";
}

/** By agent what its snapshot says, whatever shapes it is encoded with. */
function snapshotsOf(cut: Cut): (agent: number) => string | undefined {
  const codec = codecOf(cut.shapes);
  const byAgent = new Map(cut.snapshots.map(({ agent, bytes }) => [agent, bytes]));
  return (agent) => {
    const bytes = byAgent.get(agent);
    return bytes && textOf(codec, bytes);
  };
}

function textOf(codec: PayloadCodec, bytes: Uint8Array): string {
  codec.adopt(bytes, bytes.length);
  return JSON.stringify(codec.decodeOwn(bytes.length), (_, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
}

function codecOf(shapes: readonly Shape[]): PayloadCodec {
  return new PayloadCodec({ read: () => [...shapes], replace: () => false });
}

function stateOf(cut: Cut, agent: number): string {
  return AGENT_STATES[cut.registry.columns.state?.[agent] ?? 0] ?? "unknown";
}

function diffMessages(
  topology: Topology,
  first: Cut,
  second: Cut,
  limit: number,
): CutDiff["messages"] {
  const before = new Set(first.messages.map(idOf));
  const after = new Set(second.messages.map(idOf));
  const changes: MessageChange[] = [];
  const only = (cut: Cut, others: ReadonlySet<string>, change: MessageChange["change"]): number => {
    let count = 0;
    for (const message of cut.messages) {
      if (others.has(idOf(message))) continue;
      count++;
      if (changes.length >= limit) continue;
      const { target, sender, sequence } = message;
      changes.push({
        change,
        target: addressOf(topology, target),
        sender: sender < 0 ? undefined : addressOf(topology, sender),
        sequence,
      });
    }
    return count;
  };
  const gone = only(first, after, "gone");
  return { same: before.size - gone, gone, new: only(second, before, "new"), changes };
}

function diffBelongings(first: Cut, second: Cut): CutDiff["belongings"] {
  const more = { timer: 0, child: 0, watch: 0, sent: 0 };
  for (const { kind } of second.belongings) more[kind]++;
  for (const { kind } of first.belongings) more[kind]--;
  return more;
}

function idOf({ sender, sequence, target }: CutMessage): string {
  return `${sender} ${sequence} ${target}`;
}

const TOLD: ReadonlySet<string> = new Set(["state", "lastHeartbeatMs"]);

function diffEstimates(topology: Topology, first: Cut, second: Cut): Record<string, number> {
  const differ: Record<string, number> = {};
  for (const [name, type] of REGISTRY_LAYOUT) {
    const column = first.registry.columns[name];
    const other = second.registry.columns[name];
    // Those two are told of by agent, and by the clock.
    if (column === undefined || other === undefined || TOLD.has(name)) continue;
    const bytes = bytesPerRow([[name, type]]);
    let agents = 0;
    for (let agent = 0; agent < topology.agents; agent++) {
      for (let at = agent * bytes; at < (agent + 1) * bytes; at++) {
        if (column[at] === other[at]) continue;
        agents++;
        break;
      }
    }
    if (agents > 0) differ[name] = agents;
  }
  return differ;
}

function diffRoutes(first: Cut, second: Cut): CutDiff["routes"] {
  const names = ({ routes }: Cut): string[] =>
    routes.map(({ target, capability }) =>
      capability === undefined ? target : `${target} for ${capability}`,
    );
  const before = names(first);
  const after = names(second);
  return {
    gone: before.filter((name) => !after.includes(name)),
    new: after.filter((name) => !before.includes(name)),
  };
}

function diffCounts(first: CutCounts, second: CutCounts): Record<keyof CutCounts, number> {
  const keys = Object.keys(first) as (keyof CutCounts)[];
  return Object.fromEntries(keys.map((key) => [key, second[key] - first[key]])) as Record<
    keyof CutCounts,
    number
  >;
}
