import { AgentFailedError, PayloadTooLargeError, UndeliverableError } from "../../actors/errors.ts";
import type { Answer, ConflictDetail, Result } from "../../actors/result.ts";
import { addressOf } from "../../coordination/address.ts";
import {
  answerPriority,
  FRAME_HASH,
  FRAME_OPERATION_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  frameFlags,
  framePriority,
  frameTrinary,
} from "../../mailbox/frame.ts";
import { CONTROL_RESUMED, SLOT_FRAME } from "../../mailbox/layout.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import { isTooLong } from "../../supervisors/silence.ts";
import type { AskEnd } from "./asks.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ThreadJournal } from "./thread-journal.ts";

/** Answers on their way: from a turn that has ended to whoever asked, on this thread or another. */
export class Answers implements AskEnd {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** An ask of this thread came to nothing; what that says of the agent is noted where its failures are. */
  onAskTimeout(target: number, waitedMs: number): void {
    const { view, agents, ports } = this.#dispatcher;
    if (!isTooLong(view.registry, target, waitedMs)) return;
    if (view.thread === 0) ports.sink?.onSilence?.(target);
    else agents.failures.silent(target);
  }

  /**
   * Answers the ASK in `slot`, `durably` when what the turn did is on disk. A value that cannot be encoded makes the
   * turn a failure: throws.
   */
  answer(slot: number, result: Result, durably: boolean): void {
    const value = result.state === 1 ? result.value : result.conflict;
    const { journal } = this.#dispatcher;
    if (!durably || journal === undefined) this.#answer(slot, result.state, 0, value);
    else this.#answerLater(slot, result.state, this.copyOf(value), journal);
  }

  #answerLater(slot: number, trinary: number, value: unknown, journal: ThreadJournal): void {
    const { words, doubles } = this.#dispatcher.view.custody;
    const at = slot + SLOT_FRAME;
    const asker = words[at + FRAME_SOURCE];
    const agent = words[at + FRAME_TARGET];
    const id = doubles[(at >>> 1) + FRAME_OPERATION_F64];
    const edge = words[at + FRAME_HASH] - 1;
    const urgency = framePriority(words[at + FRAME_TYPE]) === 3 ? 3 : 0;
    // By then the slot is another message's.
    const beganMs = this.#dispatcher.spans.beganMs(slot);
    journal.onDisk(() => this.#send(agent, asker, id, edge, urgency, trinary, 0, value, beganMs));
  }

  /** Answers the ASK in `slot` with why it was not handled. */
  refuse(slot: number, flag: number, reason: string): void {
    this.#answer(slot, 0, flag, reason);
  }

  #answer(slot: number, trinary: number, flag: number, value: unknown): void {
    const { words, doubles } = this.#dispatcher.view.custody;
    const at = slot + SLOT_FRAME;
    const id = doubles[(at >>> 1) + FRAME_OPERATION_F64];
    const edge = words[at + FRAME_HASH] - 1;
    const urgency = framePriority(words[at + FRAME_TYPE]) === 3 ? 3 : 0;
    this.#send(
      words[at + FRAME_TARGET],
      words[at + FRAME_SOURCE],
      id,
      edge,
      urgency,
      trinary,
      flag,
      value,
      this.#dispatcher.spans.beganMs(slot),
    );
  }

  #send(
    agent: number,
    asker: number,
    id: number,
    edge: number,
    urgency: number,
    trinary: number,
    flag: number,
    value: unknown,
    beganMs: number,
  ): void {
    const { view, asks } = this.#dispatcher;
    if (asker < 0) return;
    // The wait is over from this moment: a search must not find it while the answer travels.
    if (asker !== view.topology.orchestrator) view.waits.settle(asker, agent, edge);
    if (view.placement[asker] === view.thread) {
      if (flag !== 0) asks.reject(id, this.#refusal(agent, flag, value));
      else this.#settle(id, trinary, this.copyOf(value));
      return;
    }
    const priority = answerPriority(urgency, trinary);
    this.#dispatcher.outbox.sendAnswer(agent, asker, id, value, priority, flag, beganMs);
  }

  /**
   * The value as another thread would get it, for what stays on this one: no two agents ever share a mutable
   * object. Throws what sending it would throw.
   */
  copyOf(value: unknown): unknown {
    if (
      value === undefined ||
      value === null ||
      typeof value === "number" ||
      typeof value === "boolean"
    )
      return value;
    const { codec, plan } = this.#dispatcher;
    const length = codec.encode(value);
    if (length > plan.maxPayloadBytes) throw new PayloadTooLargeError(length, plan.maxPayloadBytes);
    return typeof value === "object" ? codec.decodeOwn(length) : value;
  }

  /** Passes on what another node's agent has answered to the ASK in `slot`; `flag` says why there is no answer. */
  relay(slot: number, trinary: number, flag: number, value: unknown): void {
    this.#answer(slot, trinary, flag, value);
  }

  /** An ANSWER frame has arrived. */
  onAnswer(ring: FrameMemory, word: number): void {
    if (this.#dispatcher.gateway?.answered(ring, word) === true) return;
    const type = ring.words[word + FRAME_TYPE];
    const id = ring.doubles[(word >>> 1) + FRAME_OPERATION_F64];
    const { asks, inbox, spans } = this.#dispatcher;
    spans.answered(ring, word);
    let value: unknown;
    try {
      value = inbox.decodeAt(ring.words, ring.bytes, word);
    } catch (error) {
      asks.reject(id, error);
      return;
    }
    const agent = ring.words[word + FRAME_SOURCE];
    const { standstill } = this.#dispatcher;
    if (standstill.stands) standstill.whenGoing(() => this.#arrived(agent, id, type, value));
    else this.#arrived(agent, id, type, value);
  }

  #arrived(agent: number, id: number, type: number, value: unknown): void {
    const flags = frameFlags(type);
    if ((flags & (FrameFlag.FAILED | FrameFlag.REFUSED)) !== 0)
      this.#dispatcher.asks.reject(id, this.#refusal(agent, flags, value));
    else this.#settle(id, frameTrinary(type), value);
  }

  #settle(id: number, trinary: number, value: unknown): void {
    const { asks, view } = this.#dispatcher;
    view.control[CONTROL_RESUMED] = asks.askerOf(id) + 1;
    const answer: Answer =
      trinary === -1 ? { state: -1, conflict: value as ConflictDetail } : { state: 1, value };
    asks.resolve(id, answer);
  }

  #refusal(agent: number, flag: number, reason: unknown): Error {
    const address = addressOf(this.#dispatcher.view.topology, agent);
    return (flag & FrameFlag.FAILED) !== 0
      ? new AgentFailedError(address, String(reason))
      : new UndeliverableError(address, String(reason));
  }

  onAskEnd(asker: number, edge: number): void {
    if (edge >= 0) this.#dispatcher.view.waits.remove(asker, edge);
    if (asker >= 0) this.#dispatcher.view.registry.waitsOn[asker] = -1;
  }
}
