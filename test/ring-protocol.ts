// Rings, lanes and doorbells as an explorer sees them: the code of the build, every access to the rings and the
// doorbells a step, any thread dying at any of them.
//
//   producer (thread 1) ──urgent and bulk lane──▶ consumer (thread 0)
//
// A producer claims frames, commits them by `Dispatcher.commit` and sleeps when there is no room; the consumer
// drains, takes each frame into "custody" (one store) and sleeps when there is nothing. The order of their calls
// is that of `runtime/workers/duty.ts` and `runtime/dispatch/dispatcher.ts`.
import type { Operation, Protocol, Role } from "./explorer.ts";
import { type Edit, type Module, steppedCode } from "./stepped-code.ts";
import { READ_IS_STEP, Stepper, WRITE_IS_STEP } from "./stepper.ts";

export interface RingProtocolOptions {
  /** Cells of each frame that the producer sends: on its bulk lane, negative ones on its urgent lane. */
  readonly frames: readonly number[];
  /** Frames that a producer puts into one batch, at most. */
  readonly batch: number;
  readonly producerDeaths: number;
  readonly consumerDeaths: number;
  /** Numbers of the frames that the consumer refuses once, as if custody were full. */
  readonly refused?: readonly number[];
}

/** Cells of a lane; the least that takes a header and a frame with padding in front. */
const LANE_BYTES = 512;
/** Rings begin just before their indices overflow. */
const FIRST_INDEX = 2 ** 31 - 5;
const BOTH = READ_IS_STEP | WRITE_IS_STEP;

const SMALLER: readonly Edit[] = [
  { file: "mailbox/ring.js", from: "capacityBytes >= 4096", to: "capacityBytes >= 512" },
];
const LOADED = [
  "mailbox/layout.js",
  "mailbox/frame.js",
  "mailbox/ring.js",
  "mailbox/batch.js",
  "mailbox/doorbell.js",
  "mailbox/lanes.js",
  "mailbox/ledger.js",
  "runtime/dispatch/dispatcher.js",
];

/** Places in the memory that stands for what outlives a thread besides rings: Float64 words. */
const CUSTODY_AT = 0;
const SENT_AT = 8;
const EPOCH_AT = 40;

export function ringProtocol(options: RingProtocolOptions, mutant: readonly Edit[] = []): Protocol {
  const stepper = new Stepper();
  const load = steppedCode(stepper, LOADED, [...SMALLER, ...mutant]);
  const code: Module = Object.assign({}, ...LOADED.map((file) => load(file)));
  const sizes = { urgentBytes: LANE_BYTES, bulkBytes: LANE_BYTES };
  const control = stepper.region("control", 2 * code.CONTROL_WORDS * 4, (word) => {
    const at = word % code.CONTROL_WORDS;
    const committed = code.CONTROL_COMMITTED_F64 * 2;
    if (at === code.CONTROL_PARKED) return BOTH;
    return at === committed || at === committed + 1 ? WRITE_IS_STEP : 0;
  });
  const lanes = stepper.region("lanes", code.lanesBytes(2, sizes), () => BOTH);
  const world = stepper.region("world", 128 * 8, (word) => (word < 8 ? WRITE_IS_STEP : 0));
  const beyond = new Float64Array(world.buffer);
  for (let pair = 0; pair < 4; pair++) {
    for (let lane = 0; lane < 2; lane++) {
      const at = ((pair * 2 + lane) * code.ringBytes(LANE_BYTES)) >> 2;
      for (const index of [code.RING_TAIL, code.RING_HEAD, code.RING_ACCEPTED])
        lanes.words[at + index] = FIRST_INDEX;
    }
  }
  const parts = {
    code,
    stepper,
    control: control.buffer,
    lanes: lanes.buffer,
    sizes,
    beyond,
    options,
  };
  return {
    name: "ring",
    stepper,
    roles: [consumer(parts), producer(parts)],
    atEnd: () => {
      const received = (beyond[CUSTODY_AT] % 1024) + (beyond[CUSTODY_AT + 1] % 1024);
      const due = options.frames.length;
      return received === due ? undefined : `${received} of ${due} frames were received`;
    },
  };
}

