import { PayloadCodec } from "../../mailbox/payload.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { HELD } from "../dispatch/operations.ts";
import type { ThreadJournal } from "../dispatch/thread-journal.ts";
import type { MeshJournal } from "../journal/journal.ts";
import type { OperationPlan } from "./operation-plan.ts";

/** An operation as the journal has it: what is needed to go on with it after the process has died. */
export interface JournaledOperation {
  /** Number of its first attempt. */
  readonly operation: number;
  readonly messageId: string;
  readonly kind: "scatter-gather" | "cascade";
  readonly plan: Omit<OperationPlan, "at">;
  readonly windowMs: number;
  /** T, ms of the mesh clock; 0 when as soon as they can. */
  readonly arrivalMs: number;
  /** No turn begins after it, ms of the mesh clock. */
  readonly deadlineMs: number;
  /** Agents that it is to be done at. */
  readonly agents: Int32Array;
}

/** As it stands encoded: agents by a bit each. */
type Encoded = Omit<JournaledOperation, "agents"> & { readonly map: Uint8Array };

/**
 * Operations that change something, in the journal of their mesh: written down before any agent hears of them, over
 * when all that their agents did is on disk, and gone on with when the process died in between.
 */
export class OperationJournal {
  readonly #dispatcher: Dispatcher;
  readonly #mesh: MeshJournal;
  readonly #codec = new PayloadCodec();

  constructor(dispatcher: Dispatcher, mesh: MeshJournal) {
    this.#dispatcher = dispatcher;
    this.#mesh = mesh;
  }

  /** Writes an operation down with the open cycle; false without room. Throws when the disk cannot be written. */
  open(operation: JournaledOperation): boolean {
    const { fault } = this.#thread;
    if (fault !== undefined) throw fault;
    const { agents, ...rest } = operation;
    const map = new Uint8Array(Math.ceil(this.#dispatcher.view.topology.agents / 8));
    for (const agent of agents) map[agent >>> 3] |= 1 << (agent & 7);
    const length = this.#codec.encode({ ...rest, map } satisfies Encoded);
    return this.#thread.opened(operation.operation, this.#codec.bytes.subarray(0, length));
  }

  /** It did not begin, or nobody wants it any more. */
  forget(operation: number): void {
    this.#thread.closed(operation);
    this.#dispatcher.nudge();
  }

  /** Resolves when all that has become of it is on disk; rejects when that cannot be. */
  async close(operation: number): Promise<void> {
    await this.#mesh.flushed();
    this.forget(operation);
  }

  /** Goes on with what the process before had begun and not ended. What has no time left, or nobody, is over. */
  goOn(nowMs: number, run: (operation: JournaledOperation) => Promise<unknown>): void {
    const { log } = this.#dispatcher.ports;
    const unfinished = this.#unfinished(nowMs);
    this.#mesh.resumed(unfinished.length);
    for (const operation of unfinished) {
      const { messageId, agents, kind } = operation;
      log.info({ operation: messageId, kind, agents: agents.length }, "operation goes on");
      run(operation).catch((error) =>
        log.warn({ operation: messageId, error: String(error) }, "operation could not go on"),
      );
    }
  }

  #unfinished(nowMs: number): readonly JournaledOperation[] {
    const left: JournaledOperation[] = [];
    for (const [operation, { opened, outcomes }] of this.#mesh.takeOperations()) {
      const { map, ...rest } = this.#decode(opened.value as Uint8Array);
      const agents: number[] = [];
      for (let agent = 0; agent < map.length * 8; agent++) {
        if ((map[agent >>> 3] & (1 << (agent & 7))) === 0) continue;
        const outcome = outcomes.get(agent);
        if (outcome === undefined || (outcome === HELD && this.#mesh.acts(agent)))
          agents.push(agent);
      }
      if (agents.length > 0 && rest.deadlineMs > nowMs)
        left.push({ ...rest, agents: Int32Array.from(agents) });
      else this.forget(operation);
    }
    return left;
  }

  #decode(bytes: Uint8Array): Encoded {
    this.#codec.adopt(bytes, bytes.length);
    return this.#codec.decodeOwn(bytes.length) as Encoded;
  }

  /** Main's own part of the journal. */
  get #thread(): ThreadJournal {
    return this.#dispatcher.journal as ThreadJournal;
  }
}
