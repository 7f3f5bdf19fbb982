import type { ArrivalShare } from "../../coordination/arrival-move.ts";
import { REGISTRY_LAYOUT, type Registry } from "../../coordination/registry.ts";
import { sectorOf, type Topology, topologySize } from "../../coordination/topology.ts";
import { type Belonging, belongingIn } from "../../mailbox/belonging.ts";
import { Custody } from "../../mailbox/custody.ts";
import {
  FRAME_CREATED_F64,
  FRAME_DATA,
  FRAME_DEADLINE_F64,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_COMMITTED_F64,
  CONTROL_EPOCH,
  COUNT_COUNT,
  Count,
  SLOT_AUX,
  SLOT_DEATHS,
  SLOT_FRAME,
} from "../../mailbox/layout.ts";
import { readCounts } from "../../mailbox/ledger.ts";
import { OPERATION_FLAGS, OPERATION_MAP, OperationFlag } from "../../mailbox/operation-frame.ts";
import { mapWords, PROGRESS_MAPS, popCount } from "../../supervisors/sector-coordinator.ts";
import {
  CUT_VERSION,
  type Cut,
  type CutCounts,
  type CutGather,
  type CutMessage,
  type CutMessageKind,
  type CutOperation,
  type CutRegistry,
  type CutSnapshot,
} from "../api/cut.ts";
import type { AvoidedRoute } from "../api/operation-api.ts";
import { openPredictor } from "../dispatch/arrivals.ts";
import { Part } from "../dispatch/part.ts";
import { type MeshPlan, type ThreadView, viewMemory } from "../plan/memory.ts";

/** Columns that say what is going on just now, and what behaviors say of themselves: not in a cut. */
const PASSING: ReadonlySet<string> = new Set([
  "currentSinceMs",
  "queuedWorkMs",
  "queueDepth",
  "queueBytes",
  "waitsOn",
  "currentMessage",
  "capabilitiesLow",
  "capabilitiesHigh",
]);

/** What stands in main's heap alone. */
export interface MainsShare {
  readonly routes: readonly AvoidedRoute[];
  readonly gathers: readonly CutGather[];
}

/**
 * Reads the cut of a mesh out of its shared memory, as main. Nothing is asked of the other threads, but they must
 * stand still: all at a boundary between cycles, with nothing on the lanes between them.
 */
export function takeCut(
  plan: MeshPlan,
  view: ThreadView,
  { routes, gathers }: MainsShare,
  takenMs: number,
): Cut {
  const snapshots: CutSnapshot[] = [];
  const messages: CutMessage[] = [];
  const operations: CutOperation[] = [];
  const belongings: Belonging[] = [];
  const into = { snapshots, messages, operations, belongings };
  for (let thread = 1; thread < plan.threads; thread++)
    readThread(plan, view, thread, takenMs, into);
  // Sent, and not yet accepted for want of custody: whoever starts from the cut has room for it.
  const accepted = messages.length + operations.length;
  for (let thread = 1; thread < plan.threads; thread++)
    readLanes(plan, view, thread, takenMs, into);
  for (let thread = 1; thread < plan.threads; thread++)
    readOutgoing(plan, view, thread, takenMs, into);
  const waiting = messages.length + operations.length - accepted;
  const { classes } = plan.topology;
  return {
    version: CUT_VERSION,
    takenMs,
    topology: {
      ...topologySize(view.topology),
      ...(classes !== undefined && { classes }),
    },
    epoch: highestEpoch(plan),
    shapes: view.shapes.read(),
    snapshots: snapshots.sort((a, b) => a.agent - b.agent),
    messages,
    belongings,
    operations,
    gathers,
    registry: readRegistry(view.registry),
    arrivals: { kind: plan.predictor, shares: readArrivals(plan, view) },
    routes,
    counts: readTotals(plan, accepted, waiting),
  };
}

function highestEpoch(plan: MeshPlan): number {
  let highest = 0;
  for (let thread = 0; thread < plan.threads; thread++)
    highest = Math.max(highest, controlOf(plan.memory.control, thread)[CONTROL_EPOCH]);
  return highest;
}

