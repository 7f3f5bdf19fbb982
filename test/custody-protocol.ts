// A cycle as a transaction, as an explorer sees it: the code of the build that takes messages into custody, ends
// their turns, sends, takes snapshots and commits, and the succession of a thread that died at any store of it.
//
//   lane, filled before ──▶ worker (thread 1) ──replies──▶ reader (thread 0)      monitor: reads the counts
//
// Run for real are `Custody`, `Ledger`, `Lanes`, `Checkpoints`, `Inbox.accept` and `acceptLocal`, `succeed`, and of
// the dispatcher `drainLanes`, `onFrame`, `takeIntoCustody`, `finish`, `giveBack`, `busy` and `commit`. A turn is
// the one below.
// Steps are all accesses to the words by which lanes, doorbells and counts are shared, and of custody the writes of
// all but message bodies: of these only the last word is one, for a slot is looked at when its stamp says so.
import type { Operation, Protocol, Role } from "./explorer.ts";
import { freezeOperator, THAWED } from "./freeze-operator.ts";
import { type Edit, type Module, steppedCode } from "./stepped-code.ts";
import { READ_IS_STEP, Stepper, WRITE_IS_STEP } from "./stepper.ts";

export interface CustodyProtocolOptions {
  /** Messages for the worker's agent, numbered from 0. */
  readonly messages: number;
  /** Numbers of those whose turn sends a message to the agent itself; its turn sends the reply. */
  readonly local?: readonly number[];
  /** Numbers of those whose turn is suspended until after the next commit. */
  readonly suspended?: readonly number[];
  readonly turnsACycle: number;
  readonly deaths: number;
  /** How often the counts are read meanwhile; their words are steps then. */
  readonly looks?: number;
  /** Whether the worker is frozen and thawed once; see `freeze-operator.ts`. */
  readonly freeze?: boolean;
}

const LANE_BYTES = 1024;
const BOTH = READ_IS_STEP | WRITE_IS_STEP;
const SMALLER: readonly Edit[] = [
  { file: "mailbox/ring.js", from: "capacityBytes >= 4096", to: "capacityBytes >= 512" },
  {
    file: "mailbox/layout.js",
    from: "CUSTODY_CHUNK_BYTES = 256 * 1024",
    to: "CUSTODY_CHUNK_BYTES = 1024",
  },
];
const LOADED = [
  "mailbox/layout.js",
  "mailbox/frame.js",
  "mailbox/ring.js",
  "mailbox/batch.js",
  "mailbox/doorbell.js",
  "mailbox/lanes.js",
  "mailbox/ledger.js",
  "mailbox/custody.js",
  "coordination/agent-state.js",
  "runtime/dispatch/dispatcher.js",
  "runtime/dispatch/gateway.js",
  "runtime/dispatch/inbox.js",
  "runtime/dispatch/checkpoints.js",
  "runtime/dispatch/succession.js",
  "runtime/dispatch/standstill.js",
];
/** Word of a frame that holds the number of a message. */
const NUMBER = 15;
/** A message to itself has the number of the one it came from and this. */
const LOCAL = 100;
const AGENT = 0;
const READER = 1;

export function custodyProtocol(
  options: CustodyProtocolOptions,
  mutant: readonly Edit[] = [],
): Protocol {
  const stepper = new Stepper();
  const stubs = { "coordination/profile.js": { observeLatency: () => {} } };
  const load = steppedCode(stepper, LOADED, [...SMALLER, ...mutant], stubs);
  const code: Module = Object.assign({}, ...LOADED.map((file) => load(file)));
  const sizes = { urgentBytes: LANE_BYTES, bulkBytes: LANE_BYTES };
  const counts = [code.CONTROL_COUNTS_F64 * 2, (code.CONTROL_COUNTS_F64 + 32) * 2];
  const committed = code.CONTROL_COMMITTED_F64 * 2;
  const orders = [
    code.CONTROL_COMMAND,
    code.CONTROL_FREEZE,
    code.CONTROL_FROZEN,
    code.CONTROL_QUIET,
    code.CONTROL_CYCLES,
  ];
  const control = stepper.region("control", 2 * code.CONTROL_WORDS * 4, (word) => {
    const at = word % code.CONTROL_WORDS;
    if (at === code.CONTROL_PARKED || at === committed) return BOTH;
    if (options.freeze && orders.includes(at)) return BOTH;
    return options.looks !== undefined && at >= counts[0] && at < counts[1] ? BOTH : 0;
  });
  const laneWords = code.ringBytes(LANE_BYTES) >> 2;
  const lanes = stepper.region("lanes", code.lanesBytes(2, sizes), (word) =>
    word % laneWords < code.RING_CELLS ? BOTH : 0,
  );
  const custody = stepper.region("custody", code.custodyBytes(4 * 1024), (word) => {
    const at = word % 32;
    const described = at < code.SLOT_FRAME && at !== code.SLOT_DEATHS && at !== code.SLOT_OWNER;
    return described || at === code.SLOT_FRAME + NUMBER ? WRITE_IS_STEP : 0;
  });
  const world = stepper.region("world", 64, () => WRITE_IS_STEP);
  const parts: Parts = {
    code,
    stepper,
    control: control.buffer,
    lanes: lanes.buffer,
    custody: custody.buffer,
    sizes,
    heard: new Int32Array(world.buffer),
    options,
  };
  fillLane(parts);
  // Frozen, it has no reader: what it published waits on the lane.
  const roles = options.freeze ? [worker(parts)] : [worker(parts), reader(parts)];
  if (options.looks !== undefined) roles.push(monitor(parts, options.looks));
  if (options.freeze) {
    const originAt = (words: Int32Array, frame: number): number =>
      stepper.read(words, frame + NUMBER) % LOCAL;
    roles.push(freezeOperator({ ...parts, messages: options.messages, originAt }));
  }
  return { name: "custody", stepper, roles, atEnd: () => faultAtEnd(parts) };
}

