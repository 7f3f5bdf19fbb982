import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../../actors/errors.ts";
import { createTopology, type Topology, topologySize } from "../../coordination/topology.ts";
import type { SentBelonging } from "../../mailbox/belonging.ts";
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
  frameFlags,
  framePriority,
} from "../../mailbox/frame.ts";
import {
  ENTRY_DATA,
  ENTRY_DETAIL,
  ENTRY_SUBJECT,
  EntryKind,
  type EntryMemory,
  OPENED_DATA,
  operationTurnOf,
} from "../../mailbox/journal-entry.ts";
import type { Shape } from "../../mailbox/shapes.ts";
import { CUT_VERSION, type Cut, type CutMessage } from "../api/cut.ts";
import { SEQUENCES_AN_EPOCH } from "../dispatch/send-options.ts";
import type { JournalFiles } from "./journal-files.ts";
import { LiveEntries } from "./journal-live.ts";
import { type ReadJournal, readJournal } from "./journal-segments.ts";

/** What mesh a journal is of; stands in every segment. */
export interface JournalMesh {
  readonly run: number;
  /** Highest incarnation of its threads when it was written. */
  readonly epoch: number;
  readonly topology: Cut["topology"];
  /** Names of the agents' modules, and of what they make agents. */
  readonly modules: readonly string[];
  /** SHA-256 of which agent is of which module. */
  readonly moduleOf: string;
}

/** One entry that counts. */
interface Kept {
  readonly ordinal: number;
  readonly value: CutMessage | Uint8Array | number;
}

/** What a journal on disk comes to. */
export interface RecoveredJournal {
  readonly read: ReadJournal;
  readonly live: LiveEntries<Kept>;
  /** Undefined when nothing was ever written. */
  readonly mesh: JournalMesh | undefined;
  readonly shapes: readonly Shape[];
  /** Highest incarnation of any thread. */
  readonly epoch: number;
  /** The last run stopped in good order. */
  readonly stopped: boolean;
}

/** Reads a journal; throws JournalCorruptError when it is not what was written. */
export function recoverJournal(files: JournalFiles): RecoveredJournal {
  const live = new LiveEntries<Kept>();
  let mesh: JournalMesh | undefined;
  let shapes: readonly Shape[] = [];
  let epoch = 0;
  let stopped = false;
  const sees = (sequence: number): void => {
    epoch = Math.max(epoch, Math.floor(sequence / SEQUENCES_AN_EPOCH));
  };
  const read = readJournal(files, (memory, word, ordinal) => {
    const { words, doubles } = memory;
    const kind = words[word + FRAME_TYPE] & 0xff;
    stopped = kind === EntryKind.STOPPED;
    if (kind === EntryKind.RUN) mesh = JSON.parse(textOf(memory, word)) as JournalMesh;
    else if (kind === EntryKind.SHAPES) shapes = JSON.parse(textOf(memory, word)) as Shape[];
    else if (kind === EntryKind.ACCEPT) sees(doubles[(word >>> 1) + FRAME_SEQUENCE_F64]);
    live.apply(memory, word, () => ({ ordinal, value: keptOf(memory, word, kind) }));
  });
  return { read, live, mesh, shapes, epoch: Math.max(epoch, mesh?.epoch ?? 0), stopped };
}

function textOf({ words, bytes }: EntryMemory, word: number): string {
  const from = (word + ENTRY_DATA) * 4;
  return new TextDecoder().decode(bytes.subarray(from, from + words[word + ENTRY_SUBJECT]));
}

/** What is kept of an entry that may count: a message, the bytes of a state or a plan, the digest of what was sent. */
function keptOf(memory: EntryMemory, word: number, kind: number): Kept["value"] {
  const { words, doubles, bytes } = memory;
  if (kind === EntryKind.SENT) return doubles[((word + ENTRY_DATA) >>> 1) + 2];
  if (kind === EntryKind.ACCEPT) return messageAt(memory, word);
  const from = (word + (kind === EntryKind.OPENED ? OPENED_DATA : ENTRY_DATA)) * 4;
  const length = words[word + (kind === EntryKind.OPENED ? ENTRY_SUBJECT : ENTRY_DETAIL)];
  return bytes.slice(from, from + length);
}

function messageAt({ words, doubles, bytes }: EntryMemory, word: number): CutMessage {
  const double = (field: number): number => doubles[(word >>> 1) + field];
  const flags = frameFlags(words[word + FRAME_TYPE]);
  const from = (word + FRAME_DATA) * 4;
  const payload =
    (flags & FrameFlag.NOTHING) !== 0
      ? undefined
      : (flags & FrameFlag.NUMBER) !== 0
        ? { number: double(FRAME_RELEASE_F64) }
        : { bytes: bytes.slice(from, from + words[word + FRAME_PAYLOAD]) };
  return {
    kind: "tell",
    target: words[word + FRAME_TARGET],
    sender: words[word + FRAME_SOURCE],
    priority: framePriority(words[word + FRAME_TYPE]),
    sequence: double(FRAME_SEQUENCE_F64),
    createdMs: double(FRAME_CREATED_F64),
    // Absolute here; the time that is left is said when it is known from when on.
    leftMs: double(FRAME_DEADLINE_F64) || Number.POSITIVE_INFINITY,
    payload,
    redelivered: true,
    deaths: 0,
    origin: double(FRAME_OPERATION_F64),
  };
}

