import { addressOf } from "../../coordination/address.ts";
import {
  FRAME_CREATED_F64,
  FRAME_DEADLINE_F64,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameKind,
} from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import {
  CONTEXT_BYTES,
  type Context,
  type Span,
  type SpanRole,
  type SpanStart,
  type Telemetry,
} from "../machine/telemetry.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Header } from "./header.ts";

/** The flag of a message that was sent in a span, as it stands in the word of a frame's type. */
const TRACED = FrameFlag.TRACED << 16;
/** Asks of this thread whose spans are remembered until their answers come; of more, the oldest is forgotten. */
const MAX_ASKED = 10_000;

/**
 * Spans of this thread's sends and turns, and their contexts on the way between threads:
 *
 *   active span ─▶ 25 bytes behind the payload ─▶ the turn, in a span of its own where its thread has telemetry
 *                                                   └▶ what the turn sends: in that span, or in the one that came
 *
 * Without telemetry in any thread no frame is marked, and all of it is one test of a field for each send.
 */
export class Spans {
  /** Set when an SDK was found registered in this thread. */
  telemetry: Telemetry | undefined;
  readonly #dispatcher: Dispatcher;
  /** When turns began that answer an ask, by slot: told with the answer, for the asker to make a span of. */
  readonly #began = new Map<number, number>();
  /** Contexts in which asks were sent, by their ids. */
  readonly #asked = new Map<number, Context>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Runs `task` in a span of its own, which ends when that has; `told` notes what came of it. */
  run<T>(
    start: SpanStart,
    task: () => Promise<T>,
    told?: (span: Span, result: T) => void,
  ): Promise<T> {
    const { telemetry } = this;
    if (telemetry === undefined) return task();
    const span = telemetry.begin(start);
    return telemetry.within(telemetry.contextWith(span), task).then(
      (result) => {
        told?.(span, result);
        span.end();
        return result;
      },
      (error: unknown) => {
        telemetry.fail(span, error);
        span.end();
        throw error;
      },
    );
  }

  /** `task` as part of the span that is active now, wherever it is called. */
  bound<T>(task: () => T): () => T {
    return this.telemetry?.bound(task) ?? task;
  }

