import type { Topology } from "../../coordination/topology.ts";
import { Custody } from "../../mailbox/custody.ts";
import {
  FRAME_OPERATION_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  frameKind,
} from "../../mailbox/frame.ts";
import { controlDoublesOf } from "../../mailbox/lanes.ts";
import { CONTROL_COMMITTED_F64, SLOT_FRAME } from "../../mailbox/layout.ts";
import type { MeshPlan } from "../plan/memory.ts";
import { Part } from "./part.ts";

/**
 * What another thread holds in custody of operations, read without its help: it may be dead, hang, or be too
 * late. Only what it has committed counts, so what is read is what its successor will go on from.
 */
export class Estate {
  readonly #plan: MeshPlan;
  readonly #topology: Topology;
  readonly #thread: number;
  readonly #custody: Custody;

  constructor(plan: MeshPlan, topology: Topology, thread: number) {
    this.#plan = plan;
    this.#topology = topology;
    this.#thread = thread;
    this.#custody = new Custody(plan.memory.custody[thread]);
  }

  /** The thread's parts of operations, as they stand. */
  parts(): Part[] {
    const { words } = this.#custody;
    const committed = this.#committed;
    return this.#custody
      .survey(committed)
      .messages.filter(
        (slot) => frameKind(words[slot + SLOT_FRAME + FRAME_TYPE]) === FrameKind.OPERATION,
      )
      .map((slot) => this.#part(slot, committed));
  }

  /** The same part as it stands now; undefined when it is over, so that its slot is another's or nobody's. */
  again(part: Part): Part | undefined {
    const { words, doubles } = this.#custody;
    const at = part.slot + SLOT_FRAME;
    const isSame =
      frameKind(words[at + FRAME_TYPE]) === FrameKind.OPERATION &&
      doubles[(at >>> 1) + FRAME_OPERATION_F64] === part.operation &&
      words[at + FRAME_TARGET] === part.coordinator;
    return isSame ? this.#part(part.slot, this.#committed) : undefined;
  }

  #part(slot: number, committed: number): Part {
    return new Part({ topology: this.#topology, custody: this.#custody }, slot, committed);
  }

  get #committed(): number {
    return controlDoublesOf(this.#plan.memory.control, this.#thread)[CONTROL_COMMITTED_F64];
  }
}