interface Parts {
  readonly code: Module;
  readonly stepper: Stepper;
  readonly control: ArrayBuffer;
  readonly lanes: ArrayBuffer;
  readonly sizes: object;
  /** What outlives threads: custody of the consumer, the books of the producer. */
  readonly beyond: Float64Array;
  readonly options: RingProtocolOptions;
}

function viewOf({ code, control, lanes, sizes }: Parts, thread: number, epoch: number): Module {
  return {
    control: code.controlOf(control, thread),
    controlDoubles: code.controlDoublesOf(control, thread),
    lanes: new code.Lanes(lanes, control, thread, 2, sizes, epoch),
    custody: { nextRank: 0 },
  };
}

/** A dispatcher with only what `commit` needs. */
function dispatcherOf({ code }: Parts, view: Module): Module {
  const dispatcher = Object.create(code.Dispatcher.prototype);
  dispatcher.view = view;
  dispatcher.ledger = new code.Ledger(view.controlDoubles);
  dispatcher.ports = {};
  dispatcher.lamport = 0;
  dispatcher.outbox = { dirty: false };
  dispatcher.sends = { write() {} };
  dispatcher._touched = false;
  dispatcher._doneCount = 0;
  return dispatcher;
}

function producer(parts: Parts): Role {
  const { code, stepper, beyond, options } = parts;
  const { frames, batch } = options;
  const world = parts.control;
  const create = (): { state: object; run: Operation[] } => {
    const control = code.controlOf(world, 1);
    // Main counts incarnations before it starts one.
    const epoch = stepper.read(control, code.CONTROL_EPOCH) + 1;
    stepper.write(control, code.CONTROL_EPOCH, epoch);
    const view = viewOf(parts, 1, epoch);
    const me = { view, dispatcher: dispatcherOf(parts, view), epoch, next: 0, open: 0 };
    const recover = (): number => {
      const { committed } = me.dispatcher.ledger;
      view.lanes.recoverProducer(committed);
      me.next = committed === 0 ? 0 : stepper.read(beyond, SENT_AT + committed);
      // As `runtime/workers/shard.ts` does before an incarnation begins its work.
      return 2;
    };
    const fill = (): number => {
      if (me.next === frames.length) return me.open > 0 ? 2 : -1;
      const cells = Math.abs(frames[me.next]);
      const lane = (frames[me.next] < 0 ? view.lanes.urgentTo : view.lanes.bulkTo)[0];
      const word = lane.tryClaim(cells * 64);
      if (word === code.FULL) {
        lane.ring.wantRoom();
        return me.open > 0 ? 2 : 3;
      }
      writeFrame(parts, lane.ring.words, word, cells, me.next, me.epoch);
      me.next++;
      me.open++;
      return me.open === batch ? 2 : 1;
    };
    const commit = (): number => {
      const { cycle } = me.dispatcher.ledger;
      stepper.write(beyond, SENT_AT + cycle, me.next);
      for (let n = me.next - me.open; n < me.next; n++)
        stepper.write(beyond, EPOCH_AT + n, me.epoch);
      me.dispatcher.commit();
      me.open = 0;
      return 1;
    };
    const sleep = (): number => {
      code.lieDown(view.control);
      code.nextRing(view.control);
      return 5;
    };
    const alarm = (): number => {
      code.wakeUp(view.control);
      return 5;
    };
    const rise = (): number => {
      code.standUp(view.control);
      return 1;
    };
    return { state: me, run: [recover, fill, commit, sleep, alarm, rise] };
  };
  const operations = ["recover", "fill", "commit", "sleep", "alarm", "rise"];
  return { name: "producer", operations, deaths: options.producerDeaths, create, alarm: 4 };
}

/** Word 2 is the number, 3 the incarnation that wrote it; the last says both again. */
function writeFrame(
  { code, stepper }: Parts,
  words: Int32Array,
  word: number,
  cells: number,
  number: number,
  epoch: number,
): void {
  stepper.write(words, word + code.FRAME_LENGTH, cells * 64);
  stepper.write(words, word + code.FRAME_TYPE, code.FrameKind.TELL);
  stepper.write(words, word + 2, number);
  stepper.write(words, word + 3, epoch);
  stepper.write(words, word + cells * 16 - 1, number * 16 + epoch);
}