/**
 * The cut from which a mesh goes on: states, and messages that are not over, those of one sender in the order in
 * which it sent them. What belonged to spawned children, who are gone, is left out.
 */
export function cutOfJournal(
  { live, mesh, shapes, epoch }: RecoveredJournal,
  predictor: string,
  nowMs: number,
): Cut {
  const { topology } = mesh as JournalMesh;
  const { rows, agents } = createTopology(topology);
  const messages = messagesOf(live)
    .filter(({ target }) => target < agents)
    .map((message) => ({
      ...message,
      sender: message.sender < agents ? message.sender : -1,
      leftMs: message.leftMs - nowMs,
    }));
  const held = messages.length;
  return {
    version: CUT_VERSION,
    takenMs: nowMs,
    topology,
    epoch,
    shapes,
    snapshots: [...live.states]
      .filter(([agent]) => agent < agents)
      .sort(([a], [b]) => a - b)
      .map(([agent, { value }]) => ({ agent, bytes: value as Uint8Array })),
    messages,
    belongings: sendsOf(live).filter(({ agent }) => agent < agents),
    operations: [],
    gathers: [],
    registry: { rows, columns: {} },
    arrivals: { kind: predictor, shares: [] },
    routes: [],
    counts: {
      sent: held,
      accepted: held,
      handled: 0,
      expired: 0,
      deadLettered: 0,
      inFlight: held,
      conflicts: 0,
      restarts: 0,
      redelivered: 0,
      heartbeats: 0,
    },
  };
}

/** Those of one thread in its order, the older runs first. */
function messagesOf(live: LiveEntries<Kept>): CutMessage[] {
  const origins = [...live.messages].sort(([a], [b]) => a - b);
  return origins.flatMap(([, messages]) =>
    [...messages].sort(([a], [b]) => a - b).map(([, { value }]) => value as CutMessage),
  );
}

/** What turns had sent that had not ended. */
function sendsOf({ sends, messages }: LiveEntries<Kept>): SentBelonging[] {
  const found: SentBelonging[] = [];
  for (const [origin, turns] of sends)
    for (const [sequence, sent] of turns) {
      const turn = operationTurnOf(origin, sequence);
      const message = messages.get(origin)?.get(sequence)?.value as CutMessage | undefined;
      const agent = turn?.agent ?? message?.target;
      if (agent === undefined) continue;
      const named = turn === undefined ? sequence : turn.acts ? -turn.operation : turn.operation;
      const createdMs = message?.createdMs ?? 0;
      for (const [place, { value }] of sent)
        found.push({
          kind: "sent",
          agent,
          place,
          sequence: named,
          createdMs,
          digest: value as number,
        });
    }
  return found;
}

/** Throws, with both sides, when a journal that still has something is another mesh's. */
export function checkJournalMesh(folder: string, written: JournalMesh, mine: JournalMesh): void {
  const theirs = createTopology(written.topology);
  const own = createTopology(mine.topology);
  if (shapeOf(theirs) !== shapeOf(own))
    throw mismatch(folder, `a mesh of ${shapeOf(theirs)}`, `one of ${shapeOf(own)}`);
  if (!isDeepStrictEqual(theirs.classOf, own.classOf))
    throw mismatch(folder, "a mesh with other classes of agents", "this one");
  if (!isDeepStrictEqual(written.modules, mine.modules) || written.moduleOf !== mine.moduleOf)
    throw mismatch(folder, `agents of ${written.modules.join(", ")}`, `${mine.modules.join(", ")}`);
}

function shapeOf(topology: Topology): string {
  const { sectors, clustersPerSector, agentsPerCluster, spawnCapacity, growth } =
    topologySize(topology);
  const size = `${sectors} × ${clustersPerSector} × ${agentsPerCluster} agents`;
  const reserve = growth === 0 ? "" : `, ${growth} places for growth`;
  return `${size}${reserve} and ${spawnCapacity} places for children`;
}

function mismatch(folder: string, theirs: string, mine: string): MeshError {
  return new MeshError(
    "MESH_JOURNAL_MISMATCH",
    `dataDir: ${folder} holds the states and messages of ${theirs}, not of ${mine}; ` +
      "start the same mesh, or start afresh and set the journal aside",
  );
}
