import {
  FRAME_DEADLINE_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameKind,
  frameKind,
} from "../../mailbox/frame.ts";
import {
  CONTROL_COMMAND,
  CONTROL_FREEZE,
  CONTROL_FROZEN,
  CONTROL_QUIET,
  CONTROL_STOOD_F64,
  Command,
  SLOT_FRAME,
} from "../../mailbox/layout.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Cut short while a thread stands still: who goes on is asked, in order, when it goes again. */
type Continuation = () => void;

/**
 * How a thread stands still while its mesh is frozen (design: failure, freeze). It looks at one word of main's at the
 * beginning of each cycle, which is a boundary: no turn runs, all that happened is committed. From then on it gives
 * no turns, fires no timers and releases nothing; it takes in what is on its lanes, so that main finds all of it in
 * custody, and answers what main asks. What awaiting handlers do meanwhile waits: their sends in the outbox, the end
 * of their turn here. When it goes again, its timers and the deadlines of its messages are as much later.
 */
export class Standstill {
  readonly #dispatcher: Dispatcher;
  /** Of the freeze that is obeyed; 0 while the thread goes. */
  #number = 0;
  /** What agents have besides is in custody. */
  #kept = false;
  /** Lanes hold something for which there is no custody. */
  #stuck = false;
  #waiting: Continuation[] = [];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  get stands(): boolean {
    return this.#number !== 0;
  }

  /** Obeys main's word; true when the cycle that begins is one of standing still. */
  obey(): boolean {
    const command = Atomics.load(this.#dispatcher.view.control, CONTROL_COMMAND);
    if (command === Command.FREEZE) {
      if (this.#number === 0) this.#stop();
      return true;
    }
    if (this.#number !== 0) this.#go();
    return false;
  }

  /** True when {@link obey} would change something, or the lanes have something that can be taken. */
  get busy(): boolean {
    const { control, lanes } = this.#dispatcher.view;
    const command = Atomics.load(control, CONTROL_COMMAND);
    if ((command === Command.FREEZE) !== this.stands) return true;
    return this.stands && !lanes.empty && !this.#stuck;
  }

  /** One cycle of standing still: takes in what is on its way, and says when nothing is. */
  cycle(): boolean {
    const dispatcher = this.#dispatcher;
    const { lanes, control } = dispatcher.view;
    let work = dispatcher.outbox.retry();
    if (!lanes.empty) {
      // Before custody changes: main must not take for quiet what is about to.
      Atomics.store(control, CONTROL_QUIET, 0);
      const taken = dispatcher.drainLanes();
      this.#stuck = taken === 0;
      work += taken;
    }
    if (!this.#kept) {
      this.#kept = true;
      dispatcher.belongings.keep();
      work++;
    }
    if (work > 0 || dispatcher.outbox.dirty) dispatcher.commit();
    if (lanes.empty || this.#stuck)
      Atomics.store(control, CONTROL_QUIET, lanes.empty ? this.#number : -this.#number);
    return work > 0;
  }

  /** Runs it now or, while the thread stands still, when it goes again. */
  whenGoing(continuation: Continuation): void {
    if (this.#number === 0) continuation();
    else this.#waiting.push(continuation);
  }

  #stop(): void {
    const { view, wheel, releases, outbox, nowMs } = this.#dispatcher;
    this.#dispatcher.commit();
    outbox.hold();
    wheel.stop(nowMs);
    releases.stop(nowMs);
    this.#stuck = false;
    this.#kept = false;
    this.#number = view.control[CONTROL_FREEZE];
    Atomics.store(view.control, CONTROL_FROZEN, this.#number);
  }

  #go(): void {
    const { view, wheel, releases, outbox, nowMs } = this.#dispatcher;
    const stoodMs = view.controlDoubles[CONTROL_STOOD_F64];
    this.#number = 0;
    this.#dispatcher.belongings.letGo();
    this.#shiftMessages(stoodMs);
    this.#shiftTurns(stoodMs);
    wheel.go(nowMs, true);
    // T is a moment of the world, which has not stood still.
    releases.go(nowMs, false);
    outbox.letGo(stoodMs);
    Atomics.store(view.control, CONTROL_QUIET, 0);
    Atomics.store(view.control, CONTROL_FROZEN, 0);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const continuation of waiting) continuation();
  }

  #shiftMessages(stoodMs: number): void {
    const { view, ledger } = this.#dispatcher;
    const { words, doubles } = view.custody;
    for (const slot of view.custody.survey(ledger.committed).messages) {
      const at = slot + SLOT_FRAME;
      const deadline = (at >>> 1) + FRAME_DEADLINE_F64;
      const kind = frameKind(words[at + FRAME_TYPE]);
      if (doubles[deadline] === 0) continue;
      if (isPatient(kind, words[at + FRAME_SOURCE], view.topology.orchestrator))
        doubles[deadline] += stoodMs;
    }
  }

  /** The time that a suspended turn stood still is not time that it took. */
  #shiftTurns(stoodMs: number): void {
    const { registry, placement, thread } = this.#dispatcher.view;
    for (let row = 0; row < registry.rows; row++) {
      if (placement[row] === thread && registry.currentSinceMs[row] > 0)
        registry.currentSinceMs[row] += stoodMs;
    }
  }
}

/**
 * Whether the time to live of a message stands still with its mesh. Not that of what somebody outside waits for, or
 * has to be done by a moment of the world: they are over when their asker gives up, or at T.
 */
export function isPatient(kind: number, source: number, outside: number): boolean {
  return kind !== FrameKind.OPERATION && !(kind === FrameKind.ASK && source === outside);
}