interface Collected {
  readonly snapshots: CutSnapshot[];
  readonly messages: CutMessage[];
  readonly operations: CutOperation[];
  readonly belongings: Belonging[];
}

function readThread(
  plan: MeshPlan,
  view: ThreadView,
  thread: number,
  takenMs: number,
  into: Collected,
): void {
  const committed = controlDoublesOf(plan.memory.control, thread)[CONTROL_COMMITTED_F64];
  const custody = new Custody(plan.memory.custody[thread]);
  const found = custody.survey(committed);
  const { topology } = view;
  const children = new Set<number>();
  for (const slot of found.belongings) {
    const belonging = belongingIn(custody, slot);
    into.belongings.push(belonging);
    if (belonging.kind === "child") children.add(belonging.child);
  }
  for (const [agent, slot] of found.checkpoints) {
    // A child that cannot be made again elsewhere has no use for its state.
    if (agent >= topology.spawnBase && !children.has(agent)) continue;
    const from = (slot + SLOT_FRAME + FRAME_DATA) * 4;
    const bytes = custody.bytes.slice(from, from + custody.words[slot + SLOT_AUX]);
    into.snapshots.push({ agent, bytes });
  }
  for (const slot of found.messages) {
    const kind = frameKind(custody.words[slot + SLOT_FRAME + FRAME_TYPE]);
    if (kind === FrameKind.OPERATION)
      into.operations.push(readOperation({ ...view, custody }, slot, committed));
    else {
      const message = readMessage(custody, slot + SLOT_FRAME, topology.orchestrator, takenMs);
      into.messages.push({ ...message, deaths: custody.words[slot + SLOT_DEATHS] });
    }
  }
}

function readLanes(
  plan: MeshPlan,
  view: ThreadView,
  thread: number,
  takenMs: number,
  into: Collected,
): void {
  const { topology } = view;
  for (const { ring } of viewMemory(plan, thread, 0).lanes.incoming) {
    ring.peek((word) => {
      const kind = frameKind(ring.words[word + FRAME_TYPE]);
      if (kind === FrameKind.TELL || kind === FrameKind.ASK || kind === FrameKind.SIGNAL)
        into.messages.push(readMessage(ring, word, topology.orchestrator, takenMs));
      else if (kind === FrameKind.OPERATION) into.operations.push(readFrame(ring, word, topology));
    });
  }
}

/** What turns that have ended have sent, and what waits for room behind all that is on the lanes. */
function readOutgoing(
  plan: MeshPlan,
  { topology }: ThreadView,
  thread: number,
  takenMs: number,
  { messages }: Collected,
): void {
  const committed = controlDoublesOf(plan.memory.control, thread)[CONTROL_COMMITTED_F64];
  const custody = new Custody(plan.memory.custody[thread]);
  for (const slot of custody.survey(committed).outgoing)
    messages.push(readMessage(custody, slot + SLOT_FRAME, topology.orchestrator, takenMs));
}

/** The words of a custody or of a ring. */
type Memory = Pick<Custody, "words" | "doubles" | "bytes">;

function readMessage(
  { words, doubles, bytes }: Memory,
  at: number,
  outside: number,
  takenMs: number,
): CutMessage {
  const double = (field: number): number => doubles[(at >>> 1) + field];
  const type = words[at + FRAME_TYPE];
  const flags = frameFlags(type);
  const sender = words[at + FRAME_SOURCE];
  const deadlineMs = double(FRAME_DEADLINE_F64);
  const from = (at + FRAME_DATA) * 4;
  const payload =
    (flags & FrameFlag.NOTHING) !== 0
      ? undefined
      : (flags & FrameFlag.NUMBER) !== 0
        ? { number: double(FRAME_RELEASE_F64) }
        : { bytes: bytes.slice(from, from + words[at + FRAME_PAYLOAD]) };
  return {
    kind: kindName(frameKind(type)),
    target: words[at + FRAME_TARGET],
    sender: sender === outside ? -1 : sender,
    priority: framePriority(type),
    sequence: double(FRAME_SEQUENCE_F64),
    createdMs: double(FRAME_CREATED_F64),
    leftMs: deadlineMs === 0 ? Number.POSITIVE_INFINITY : deadlineMs - takenMs,
    payload,
    redelivered: (flags & FrameFlag.REDELIVERED) !== 0,
    deaths: 0,
  };
}

