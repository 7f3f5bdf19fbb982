import { isDeepStrictEqual } from "node:util";
import { InvalidOptionError } from "../../actors/errors.ts";
import { moveArrivals } from "../../coordination/arrival-move.ts";
import { REGISTRY_LAYOUT, type Registry } from "../../coordination/registry.ts";
import { createTopology, topologySize } from "../../coordination/topology.ts";
import { type Belonging, keepBelonging } from "../../mailbox/belonging.ts";
import { Custody, MAX_CUSTODY_FRAME_BYTES } from "../../mailbox/custody.ts";
import { FRAME_BYTES, FRAME_DATA, FrameFlag, FrameKind } from "../../mailbox/frame.ts";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_COUNTS_F64,
  CONTROL_EPOCH,
  Count,
  SLOT_AUX,
  SLOT_DEATHS,
  SLOT_FRAME,
  SlotState,
} from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import { ShapeTable } from "../../mailbox/shapes.ts";
import { type Cut, CutError, type CutMessage, type CutMessageKind, checkCut } from "../api/cut.ts";
import { openPredictor } from "../dispatch/arrivals.ts";
import { type Header, writeHeader } from "../dispatch/header.ts";
import { type MeshPlan, viewMemory } from "../plan/memory.ts";
import { carriedOperations } from "./carried-operations.ts";

const KINDS: Readonly<Record<CutMessageKind, number>> = {
  tell: FrameKind.TELL,
  ask: FrameKind.ASK,
  signal: FrameKind.SIGNAL,
};

/**
 * Puts a cut into the fresh memory of a mesh whose workers have not begun, as if they had predecessors that left it
 * there: each takes over its part (`succession.ts`) whatever its number. States come back by `restore`, messages are
 * delivered in their order and with the time that they had left, agents get their timers and children. With operations
 * the orchestrator goes on (`carried-operations.ts`); parts that it knows no more are counted as dead letters. CutError
 * when the cut is not whole, InvalidOptionError when it does not fit this mesh.
 */
export function restoreCut(plan: MeshPlan, cut: Cut, nowMs: number): void {
  checkCut(cut);
  checkTopology(plan, cut);
  const view = viewMemory(plan, 0, cut.epoch + 1);
  for (let thread = 0; thread < plan.threads; thread++)
    controlOf(plan.memory.control, thread)[CONTROL_EPOCH] = cut.epoch;
  if (cut.shapes.length > 0 && !new ShapeTable(plan.memory.shapes, 0).replace(cut.shapes, always))
    throw new CutError("shapes", `${cut.shapes.length} shapes do not fit into their table`);
  restoreRegistry(view.registry, cut);
  if (cut.arrivals.kind === plan.predictor) restoreArrivals(plan, cut);
  // Before anything is put where its owner lives.
  for (const belonging of cut.belongings)
    if (belonging.kind === "child")
      view.placement[belonging.child] = view.placement[belonging.parent];
  const custodies = plan.memory.custody.map((memory) => new Custody(memory));
  for (const { agent, bytes } of cut.snapshots) {
    checkPayload(plan, "snapshots", bytes.length);
    const custody = custodies[view.placement[agent]];
    const slot = allocate(custody, bytes.length, true);
    custody.describe(slot, agent, -1, 0);
    custody.words[slot + SLOT_AUX] = bytes.length;
    custody.bytes.set(bytes, (slot + SLOT_FRAME + FRAME_DATA) * 4);
    custody.stamp(slot, SlotState.CHECKPOINT, 0);
  }
  const outside = view.topology.orchestrator;
  for (const message of cut.messages)
    restoreMessage(plan, custodies[view.placement[message.target]], message, outside, nowMs);
  for (const belonging of cut.belongings) {
    const slot = keepBelonging(custodies[view.placement[ownerOf(belonging)]], belonging, 0);
    if (slot === FULL) throw noRoom(custodies[0].bytes.length);
  }
  restoreCounts(plan, cut, carriedOperations(cut, view.topology).parts);
}

/** On whose thread a belonging is wanted. */
function ownerOf(belonging: Belonging): number {
  switch (belonging.kind) {
    case "timer":
    case "sent":
      return belonging.agent;
    case "child":
      return belonging.parent;
    case "watch":
      return belonging.watcher;
    default:
      return belonging satisfies never;
  }
}

/** Nobody else writes the table yet. */
function always(): boolean {
  return true;
}

function checkTopology(plan: MeshPlan, cut: Cut): void {
  const mine = createTopology(plan.topology);
  const its = createTopology(cut.topology);
  for (const field of [
    "sectors",
    "clustersPerSector",
    "agentsPerCluster",
    "spawnCapacity",
    "growth",
  ] as const) {
    const [got, wanted] = [topologySize(mine)[field], topologySize(its)[field]];
    if (got !== wanted)
      throw new InvalidOptionError(
        `topology.${field}`,
        got,
        `${wanted}, as in the cut that this mesh is to start from`,
      );
  }
  if (!isDeepStrictEqual(mine.classOf, its.classOf))
    throw new InvalidOptionError(
      "topology.classes",
      plan.topology.classes,
      "the classes of the cut that this mesh is to start from",
    );
}

