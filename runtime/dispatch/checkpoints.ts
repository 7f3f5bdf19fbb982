import { MeshError } from "../../actors/errors.ts";
import { addressOf } from "../../coordination/address.ts";
import { FRAME_BYTES, FRAME_DATA } from "../../mailbox/frame.ts";
import { SLOT_AUX, SLOT_FRAME, SlotState } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { SavedState } from "./requests.ts";

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
    this.#keep(cell.self, cell.behavior.snapshot?.(cell.state), durably);
  }

  #keep(agent: number, snapshot: unknown, durably: boolean): void {
    const { codec, view, ledger, plan } = this.#dispatcher;
    const { custody } = view;
    const length = codec.encode(snapshot);
    if (length > plan.maxPayloadBytes) {
      throw new MeshError(
        "MESH_SNAPSHOT_TOO_LARGE",
        `snapshot of ${addressOf(view.topology, agent)} is ${length} bytes, ` +
          `at most ${plan.maxPayloadBytes} (maxPayloadBytes)`,
      );
    }
    const slot = custody.allocate(FRAME_BYTES + length, true);
    if (slot === FULL) {
      const address = addressOf(view.topology, agent);
      throw new MeshError("MESH_CUSTODY_FULL", `no custody left for a snapshot of ${address}`);
    }
    codec.copyTo(custody.words, custody.bytes, slot + SLOT_FRAME + FRAME_DATA, length);
    custody.describe(slot, agent, -1, 0);
    custody.words[slot + SLOT_AUX] = length;
    custody.stamp(slot, SlotState.CHECKPOINT, ledger.cycle);
    const previous = this.#slots.get(agent);
    if (previous !== undefined) this.#dispatcher.giveBack(previous);
    this.#slots.set(agent, slot);
    this.#dispatcher.journal?.saved(agent, slot, durably);
    this.#dispatcher.touch();
  }

  /** The states of those of a range that can be given to another node: what their snapshots say. */
  statesOf(from: number, to: number): SavedState[] {
    const states: SavedState[] = [];
    for (let agent = from; agent < to; agent++)
      if (this.#slots.has(agent)) states.push([agent, this.#snapshotOf(agent)]);
    return states;
  }

  /** Takes over from another node what its agents of a range were; nothing else counts for these any more. */
  adoptStates(from: number, to: number, states: readonly SavedState[]): { adopted: number } {
    for (let agent = from; agent < to; agent++) this.forget(agent);
    for (const [agent, snapshot] of states) this.#keep(agent, snapshot, true);
    return { adopted: states.length };
  }

  /** The state that the newest snapshot makes. */
  restore(cell: AgentCell): unknown {
    return cell.behavior.restore?.(this.#snapshotOf(cell.self), cell);
  }

  #snapshotOf(agent: number): unknown {
    const { codec, view } = this.#dispatcher;
    const { custody } = view;
    const slot = this.#slots.get(agent) as number;
    return codec.decode(
      custody.words,
      custody.bytes,
      slot + SLOT_FRAME + FRAME_DATA,
      custody.words[slot + SLOT_AUX],
    );
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
