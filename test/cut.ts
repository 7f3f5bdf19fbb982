// What the tests of starting from a cut share: a cut made by hand, of the small mesh.
import { createTopology } from "../coordination/topology.ts";
import { PayloadCodec } from "../mailbox/payload.ts";
import { CUT_VERSION, type Cut, type CutMessage, type CutSnapshot } from "../runtime/api/cut.ts";
import { SMALL } from "./mesh.ts";

const codec = new PayloadCodec();

/** A value as a mesh would have encoded it, its keys with it. */
export function encoded(value: unknown): Uint8Array {
  const length = codec.encode(value);
  return codec.bytes.slice(0, length);
}

export function snapshotOf(agent: number, state: unknown): CutSnapshot {
  return { agent, bytes: encoded(state) };
}

export function messageTo(
  target: number,
  sequence: number,
  payload: unknown,
  more: Partial<CutMessage> = {},
): CutMessage {
  return {
    kind: "tell",
    target,
    sender: -1,
    priority: 1,
    sequence,
    createdMs: 1000,
    leftMs: Number.POSITIVE_INFINITY,
    payload: { bytes: encoded(payload) },
    redelivered: false,
    deaths: 0,
    ...more,
  };
}

/** A whole cut of the small mesh that holds these and has handled `handled` messages before. */
export function cutOf(
  snapshots: readonly CutSnapshot[],
  messages: readonly CutMessage[],
  handled = 0,
  more: Partial<Cut> = {},
): Cut {
  const { sectors, clustersPerSector, agentsPerCluster, spawnCapacity, rows } = createTopology(
    SMALL.topology,
  );
  return {
    version: CUT_VERSION,
    takenMs: 2000,
    topology: { sectors, clustersPerSector, agentsPerCluster, spawnCapacity, growth: 0 },
    epoch: 3,
    shapes: [],
    snapshots,
    messages,
    belongings: [],
    operations: [],
    gathers: [],
    registry: { rows, columns: {} },
    arrivals: { kind: "arrival", shares: [] },
    routes: [],
    counts: {
      sent: handled + messages.length,
      accepted: handled + messages.length,
      handled,
      expired: 0,
      deadLettered: 0,
      inFlight: messages.length,
      conflicts: 0,
      restarts: 0,
      redelivered: 0,
      heartbeats: 0,
    },
    ...more,
  };
}