function restoreRegistry(registry: Registry, cut: Cut): void {
  for (const [name] of REGISTRY_LAYOUT) {
    const bytes = cut.registry.columns[name];
    // A column that an older cut does not have keeps its zeros.
    if (bytes === undefined) continue;
    const { buffer, byteOffset, byteLength } = registry[name];
    if (bytes.length !== byteLength)
      throw new CutError(
        "registry",
        `column ${name}: expected ${byteLength} bytes, got ${bytes.length}`,
      );
    new Uint8Array(buffer, byteOffset, byteLength).set(bytes);
  }
}

function restoreArrivals(plan: MeshPlan, cut: Cut): void {
  const view = viewMemory(plan, 0, cut.epoch + 1);
  const { shares, kind } = cut.arrivals;
  for (let thread = 1; thread < plan.threads; thread++) {
    const { from, to } = openPredictor(plan, view, thread);
    const target = plan.memory.arrivals[thread];
    const same = shares.find((share) => share.from === from && share.to === to);
    // Only of the default predictor is the memory known well enough to be shared out anew.
    if (kind === "arrival") moveArrivals(shares, target, from, to);
    else if (same?.bytes.length === target.byteLength) new Uint8Array(target).set(same.bytes);
  }
}

function checkPayload({ maxPayloadBytes }: MeshPlan, part: string, bytes: number): void {
  if (bytes > maxPayloadBytes)
    throw new CutError(part, `one is ${bytes} bytes, at most ${maxPayloadBytes} (maxPayloadBytes)`);
}

function allocate(custody: Custody, bytes: number, urgent: boolean): number {
  const slot = custody.allocate(Math.min(FRAME_BYTES + bytes, MAX_CUSTODY_FRAME_BYTES), urgent);
  if (slot === FULL) throw noRoom(custody.bytes.length);
  return slot;
}

function noRoom(custodyBytes: number): InvalidOptionError {
  return new InvalidOptionError(
    "custodyBytes",
    custodyBytes,
    "more, for what the cut holds does not fit into it",
  );
}

function restoreMessage(
  plan: MeshPlan,
  custody: Custody,
  message: CutMessage,
  outside: number,
  nowMs: number,
): void {
  const { payload, priority, target } = message;
  const bytes = payload !== undefined && "bytes" in payload ? payload.bytes : undefined;
  const length = bytes?.length ?? 0;
  checkPayload(plan, "messages", length);
  const slot = allocate(custody, length, true);
  const flags =
    (payload === undefined ? FrameFlag.NOTHING : bytes === undefined ? FrameFlag.NUMBER : 0) |
    (message.redelivered ? FrameFlag.REDELIVERED : 0) |
    (message.origin !== undefined ? FrameFlag.DURABLE : 0);
  const header: Header = {
    kind: KINDS[message.kind],
    priority,
    flags,
    target,
    source: message.sender < 0 ? outside : message.sender,
    // Whoever asked is gone: 0 is no ask's id, so that no answer finds another one's asker.
    operation: message.origin ?? 0,
    sequence: message.sequence,
    createdMs: message.createdMs,
    deadlineMs: message.leftMs === Number.POSITIVE_INFINITY ? 0 : nowMs + message.leftMs,
    release: payload !== undefined && "number" in payload ? payload.number : 0,
    payload: length,
    hash: 0,
  };
  const at = slot + SLOT_FRAME;
  writeHeader(custody.words, custody.doubles, at, FRAME_BYTES + length, header);
  if (bytes !== undefined) custody.bytes.set(bytes, (at + FRAME_DATA) * 4);
  custody.describe(slot, target, -1, 0);
  custody.words[slot + SLOT_DEATHS] = message.deaths;
  custody.stamp(slot, SlotState.QUEUED, 0);
}

/**
 * The first worker continues the counts of all. What is in flight is not among them: whoever takes it over counts
 * it as accepted; so do the sectors that get `carried` parts anew.
 */
function restoreCounts(plan: MeshPlan, { counts, operations }: Cut, carried: number): void {
  const doubles = controlDoublesOf(plan.memory.control, 1);
  const deadLettered = counts.deadLettered + operations.length - carried;
  const set = (count: number, value: number): void => {
    doubles[CONTROL_COUNTS_F64 + count] = value;
  };
  set(Count.ACCEPTED, counts.handled + counts.expired + deadLettered);
  set(Count.HANDLED, counts.handled);
  set(Count.EXPIRED, counts.expired);
  set(Count.DEAD_LETTERED, deadLettered);
  set(Count.SENT, counts.sent - carried);
  set(Count.CONFLICTS, counts.conflicts);
  set(Count.RESTARTS, counts.restarts);
  set(Count.REDELIVERED, counts.redelivered);
  set(Count.HEARTBEATS, counts.heartbeats);
}