interface Parts {
  readonly code: Module;
  readonly stepper: Stepper;
  readonly control: ArrayBuffer;
  readonly lanes: ArrayBuffer;
  readonly custody: ArrayBuffer;
  readonly sizes: object;
  /** Replies that the reader has seen, as bits. */
  readonly heard: Int32Array;
  readonly options: CustodyProtocolOptions;
}

function writeFrame({ code, stepper }: Parts, words: Int32Array, at: number, number: number): void {
  stepper.write(words, at + code.FRAME_LENGTH, 64);
  stepper.write(words, at + code.FRAME_TYPE, code.frameType(code.FrameKind.TELL, 1, 0));
  stepper.write(words, at + code.FRAME_TARGET, AGENT);
  stepper.write(words, at + code.FRAME_SOURCE, READER);
  stepper.write(words, at + code.FRAME_PAYLOAD, 0);
  stepper.write(words, at + NUMBER, number);
}

/** Two batches, or one. */
function fillLane(parts: Parts): void {
  const { code, options } = parts;
  const lanes = new code.Lanes(parts.lanes, parts.control, 0, 2, parts.sizes, 1);
  const lane = lanes.bulkTo[1];
  for (let number = 0; number < options.messages; number++) {
    writeFrame(parts, lane.ring.words, lane.tryClaim(64), number);
    if (number === 0 || number === options.messages - 1) {
      lanes.prepare(number + 1);
      lanes.publish();
    }
  }
}

/** A dispatcher of one agent, which keeps as state the set of numbers that had their effect. */
function dispatcherOf(parts: Parts): Module {
  const { code, stepper } = parts;
  const control = code.controlOf(parts.control, 1);
  // As `runtime/workers/shard-pool.ts` does before it starts a worker: its predecessor stands no more.
  stepper.write(control, code.CONTROL_FROZEN, 0);
  stepper.write(control, code.CONTROL_QUIET, 0);
  const epoch = stepper.read(control, code.CONTROL_EPOCH) + 1;
  stepper.write(control, code.CONTROL_EPOCH, epoch);
  const dispatcher = Object.create(code.Dispatcher.prototype);
  const column = (): Int32Array => new Int32Array(2);
  dispatcher.view = {
    thread: 1,
    control,
    controlDoubles: code.controlDoublesOf(parts.control, 1),
    // Read for other threads' Lamport stamps, which stay 0 here.
    threadDoubles: [0, 1].map((thread) => code.controlDoublesOf(parts.control, thread)),
    lanes: new code.Lanes(parts.lanes, parts.control, 1, 2, parts.sizes, epoch),
    custody: new code.Custody(parts.custody),
    topology: { rows: 2, spawnBase: 2 },
    placement: [1, 0],
    registry: {
      rows: 2,
      queueDepth: column(),
      queueBytes: column(),
      currentSinceMs: column(),
      currentMessage: column(),
      waitsOn: column(),
      state: column(),
      flags: column(),
    },
  };
  dispatcher.ledger = new code.Ledger(dispatcher.view.controlDoubles);
  dispatcher.plan = { maxDeliveries: 3, maxPayloadBytes: 1024 };
  dispatcher.outbox = { dirty: false, retry: () => 0, hold() {}, letGo() {}, adopt() {} };
  // Without a journal nothing is sent durably.
  dispatcher.sends = {
    write() {},
    end() {},
    adopt() {},
    keep() {},
    forget() {},
    isOpen: () => false,
  };
  dispatcher.wheel = { stop: () => {}, go: () => {} };
  dispatcher.releases = dispatcher.wheel;
  dispatcher.runQueue = { length: 0 };
  dispatcher.operations = { hasNewsFromGates: false };
  dispatcher.burials = {};
  dispatcher.ports = { log: { error: () => {}, warn: () => {} } };
  dispatcher.nowMs = 0;
  dispatcher.lamport = 0;
  dispatcher._touched = false;
  dispatcher._done = new Int32Array(16);
  dispatcher._doneCount = 0;
  dispatcher._lane = dispatcher.view.lanes.incoming[0];
  dispatcher.codec = {
    encode: () => 4,
    copyTo: (words: Int32Array, _bytes: Uint8Array, at: number) =>
      stepper.write(words, at, dispatcher.cell.state),
    decode: (words: Int32Array, _bytes: Uint8Array, at: number) => stepper.read(words, at),
  };
  dispatcher.cell = { self: AGENT, state: 0, behavior: { snapshot: same, restore: same } };
  dispatcher.agents = { checkpoints: new code.Checkpoints(dispatcher) };
  dispatcher.inbox = new code.Inbox(dispatcher);
  // Its one agent has neither timers nor children.
  dispatcher.belongings = { adopt() {}, brings: () => false, keep() {}, letGo() {} };
  dispatcher.standstill = new code.Standstill(dispatcher);
  dispatcher.queue = [];
  dispatcher.suspended = [];
  dispatcher.inbox.deliver = (slot: number) => dispatcher.queue.push(slot);
  return dispatcher;
}

