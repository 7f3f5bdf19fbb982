import { MeshError } from "../../actors/errors.ts";
import { FRAME_BYTES, FRAME_DATA } from "../../mailbox/frame.ts";
import { SLOT_AUX, SLOT_FRAME, SlotState } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * Snapshots of the agents that offer them, in custody. One is taken as part of each turn and becomes true
 * with the turn's cycle, so a successor finds the state and the messages that made it in step.
 */
export class Checkpoints {
  readonly #dispatcher: Dispatcher;
  readonly #slots = new Map<number, number>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Takes over what a predecessor left. */
  adopt(slots: ReadonlyMap<number, number>): void {
    for (const [agent, slot] of slots) this.#slots.set(agent, slot);
    this.#dispatcher.journal?.adopt(slots.keys());
  }

  /** Where an agent's newest snapshot is; undefined without one. */
  slotOf(agent: number): number | undefined {
    return this.#slots.get(agent);
  }

  has(agent: number): boolean {
    return this.#slots.has(agent);
  }

  /**
   * Writes the agent's snapshot; `durably` says that what made it is promised by the journal. Throws when it cannot
   * be encoded, or no custody is left for it.
   */
  take(cell: AgentCell, durably = false): void {
    const { codec, view, ledger, plan } = this.#dispatcher;
    const { custody } = view;
    const length = codec.encode(cell.behavior.snapshot?.(cell.state));
    if (length > plan.maxPayloadBytes) {
      throw new MeshError(
        "MESH_SNAPSHOT_TOO_LARGE",
        `snapshot of ${cell.address} is ${length} bytes, at most ${plan.maxPayloadBytes} (maxPayloadBytes)`,
      );
    }
    const slot = custody.allocate(FRAME_BYTES + length, true);
    if (slot === FULL)
      throw new MeshError("MESH_CUSTODY_FULL", `no custody left for a snapshot of ${cell.address}`);
    codec.copyTo(custody.words, custody.bytes, slot + SLOT_FRAME + FRAME_DATA, length);
    custody.describe(slot, cell.self, -1, 0);
    custody.words[slot + SLOT_AUX] = length;
    custody.stamp(slot, SlotState.CHECKPOINT, ledger.cycle);
    const previous = this.#slots.get(cell.self);
    if (previous !== undefined) this.#dispatcher.giveBack(previous);
    this.#slots.set(cell.self, slot);
    this.#dispatcher.journal?.saved(cell.self, slot, durably);
    this.#dispatcher.touch();
  }

  /** The state that the newest snapshot makes. */
  restore(cell: AgentCell): unknown {
    const { codec, view } = this.#dispatcher;
    const { custody } = view;
    const slot = this.#slots.get(cell.self) as number;
    const snapshot = codec.decode(
      custody.words,
      custody.bytes,
      slot + SLOT_FRAME + FRAME_DATA,
      custody.words[slot + SLOT_AUX],
    );
    return cell.behavior.restore?.(snapshot, cell);
  }

  /** A restart is a new state: the old snapshot no longer counts. */
  forget(agent: number): void {
    if (!this.#slots.has(agent)) return;
    this.leave(agent);
    this.#dispatcher.journal?.ended(agent);
  }

  /** Gives the snapshot's place back; to the journal it counts. */
  leave(agent: number): void {
    const slot = this.#slots.get(agent);
    if (slot === undefined) return;
    this.#slots.delete(agent);
    this.#dispatcher.giveBack(slot);
  }
}
