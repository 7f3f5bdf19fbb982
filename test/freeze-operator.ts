// Main's side of a freeze as an explorer sees it, beside the worker of `custody-protocol.ts`, which obeys with the real
// `Standstill`. The order of its steps is that of `runtime/freeze/freezer.ts`: the order, the wait for FROZEN, two
// cycles and QUIET, the cut, and the thaw. The cut is read twice: what stands still does not change.
import type { Operation, Role } from "./explorer.ts";
import type { Module } from "./stepped-code.ts";
import type { Stepper } from "./stepper.ts";

export interface FreezeParts {
  readonly code: Module;
  readonly stepper: Stepper;
  readonly control: ArrayBuffer;
  readonly custody: ArrayBuffer;
  /** Where the operator waits for its timer. */
  readonly heard: Int32Array;
  readonly messages: number;
  /** Numbers of messages and of those they became, by what the frame at a word says. */
  originAt(words: Int32Array, frame: number): number;
}

const NUMBER_OF_FREEZE = 1;
/** Word of `heard` that nobody changes. */
const TIMER = 1;
/** Word of `heard` that says that the freeze is over. */
export const THAWED = 2;

/** What a cut holds: the messages whose effect is in the snapshot, and those that wait, as bits. */
function cutOf({ code, control, custody, stepper, originAt }: FreezeParts): {
  done: number;
  waiting: number;
} {
  const doubles = code.controlDoublesOf(control, 1);
  const memory = new code.Custody(custody);
  const committed = stepper.read(doubles, code.CONTROL_COMMITTED_F64);
  const { messages, checkpoints } = memory.survey(committed);
  let waiting = 0;
  for (const slot of messages) {
    const bit = 1 << originAt(memory.words, slot + code.SLOT_FRAME);
    if ((waiting & bit) !== 0) stepper.fail("the cut has a message twice");
    waiting |= bit;
  }
  const snapshot = checkpoints.get(0);
  const at = code.SLOT_FRAME + code.FRAME_DATA;
  return { done: snapshot === undefined ? 0 : stepper.read(memory.words, snapshot + at), waiting };
}

/** Freezes the worker once, reads what it holds, and thaws it. */
export function freezeOperator(parts: FreezeParts): Role {
  const { code, stepper, heard } = parts;
  const atomics = stepper.atomics as typeof Atomics;
  const create = (): { state: object; run: Operation[] } => {
    const control = code.controlOf(parts.control, 1);
    const doubles = code.controlDoublesOf(parts.control, 1);
    const me = { waits: 1, mark: 0, done: 0, waiting: 0 };
    const order = (): number => {
      atomics.store(control, code.CONTROL_FREEZE, NUMBER_OF_FREEZE);
      atomics.store(control, code.CONTROL_COMMAND, code.Command.FREEZE);
      code.ringDoorbell(control);
      return 1;
    };
    const frozen = (): number => {
      me.waits = 1;
      if (stepper.read(control, code.CONTROL_FROZEN) !== NUMBER_OF_FREEZE) return 7;
      me.mark = stepper.read(control, code.CONTROL_CYCLES);
      return 2;
    };
    const quiet = (): number => {
      me.waits = 2;
      const cycles = (stepper.read(control, code.CONTROL_CYCLES) - me.mark) | 0;
      if (cycles < 2) code.ringDoorbell(control);
      const quietNow = Math.abs(stepper.read(control, code.CONTROL_QUIET)) === NUMBER_OF_FREEZE;
      return cycles >= 2 && quietNow ? 3 : 7;
    };
    const cut = (): number => {
      const { done, waiting } = cutOf(parts);
      const all = (1 << parts.messages) - 1;
      if ((done & waiting) !== 0) stepper.fail("the cut has a message and its effect");
      if ((done | waiting) !== all)
        stepper.fail(`the cut has ${(done | waiting).toString(2)} of ${all.toString(2)}`);
      Object.assign(me, { done, waiting });
      // A step, so that others may go on if they do.
      atomics.load(control, code.CONTROL_FROZEN);
      return 4;
    };
    const again = (): number => {
      atomics.load(control, code.CONTROL_FROZEN);
      const { done, waiting } = cutOf(parts);
      if (done !== me.done || waiting !== me.waiting) stepper.fail("what was frozen has changed");
      return 5;
    };
    const thaw = (): number => {
      stepper.write(doubles, code.CONTROL_STOOD_F64, 1);
      atomics.compareExchange(control, code.CONTROL_COMMAND, code.Command.FREEZE, code.Command.RUN);
      code.ringDoorbell(control);
      return 6;
    };
    const goes = (): number => {
      me.waits = 6;
      if (stepper.read(control, code.CONTROL_FROZEN) !== 0) return 7;
      stepper.write(heard, THAWED, 1);
      return -1;
    };
    const sleep = (): number => {
      atomics.waitAsync(heard, TIMER, 0);
      return 8;
    };
    const look = (): number => me.waits;
    return { state: me, run: [order, frozen, quiet, cut, again, thaw, goes, sleep, look] };
  };
  const operations = ["order", "frozen?", "quiet?", "cut", "cut", "thaw", "goes?", "sleep", "look"];
  return { name: "operator", operations, deaths: 0, create, alarm: 8 };
}