function same(value: unknown): unknown {
  return value;
}

/** The end of a turn: its effect, its reply, its snapshot, and its message is done. See `runtime/dispatch/turns.ts`. */
function complete(parts: Parts, dispatcher: Module, slot: number): void {
  const { code, stepper } = parts;
  const { view, ledger, cell, agents, inbox } = dispatcher;
  const { words } = view.custody;
  const number = stepper.read(words, slot + code.SLOT_FRAME + NUMBER);
  const origin = number % LOCAL;
  if (origin >= parts.options.messages) stepper.fail(`message ${number} was never sent`);
  const sendsOn = number < LOCAL && parts.options.local?.includes(number);
  if (sendsOn) {
    // As `Outbox.#place` does for a target of its own thread.
    const sent = view.custody.allocate(64, false);
    if (sent === code.FULL) stepper.fail("custody is full");
    writeFrame(parts, words, sent + code.SLOT_FRAME, number + LOCAL);
    view.custody.describe(sent, AGENT, -1, 0);
    ledger.counts[code.Count.SENT]++;
    inbox.acceptLocal(sent);
  } else {
    if ((cell.state & (1 << origin)) !== 0) stepper.fail(`message ${number} had its effect twice`);
    cell.state |= 1 << origin;
    const lane = view.lanes.bulkTo[0];
    const word = lane.tryClaim(64);
    if (word === code.FULL) stepper.fail("no room for a reply");
    writeFrame(parts, lane.ring.words, word, origin);
    ledger.counts[code.Count.SENT]++;
    dispatcher.outbox.dirty = true;
  }
  agents.checkpoints.take(cell);
  ledger.counts[code.Count.HANDLED]++;
  dispatcher.finish(slot);
}

function worker(parts: Parts): Role {
  const { code, options } = parts;
  const create = (): { state: object; run: Operation[] } => {
    const dispatcher = dispatcherOf(parts);
    const me = { dispatcher, turns: 0 };
    const { view, cell, queue, suspended, agents, standstill } = dispatcher;
    const succeed = (): number => {
      const estate = code.succeed(dispatcher, { blameless: true, current: 0 });
      if (agents.checkpoints.has(AGENT)) cell.state = agents.checkpoints.restore(cell);
      estate.redeliver();
      return 4;
    };
    const drain = (): number => {
      parts.stepper.write(
        view.control,
        code.CONTROL_CYCLES,
        parts.stepper.read(view.control, code.CONTROL_CYCLES) + 1,
      );
      if (standstill.obey()) return standstill.cycle() ? 1 : 3;
      dispatcher.drainLanes();
      if (queue.length > 0) return 2;
      return dispatcher._touched ? 4 : 3;
    };
    const turn = (): number => {
      const slot = queue.shift();
      const number = parts.stepper.read(view.custody.words, slot + code.SLOT_FRAME + NUMBER);
      if (options.suspended?.includes(number)) suspended.push(slot);
      else complete(parts, dispatcher, slot);
      me.turns++;
      return queue.length > 0 && me.turns < options.turnsACycle ? 2 : 4;
    };
    const lieDown = (): number => {
      code.lieDown(view.control);
      return dispatcher.busy ? 6 : 5;
    };
    const commit = (): number => {
      dispatcher.commit();
      me.turns = 0;
      if (suspended.length > 0) return 7;
      // Where nobody freezes, a look at lanes that are empty by then brings nothing but more states.
      return queue.length > 0 && options.freeze !== true ? 2 : 1;
    };
    const sleep = (): number => {
      code.nextRing(view.control);
      return 6;
    };
    const rise = (): number => {
      code.standUp(view.control);
      return 1;
    };
    const resume = (): number => {
      complete(parts, dispatcher, suspended.shift());
      return 4;
    };
    return { state: me, run: [succeed, drain, turn, lieDown, commit, sleep, rise, resume] };
  };
  const operations = ["succeed", "drain", "turn", "lie down", "commit", "sleep", "rise", "resume"];
  return { name: "worker", operations, deaths: options.deaths, create };
}