/** Takes frames over, and looks at each as closely as it can. */
class Receiver {
  /** Frames taken over, by lane. */
  readonly due: number[] = [0, 0];
  refusals = 0;
  lane = 0;
  readonly #parts: Parts;
  readonly #lanes: Module;
  /** Numbers of the frames of each lane. */
  readonly #numbers: readonly (readonly number[])[];

  constructor(parts: Parts, lanes: Module) {
    this.#parts = parts;
    this.#lanes = lanes;
    const numbers = [...parts.options.frames.keys()];
    this.#numbers = [-1, 1].map((sign) =>
      numbers.filter((number) => Math.sign(parts.options.frames[number]) === sign),
    );
  }

  onFrame(ring: Module, word: number, end: number): boolean {
    const { code, stepper, beyond, options } = this.#parts;
    const { words } = ring;
    const kind = stepper.read(words, word + code.FRAME_TYPE) & 0xff;
    if (kind === code.FrameKind.BATCH) {
      if (!this.#lanes.incoming[this.lane].onBatch(word)) stepper.fail("a batch is missing");
      return true;
    }
    const number = stepper.read(words, word + 2);
    const epoch = stepper.read(words, word + 3);
    const length = stepper.read(words, word + code.FRAME_LENGTH);
    const last = stepper.read(words, word + (length >> 2) - 1);
    const due = this.#numbers[this.lane][this.due[this.lane]];
    if (number !== due) stepper.fail(`frame ${number} where ${due} was due`);
    if (last !== number * 16 + epoch) stepper.fail(`frame ${number} is torn`);
    if (length !== Math.abs(options.frames[number]) * 64)
      stepper.fail(`frame ${number} is ${length} long`);
    const committed = stepper.read(
      code.controlDoublesOf(this.#parts.control, 1),
      code.CONTROL_COMMITTED_F64,
    );
    if (stepper.read(beyond, SENT_AT + committed) <= number)
      stepper.fail(`frame ${number} came before it was committed`);
    if (stepper.read(beyond, EPOCH_AT + number) !== epoch)
      stepper.fail(`frame ${number} came from incarnation ${epoch}, which did not commit it`);
    if (options.refused?.includes(number) && (this.refusals & (1 << number)) === 0) {
      this.refusals |= 1 << number;
      return false;
    }
    // One store takes it over: how many these are, and where it ended.
    const count = ++this.due[this.lane];
    stepper.write(beyond, CUSTODY_AT + this.lane, (end >>> 0) * 1024 + count);
    return true;
  }

  onCorrupt(_ring: Module, sentence: string): void {
    this.#parts.stepper.fail(`corrupt: ${sentence}`);
  }
}

function consumer(parts: Parts): Role {
  const { code, stepper, beyond } = parts;
  const create = (): { state: object; run: Operation[] } => {
    const view = viewOf(parts, 0, 1);
    const receiver = new Receiver(parts, view.lanes);
    const me = { view, receiver, taken: 0 };
    const { incoming } = view.lanes;
    const recover = (): number => {
      // As `takeOverLanes` of `runtime/dispatch/succession.ts` does with what it finds in custody.
      for (const [lane, { ring }] of incoming.entries()) {
        const custody = stepper.read(beyond, CUSTODY_AT + lane);
        receiver.due[lane] = custody % 1024;
        let { accepted } = ring;
        const position = Math.floor(custody / 1024) | 0;
        if (custody > 0 && ((position - accepted) | 0) > 0) accepted = position;
        ring.recoverConsumer(accepted);
      }
      return 1;
    };
    const drain = (lane: number) => (): number => {
      receiver.lane = lane;
      const taken = incoming[lane].ring.drain(receiver, 64);
      if (taken > 0) view.lanes.tellOfRoom(incoming[lane]);
      me.taken += taken;
      if (lane === 0) return 2;
      if (me.taken === 0) return 3;
      me.taken = 0;
      return 1;
    };
    const lieDown = (): number => {
      code.lieDown(view.control);
      return view.lanes.empty ? 4 : 5;
    };
    const sleep = (): number => {
      code.nextRing(view.control);
      return 5;
    };
    const rise = (): number => {
      code.standUp(view.control);
      return 1;
    };
    return { state: me, run: [recover, drain(0), drain(1), lieDown, sleep, rise] };
  };
  const operations = ["recover", "drain urgent", "drain bulk", "lie down", "sleep", "rise"];
  return { name: "consumer", operations, deaths: parts.options.consumerDeaths, create };
}