function kindName(kind: number): CutMessageKind {
  if (kind === FrameKind.ASK) return "ask";
  return kind === FrameKind.SIGNAL ? "signal" : "tell";
}

function readOperation(view: ThreadView, slot: number, committed: number): CutOperation {
  const part = new Part(view, slot, committed);
  const progress: number[] = [];
  for (let map = 0; map < PROGRESS_MAPS; map++)
    for (let i = 0; i < mapWords(part.agents); i++) progress.push(part.progress.word(map, i));
  let addressed = 0;
  let done = 0;
  for (let bit = 0; bit < part.agents; bit++) {
    if (!part.addresses(bit)) continue;
    addressed++;
    if (part.progress.isDone(bit)) done++;
  }
  const { operation, sector, arrivalMs, deadlineMs } = part;
  return { operation, sector, arrivalMs, deadlineMs, addressed, done, progress };
}

/** A part that its sector's thread has not begun. */
function readFrame({ words, doubles }: Memory, word: number, topology: Topology): CutOperation {
  const double = (field: number): number => doubles[(word >>> 1) + field];
  let addressed = 0;
  const count = mapWords(topology.agentsPerSector);
  const map = word + OPERATION_MAP;
  for (let i = 0; i < count; i++) addressed += popCount(words[map + i]);
  const isCarried = (words[word + OPERATION_FLAGS] & OperationFlag.CARRIED) !== 0;
  const progress = words.slice(map + count, map + count + (isCarried ? PROGRESS_MAPS * count : 0));
  let done = 0;
  for (const bits of progress.subarray(0, count)) done += popCount(bits);
  return {
    operation: double(FRAME_OPERATION_F64),
    sector: sectorOf(topology, words[word + FRAME_TARGET]),
    arrivalMs: double(FRAME_RELEASE_F64),
    deadlineMs: double(FRAME_DEADLINE_F64),
    addressed,
    done,
    progress: [...progress],
  };
}

function readRegistry(registry: Registry): CutRegistry {
  const columns: Record<string, Uint8Array> = {};
  for (const [name] of REGISTRY_LAYOUT) {
    if (PASSING.has(name)) continue;
    const { buffer, byteOffset, byteLength } = registry[name];
    columns[name] = new Uint8Array(buffer, byteOffset, byteLength).slice();
  }
  return { rows: registry.rows, columns };
}

function readArrivals(plan: MeshPlan, view: ThreadView): ArrivalShare[] {
  const shares: ArrivalShare[] = [];
  for (let thread = 1; thread < plan.threads; thread++) {
    const { from, to } = openPredictor(plan, view, thread);
    shares.push({ from, to, bytes: new Uint8Array(plan.memory.arrivals[thread]).slice() });
  }
  return shares;
}

function readTotals(plan: MeshPlan, inCustody: number, onLanes: number): CutCounts {
  const counts = new Float64Array(COUNT_COUNT);
  const sums = new Float64Array(COUNT_COUNT);
  for (let thread = 0; thread < plan.threads; thread++) {
    readCounts(controlDoublesOf(plan.memory.control, thread), counts);
    for (let i = 0; i < COUNT_COUNT; i++) sums[i] += counts[i];
  }
  return {
    sent: sums[Count.SENT],
    accepted: sums[Count.ACCEPTED] + onLanes,
    handled: sums[Count.HANDLED],
    expired: sums[Count.EXPIRED],
    deadLettered: sums[Count.DEAD_LETTERED],
    inFlight: inCustody + onLanes,
    conflicts: sums[Count.CONFLICTS],
    restarts: sums[Count.RESTARTS],
    redelivered: sums[Count.REDELIVERED],
    heartbeats: sums[Count.HEARTBEATS],
  };
}
