/**
 * Where each agent stands: cells of a cluster in a block, blocks of a sector in a block, sectors in a grid, in the
 * order of their numbers. Places are whole cells; a gap of one cell parts clusters, wider ones part sectors, with
 * room for their names above them.
 */

import { fittedScale } from "./viewport.ts";

/** Size of a mesh. */
export interface MeshSize {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
}

/** The picture in cells. */
export interface CellLayout extends MeshSize {
  readonly width: number;
  readonly height: number;
  /** Place of each agent in a picture of that size: y × width + x. */
  readonly places: Uint32Array;
  /** Agent at each place, or −1 in a gap. */
  readonly agents: Int32Array;
  readonly sectorWidth: number;
  readonly sectorHeight: number;
  /** Left upper corner of a sector. */
  cornerOf(sector: number): { readonly x: number; readonly y: number };
}

const CLUSTER_GAP = 1;
const SECTOR_GAP_X = 3;
const SECTOR_GAP_Y = 3;
/** Width to height that blocks of agents, and of clusters, are given about. */
const CLUSTER_ASPECT = 0.8;
const SECTOR_ASPECT = 2;
/** What an empty place costs against a wrong shape. */
const WASTE_WEIGHT = 4;
const MAX_COLUMNS = 1_024;

/** Room for a picture, device pixels. */
export interface Room {
  readonly width: number;
  readonly height: number;
}

/** Lays a mesh out so that its cells are as large as the room allows. */
export function layOut(size: MeshSize, room: Room): CellLayout {
  const { sectors, clustersPerSector, agentsPerCluster } = size;
  const across = columnsFor(agentsPerCluster, 1, 1, CLUSTER_ASPECT);
  const down = Math.ceil(agentsPerCluster / across);
  const pitchX = across + CLUSTER_GAP;
  const pitchY = down + CLUSTER_GAP;
  const clustersAcross = columnsFor(clustersPerSector, pitchX, pitchY, SECTOR_ASPECT);
  const sectorWidth = clustersAcross * pitchX - CLUSTER_GAP;
  const sectorHeight = Math.ceil(clustersPerSector / clustersAcross) * pitchY - CLUSTER_GAP;
  const stepX = sectorWidth + SECTOR_GAP_X;
  const stepY = sectorHeight + SECTOR_GAP_Y;
  const sectorsAcross = columnsIn(room, sectors, stepX, stepY);
  const width = sectorsAcross * stepX - SECTOR_GAP_X;
  const height = Math.ceil(sectors / sectorsAcross) * stepY;
  const places = new Uint32Array(sectors * clustersPerSector * agentsPerCluster);
  const agents = new Int32Array(width * height).fill(-1);
  const cornerOf = (sector: number): { x: number; y: number } => ({
    x: (sector % sectorsAcross) * stepX,
    y: Math.floor(sector / sectorsAcross) * stepY + SECTOR_GAP_Y,
  });
  let agent = 0;
  for (let sector = 0; sector < sectors; sector++) {
    const corner = cornerOf(sector);
    for (let cluster = 0; cluster < clustersPerSector; cluster++) {
      const x = corner.x + (cluster % clustersAcross) * pitchX;
      const y = corner.y + Math.floor(cluster / clustersAcross) * pitchY;
      for (let nth = 0; nth < agentsPerCluster; nth++) {
        const place = (y + Math.floor(nth / across)) * width + x + (nth % across);
        places[agent] = place;
        agents[place] = agent++;
      }
    }
  }
  return { ...size, width, height, places, agents, sectorWidth, sectorHeight, cornerOf };
}

/** The agent nearest to another in a direction of the picture, passing over gaps; itself at the edge. */
export function neighbourOf(layout: CellLayout, agent: number, dx: number, dy: number): number {
  const { width, height, places, agents } = layout;
  let x = places[agent] % width;
  let y = Math.floor(places[agent] / width);
  for (;;) {
    x += dx;
    y += dy;
    if (x < 0 || y < 0 || x >= width || y >= height) return agent;
    const found = agents[y * width + x];
    if (found >= 0) return found;
  }
}

/** Address of an agent by its index. */
export function addressOfAgent(size: MeshSize, agent: number): string {
  const cluster = Math.floor(agent / size.agentsPerCluster);
  const sector = Math.floor(cluster / size.clustersPerSector);
  const inSector = cluster % size.clustersPerSector;
  return `sector-${sector + 1}/cluster-${inSector + 1}/agent-${(agent % size.agentsPerCluster) + 1}`;
}

/** First cluster and number of clusters that an address covers; undefined when it is none of the mesh. */
export function clustersOf(
  size: MeshSize,
  address: string,
): { readonly first: number; readonly count: number } | undefined {
  if (address === "orchestrator") {
    return { first: 0, count: size.sectors * size.clustersPerSector };
  }
  const match = /^sector-(\d+)(?:\/cluster-(\d+))?/.exec(address);
  if (match === null) return undefined;
  const first = (Number(match[1]) - 1) * size.clustersPerSector;
  if (match[2] === undefined) return { first, count: size.clustersPerSector };
  return { first: first + Number(match[2]) - 1, count: 1 };
}

/** How many blocks beside one another make the largest cells of whole pixels; among equals, the best shape. */
function columnsIn(room: Room, count: number, blockWidth: number, blockHeight: number): number {
  let best = 1;
  let most = Number.NEGATIVE_INFINITY;
  for (let columns = 1; columns <= Math.min(count, MAX_COLUMNS); columns++) {
    const rows = Math.ceil(count / columns);
    const across = room.width / (columns * blockWidth);
    const down = room.height / (rows * blockHeight);
    const scale = Math.min(across, down);
    const waste = (columns * rows - count) / count;
    const worth = fittedScale(scale) - waste - Math.abs(Math.log(across / down));
    if (worth > most) {
      most = worth;
      best = columns;
    }
  }
  return best;
}

/** How many of `count` blocks to put beside one another: little waste, and the shape about as asked. */
function columnsFor(
  count: number,
  blockWidth: number,
  blockHeight: number,
  aspect: number,
): number {
  let best = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let columns = 1; columns <= Math.min(count, MAX_COLUMNS); columns++) {
    const rows = Math.ceil(count / columns);
    const waste = (columns * rows - count) / count;
    const shape = Math.abs(Math.log((columns * blockWidth) / (rows * blockHeight) / aspect));
    const cost = WASTE_WEIGHT * waste + shape;
    if (cost < least) {
      least = cost;
      best = columns;
    }
  }
  return best;
}