function reader(parts: Parts): Role {
  const { code, stepper, heard, options } = parts;
  const inOrder = options.suspended === undefined && options.local === undefined;
  const create = (): { state: object; run: Operation[] } => {
    const control = code.controlOf(parts.control, 0);
    const lanes = new code.Lanes(parts.lanes, parts.control, 0, 2, parts.sizes, 1);
    const me = { lanes, taken: 0 };
    const lane = lanes.incoming[1];
    const frames = {
      onFrame: (ring: Module, word: number): boolean => {
        if ((stepper.read(ring.words, word + code.FRAME_TYPE) & 0xff) === code.FrameKind.BATCH) {
          if (!lane.onBatch(word)) stepper.fail("a batch is missing");
          return true;
        }
        const number = stepper.read(ring.words, word + NUMBER);
        const before = stepper.read(heard, 0);
        if ((before & (1 << number)) !== 0) stepper.fail(`reply ${number} came twice`);
        if (inOrder && before !== (1 << number) - 1) stepper.fail(`reply ${number} came too early`);
        stepper.write(heard, 0, before | (1 << number));
        return true;
      },
      onCorrupt: (_ring: Module, sentence: string) => stepper.fail(`corrupt: ${sentence}`),
    };
    const drain = (): number => (lane.ring.drain(frames, 64) > 0 ? 0 : 1);
    const lieDown = (): number => {
      code.lieDown(control);
      return lanes.empty ? 2 : 3;
    };
    const sleep = (): number => {
      code.nextRing(control);
      return 3;
    };
    const rise = (): number => {
      code.standUp(control);
      return 0;
    };
    return { state: me, run: [drain, lieDown, sleep, rise] };
  };
  return { name: "reader", operations: ["drain", "lie down", "sleep", "rise"], deaths: 0, create };
}

/** Reads the counts without stopping anybody: the law of conservation holds at every instant. */
function monitor(parts: Parts, looks: number): Role {
  const { code, stepper } = parts;
  const create = (): { state: object; run: Operation[] } => {
    const me = { looked: 0 };
    const doubles = code.controlDoublesOf(parts.control, 1);
    const into = new Float64Array(code.COUNT_COUNT);
    const look = (): number => {
      code.readCounts(doubles, into);
      const sentence = unlawful(code, into);
      if (sentence !== undefined) stepper.fail(sentence);
      return ++me.looked < looks ? 0 : -1;
    };
    return { state: me, run: [look] };
  };
  return { name: "monitor", operations: ["look"], deaths: 0, create };
}

function unlawful({ Count }: Module, counts: Float64Array): string | undefined {
  const accepted = counts[Count.ACCEPTED];
  const rest =
    counts[Count.HANDLED] +
    counts[Count.EXPIRED] +
    counts[Count.DEAD_LETTERED] +
    counts[Count.IN_FLIGHT];
  return accepted === rest ? undefined : `accepted ${accepted} where ${rest} are accounted for`;
}

function faultAtEnd(parts: Parts): string | undefined {
  const { code, heard, options } = parts;
  const all = (1 << options.messages) - 1;
  if (options.freeze && heard[THAWED] === 0) return "the mesh was not thawed";
  if (!options.freeze && heard[0] !== all)
    return `replies ${heard[0].toString(2)} of ${all.toString(2)}`;
  const doubles = new Float64Array(parts.control.slice(0), code.CONTROL_WORDS * 4);
  const counts = new Float64Array(code.COUNT_COUNT);
  code.readCounts(doubles, counts);
  const handled = options.messages + (options.local?.length ?? 0);
  if (counts[code.Count.HANDLED] !== handled)
    return `${counts[code.Count.HANDLED]} handled instead of ${handled}`;
  const sentence = unlawful(code, counts);
  if (sentence !== undefined) return sentence;
  const custody = new code.Custody(parts.custody.slice(0));
  const { messages, checkpoints } = custody.recover(doubles[code.CONTROL_COMMITTED_F64]);
  if (messages.length > 0) return `${messages.length} messages are left in custody`;
  const state = custody.words[checkpoints.get(AGENT) + code.SLOT_FRAME + code.FRAME_DATA];
  return state === all ? undefined : `the snapshot says ${state} instead of ${all}`;
}
