import { fillFrame, proveFrame } from "./pattern.ts";
import { FIRST_TASK_NUMBER, type TaskMessage, taskMessage } from "./payload.ts";

/**
 * What peers that send values, not bytes, are given to carry: messages made one by one from their number,
 * and proved from it where they arrive.
 */
export interface Cargo {
  make(number: number): unknown;
  /** Throws when `message` is not message `number`. */
  take(message: unknown, number: number): void;
}

/** Names a cargo; can be sent to a worker. */
export type CargoKind =
  | { readonly kind: "frames"; readonly frameWords: number; readonly framesPerMessage: number }
  | { readonly kind: "task" };

export function createCargo(cargo: CargoKind): Cargo {
  switch (cargo.kind) {
    case "frames":
      return frames(cargo.frameWords, cargo.framesPerMessage);
    case "task":
      return { make: (number) => taskMessage(FIRST_TASK_NUMBER + number), take: proveTask };
    default:
      return cargo satisfies never;
  }
}

function frames(frameWords: number, framesPerMessage: number): Cargo {
  const length = frameWords * framesPerMessage;
  return {
    make(number) {
      const words = new Int32Array(length);
      let frame = number * framesPerMessage;
      for (let at = 0; at < length; at += frameWords) fillFrame(words, at, frameWords, frame++);
      return words;
    },
    take(message, number) {
      const words = message as Int32Array;
      let frame = number * framesPerMessage;
      for (let at = 0; at < length; at += frameWords) proveFrame(words, at, frameWords, frame++);
    },
  };
}

/** Throws when `message` is not the task message of this number, counted from 0. */
export function proveTask(message: unknown, number: number): void {
  const found = (message as TaskMessage).number - FIRST_TASK_NUMBER;
  if (found !== number) throw new Error(`message ${number} expected, found ${found}`);
}
