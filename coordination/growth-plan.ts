/**
 * Where new agents go, and who goes when a mesh shrinks (spec 10.2): pure choices over the places of a topology.
 *
 *     add:     room in clusters in use, least loaded sectors first ──▶ new clusters, where the fewest agents are
 *     remove:  who came last ──▶ whole clusters, the last of each sector first
 */
import type { Topology } from "./topology.ts";

/** What the plans read. */
export interface PlacesView {
  readonly topology: Topology;
  isVacant(agent: number): boolean;
  /** Any measure of a sector's load, compared only with that of another; higher is more. */
  loadOf(sector: number): number;
}

/** Agents of one cluster, rising. */
export interface ClusterPlaces {
  /** Counted over the whole mesh. */
  readonly cluster: number;
  readonly agents: readonly number[];
  /** Nobody is in this cluster before, or after. */
  readonly whole: boolean;
}

interface SectorRoom {
  readonly sector: number;
  readonly load: number;
  agents: number;
  /** Clusters nobody is in, the last first. */
  readonly empty: number[];
}

/**
 * Places for `count` agents, fewer when there is not so much room. Of a cluster that is in use the free places are
 * filled from the first; a new cluster is opened where the fewest agents are, of equals where the load is lowest.
 * `only` restricts it to the agents of a range.
 */
export function planGrowth(
  view: PlacesView,
  count: number,
  only: { readonly from: number; readonly to: number },
): readonly ClusterPlaces[] {
  const { sectors, inUse } = survey(view, only);
  const plan: ClusterPlaces[] = [];
  let left = count;
  const take = (cluster: number, places: readonly number[], whole: boolean): void => {
    const agents = places.slice(0, left);
    left -= agents.length;
    plan.push({ cluster, agents, whole });
  };
  const byLoad = [...inUse].sort(
    (a, b) => view.loadOf(a.sector) - view.loadOf(b.sector) || a.cluster - b.cluster,
  );
  for (const { cluster, vacant, sector } of byLoad) {
    if (left === 0) return plan;
    sectors[sector].agents += Math.min(left, vacant.length);
    take(cluster, vacant, false);
  }
  const rooms = sectors.filter(({ empty }) => empty.length > 0);
  rooms.sort(lessLoaded);
  while (left > 0 && rooms.length > 0) {
    const room = rooms.shift() as SectorRoom;
    const cluster = room.empty.pop() as number;
    const places = vacantOf(view, cluster, only);
    room.agents += Math.min(left, places.length);
    take(cluster, places, true);
    if (room.empty.length > 0) rooms.splice(placeOf(rooms, room), 0, room);
  }
  return plan;
}

/** The `count` agents that go, fewer when there are not so many; `latest` are those that came last, the last first. */
export function planShrink(
  view: PlacesView,
  count: number,
  only: { readonly from: number; readonly to: number },
  latest: Iterable<number>,
): readonly ClusterPlaces[] {
  const { topology } = view;
  const chosen = new Set<number>();
  const choose = (agent: number): void => {
    if (chosen.size < count && agent >= only.from && agent < only.to && !view.isVacant(agent))
      chosen.add(agent);
  };
  for (const agent of latest) choose(agent);
  const { sectors, clustersPerSector, agentsPerCluster } = topology;
  for (let nth = clustersPerSector - 1; nth >= 0 && chosen.size < count; nth--) {
    for (let sector = sectors - 1; sector >= 0 && chosen.size < count; sector--) {
      const from = (sector * clustersPerSector + nth) * agentsPerCluster;
      for (let agent = from + agentsPerCluster - 1; agent >= from; agent--) choose(agent);
    }
  }
  const byCluster = new Map<number, number[]>();
  for (const agent of chosen) {
    const cluster = Math.floor(agent / agentsPerCluster);
    byCluster.set(cluster, [...(byCluster.get(cluster) ?? []), agent]);
  }
  return [...byCluster].map(([cluster, agents]) => {
    let seated = 0;
    for (let agent = cluster * agentsPerCluster; agent < (cluster + 1) * agentsPerCluster; agent++)
      if (!view.isVacant(agent)) seated++;
    return { cluster, agents: agents.sort((a, b) => a - b), whole: seated === agents.length };
  });
}

/** Runs of places that follow each other, `to` not included: what one order can name. */
export function runsOf(
  agents: readonly number[],
): readonly { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const agent of agents) {
    const last = runs.at(-1);
    if (last?.to === agent) last.to++;
    else runs.push({ from: agent, to: agent + 1 });
  }
  return runs;
}

interface Survey {
  readonly sectors: readonly SectorRoom[];
  readonly inUse: readonly {
    readonly cluster: number;
    readonly sector: number;
    readonly vacant: readonly number[];
  }[];
}

/** Agents and empty clusters by sector, and the clusters in use that have room. */
function survey(view: PlacesView, only: { readonly from: number; readonly to: number }): Survey {
  const { topology } = view;
  const { agentsPerCluster, clustersPerSector } = topology;
  const sectors: SectorRoom[] = Array.from({ length: topology.sectors }, (_, sector) => ({
    sector,
    load: view.loadOf(sector),
    agents: 0,
    empty: [],
  }));
  const inUse: Survey["inUse"][number][] = [];
  for (let cluster = topology.clusters - 1; cluster >= 0; cluster--) {
    const sector = Math.floor(cluster / clustersPerSector);
    const room = sectors[sector];
    const from = cluster * agentsPerCluster;
    let seated = 0;
    for (let agent = from; agent < from + agentsPerCluster; agent++)
      if (!view.isVacant(agent)) seated++;
    room.agents += seated;
    const vacant = seated === agentsPerCluster ? [] : vacantOf(view, cluster, only);
    if (vacant.length === 0) continue;
    if (seated === 0) room.empty.push(cluster);
    else inUse.push({ cluster, sector, vacant });
  }
  return { sectors, inUse };
}

function vacantOf(
  view: PlacesView,
  cluster: number,
  { from, to }: { readonly from: number; readonly to: number },
): readonly number[] {
  const { agentsPerCluster } = view.topology;
  const first = cluster * agentsPerCluster;
  const vacant: number[] = [];
  for (let agent = first; agent < first + agentsPerCluster; agent++)
    if (agent >= from && agent < to && view.isVacant(agent)) vacant.push(agent);
  return vacant;
}

function lessLoaded(a: SectorRoom, b: SectorRoom): number {
  return a.agents - b.agents || a.load - b.load || a.sector - b.sector;
}

/** Where a sector belongs among others that are in their order. */
function placeOf(rooms: readonly SectorRoom[], room: SectorRoom): number {
  let low = 0;
  let high = rooms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lessLoaded(rooms[middle], room) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