  /** Asks from outside in a span, if it is part of another. */
  asking<T>(target: number, ask: () => Promise<T>): Promise<T> {
    if (this.telemetry?.active() === undefined) return ask();
    const attributes = { "mesh.agent": addressOf(this.#dispatcher.view.topology, target) };
    return this.run({ name: "mesh ask", role: "client", attributes }, ask);
  }

  /** Sends a tell from outside in a span, if it is part of another. */
  telling<T>(target: number, send: () => T): T {
    const { telemetry } = this;
    if (telemetry?.active() === undefined) return send();
    const attributes = { "mesh.agent": addressOf(this.#dispatcher.view.topology, target) };
    const span = telemetry.begin({ name: "mesh tell", role: "producer", attributes });
    try {
      return telemetry.within(telemetry.contextWith(span), send);
    } finally {
      span.end();
    }
  }

  /**
   * Puts the context that a message is sent in behind its `length` bytes in the codec's scratch, if there is one: that
   * of the active span, or the one that the sender's turn came with. Returns the length of both.
   */
  enclose(header: Header, length: number, cell: AgentCell | undefined): number {
    const { telemetry } = this;
    const bytes = telemetry?.activeBytes() ?? this.#passedOn(cell);
    if (bytes === undefined) return length;
    if (header.kind === FrameKind.ASK && telemetry !== undefined)
      this.#remember(header.operation, telemetry.active());
    header.flags |= FrameFlag.TRACED;
    return this.#dispatcher.codec.append(length, bytes);
  }

  /** Runs a turn whose message was sent in a span. */
  turn(cell: AgentCell, slot: number, handle: () => unknown): unknown {
    const { telemetry } = this;
    const type = this.#typeOf(slot);
    const kind = frameKind(type);
    if (telemetry === undefined) {
      if (kind === FrameKind.ASK) this.#began.set(slot, this.#dispatcher.nowMs);
      return handle();
    }
    const bytes = this.#bytesAt(slot);
    if (bytes === undefined) return handle();
    const parent = telemetry.contextOf(bytes);
    // The span of an operation's turn is made by main, of what the sector reports: here is what it is part of.
    if (kind === FrameKind.OPERATION) return telemetry.within(parent, handle);
    return this.#inSpan(
      telemetry,
      parent,
      kind === FrameKind.ASK ? "server" : "consumer",
      cell,
      handle,
    );
  }

  #inSpan(
    telemetry: Telemetry,
    parent: Context,
    role: SpanRole,
    cell: AgentCell,
    handle: () => unknown,
  ): unknown {
    const attributes = { "mesh.agent": cell.address, "mesh.worker": this.#dispatcher.view.thread };
    const span = telemetry.begin({ name: "mesh receive", role, attributes }, parent);
    let result: unknown;
    try {
      result = telemetry.within(telemetry.contextWith(span, parent), handle);
    } catch (error) {
      telemetry.fail(span, error);
      span.end();
      throw error;
    }
    const settled = (value: unknown): void => {
      const { state } = (value ?? {}) as { readonly state?: unknown };
      span.setAttribute("mesh.state", state === -1 ? "CONFLICT" : "READY");
      span.end();
    };
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function")
      (result as PromiseLike<unknown>).then(settled, (error: unknown) => {
        telemetry.fail(span, error);
        span.end();
      });
    else settled(result);
    return result;
  }

  /** When the turn in `slot` began, if its asker would make a span of it; 0 otherwise. Told once. */
  beganMs(slot: number): number {
    const beganMs = this.#began.get(slot);
    if (beganMs === undefined) return 0;
    this.#began.delete(slot);
    return beganMs;
  }

  /** An ANSWER has arrived: makes a span of the turn that it ended, where that could make none itself. */
  answered({ words, doubles }: FrameMemory, word: number): void {
    const { telemetry } = this;
    if (telemetry === undefined || this.#asked.size === 0) return;
    const double = word >>> 1;
    const id = doubles[double + FRAME_OPERATION_F64];
    const parent = this.#asked.get(id);
    if (parent === undefined) return;
    this.#asked.delete(id);
    const startMs = doubles[double + FRAME_DEADLINE_F64];
    if (startMs === 0) return;
    const { placement, topology } = this.#dispatcher.view;
    const agent = words[word + FRAME_SOURCE];
    const attributes = {
      "mesh.agent": addressOf(topology, agent),
      "mesh.worker": placement[agent],
    };
    const start = { name: "mesh receive", role: "server", attributes, startMs } as const;
    telemetry.end(telemetry.begin(start, parent), doubles[double + FRAME_CREATED_F64]);
  }

  #remember(id: number, context: Context | undefined): void {
    if (context === undefined) return;
    if (this.#asked.size >= MAX_ASKED) {
      const [oldest] = this.#asked.keys();
      this.#asked.delete(oldest);
    }
    this.#asked.set(id, context);
  }

  /** The context that the message of the sender's turn came with. */
  #passedOn(cell: AgentCell | undefined): Uint8Array | undefined {
    if (cell === undefined || cell.slot === 0) return undefined;
    return (this.#typeOf(cell.slot) & TRACED) === 0 ? undefined : this.#bytesAt(cell.slot);
  }

  #bytesAt(slot: number): Uint8Array | undefined {
    const { view, payloads } = this.#dispatcher;
    const { words, bytes } = view.custody;
    const at = slot + SLOT_FRAME;
    if (frameKind(words[at + FRAME_TYPE]) !== FrameKind.OPERATION) {
      const end = at * 4 + words[at + FRAME_LENGTH];
      return bytes.slice(end - CONTEXT_BYTES, end);
    }
    try {
      return payloads.factsAt(words, at).context;
    } catch {
      // The payload is gone: whoever still works on it works for nobody.
      return undefined;
    }
  }

  #typeOf(slot: number): number {
    return this.#dispatcher.view.custody.words[slot + SLOT_FRAME + FRAME_TYPE];
  }
}

/** Whether a frame of this type was sent in a span. */
export function isTraced(type: number): boolean {
  return (type & TRACED) !== 0;
}
