// What an agent's process and its worker say to each other. Nothing of what the process says is believed but its form:
// who is speaking is whoever's turn it is.

/** What the worker says. */
export type Order =
  | { readonly kind: "init"; readonly turn: number; readonly who: Who }
  | {
      readonly kind: "restore";
      readonly turn: number;
      readonly who: Who;
      readonly snapshot: unknown;
    }
  | {
      readonly kind: "receive" | "act";
      readonly turn: number;
      readonly who: Who;
      readonly message: unknown;
      readonly envelope: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "answer"; readonly call: number; readonly outcome: unknown }
  | {
      readonly kind: "refusal";
      readonly call: number;
      readonly code: string;
      readonly text: string;
    };

/** Whose turn it is. */
export interface Who {
  readonly self: number;
  readonly address: string;
  readonly impedanceClass: string;
  readonly nowMs: number;
  readonly seed: number;
}

/** What the process says. */
export type Saying =
  | { readonly kind: "ready"; readonly snapshots: boolean }
  | {
      readonly kind: "done";
      readonly turn: number;
      readonly state: 1 | -1;
      readonly value: unknown;
      readonly snapshot: unknown;
    }
  | { readonly kind: "failed"; readonly turn: number; readonly text: string }
  | {
      readonly kind: "tell";
      readonly turn: number;
      readonly to: number | string;
      readonly message: unknown;
      readonly options: object | undefined;
    }
  | {
      readonly kind: "ask";
      readonly turn: number;
      readonly call: number;
      readonly to: number | string;
      readonly message: unknown;
      readonly options: object | undefined;
    }
  | { readonly kind: "log"; readonly turn: number; readonly text: string };

/** Characters that are kept of a text. */
const MAX_TEXT = 1_000;

/** Reads what a process said; undefined when it is nothing that there is to say. */
export function readSaying(given: unknown): Saying | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { kind, turn, call, to, message, options, text, state, value, snapshot, snapshots } =
    given as Readonly<Record<string, unknown>>;
  if (kind === "ready") return { kind, snapshots: snapshots === true };
  if (!isCount(turn)) return undefined;
  switch (kind) {
    case "done":
      return state === 1 || state === -1 ? { kind, turn, state, value, snapshot } : undefined;
    case "failed":
    case "log":
      return typeof text === "string" ? { kind, turn, text: text.slice(0, MAX_TEXT) } : undefined;
    case "tell":
      return isTarget(to) && isOptions(options) ? { kind, turn, to, message, options } : undefined;
    case "ask":
      if (!isCount(call) || !isTarget(to) || !isOptions(options)) return undefined;
      return { kind, turn, call, to, message, options };
    default:
      return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTarget(value: unknown): value is number | string {
  return typeof value === "number" || (typeof value === "string" && value.length < 200);
}

function isOptions(value: unknown): value is object | undefined {
  return value === undefined || (typeof value === "object" && value !== null);
}
