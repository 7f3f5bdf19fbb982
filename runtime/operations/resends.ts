import { OperationFlag } from "../../mailbox/operation-frame.ts";
import { ProgressMap } from "../../supervisors/sector-coordinator.ts";
import type { Resend } from "../conflicts/strategy-hold.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { digestOf, hexOf } from "../dispatch/shared-payloads.ts";
import type { Gather, GatherPlan, SectorShare } from "./gather.ts";
import type { Gathers } from "./gathers.ts";

/** Ended operations that are remembered because their payload did not arrive as it was sent. */
const MAX_REMEMBERED = 32;

/** One operation whose payload did not arrive: to whom it has been sent again. */
interface Damaged {
  readonly gather: Gather;
  readonly sent: Map<number, Promise<Resend>>;
}

/**
 * Payloads of operations that did not arrive as they were sent (HASH_MISMATCH): the copy in main's memory is left
 * alone, the payload is encoded anew, and when its hash is the one that was promised, those who had the damaged one get
 * the operation under the same id, once, with the time that is left.
 */
export class Resends {
  readonly #dispatcher: Dispatcher;
  readonly #gathers: Gathers;
  readonly #damaged = new Map<number, Damaged>();
  /** Numbers of attempts that are such: what arrives damaged twice is not sent a third time. */
  readonly #attempts = new Set<number>();

  constructor(dispatcher: Dispatcher, gathers: Gathers) {
    this.#dispatcher = dispatcher;
    this.#gathers = gathers;
  }

  /** An operation has ended: it is remembered if somebody may ask for its payload again. */
  ended(gather: Gather): void {
    if (gather.conflicts.some(({ detail }) => detail.type === "HASH_MISMATCH"))
      this.#remember(gather);
  }

  /** Has the payload of an operation sent again to `agent`, and to all others that had a damaged one by then. */
  again(operation: number, agent: number, promised: string): Promise<Resend> {
    if (this.#attempts.has(operation)) return Promise.resolve({ kind: "damaged-again" });
    const out = this.#gathers.gatherOf(operation);
    const damaged = this.#damaged.get(operation) ?? (out && this.#remember(out));
    if (damaged === undefined) return Promise.resolve({ kind: "forgotten" });
    const known = damaged.sent.get(agent);
    if (known !== undefined) return known;
    const { nowMs } = this.#dispatcher.ports.clock;
    if (damaged.gather.plan.deadlineMs <= nowMs()) return Promise.resolve({ kind: "over" });
    const hash = this.#hashOf(damaged.gather.plan);
    if (hash !== promised.toLowerCase()) return Promise.resolve({ kind: "changed", hash });
    return this.#send(damaged, agent, nowMs());
  }

  #remember(gather: Gather): Damaged {
    const known = this.#damaged.get(gather.operation);
    if (known !== undefined) return known;
    const [oldest] = this.#damaged.keys();
    if (this.#damaged.size >= MAX_REMEMBERED && oldest !== undefined) this.#damaged.delete(oldest);
    const damaged: Damaged = { gather, sent: new Map() };
    this.#damaged.set(gather.operation, damaged);
    return damaged;
  }

  #hashOf({ payload, facts }: GatherPlan): string {
    const { codec } = this.#dispatcher;
    const length = codec.encode([payload, facts]);
    return hexOf(digestOf(codec.bytes.subarray(0, length)));
  }

  #send({ gather, sent }: Damaged, agent: number, nowMs: number): Promise<Resend> {
    const agents = new Set([agent]);
    for (const { agent: other, detail } of gather.conflicts)
      if (detail.type === "HASH_MISMATCH" && !sent.has(other)) agents.add(other);
    const shares = this.#gathers.sharesOf(Int32Array.from(agents));
    const operation = this.#gathers.nextOperation();
    if (this.#attempts.size >= MAX_REMEMBERED) this.#attempts.clear();
    this.#attempts.add(operation);
    const ended = new Promise<void>((resolve) => {
      this.#gathers.scatter(operation, anew(gather, nowMs), shares, { onEnd: () => resolve() });
    });
    const { agentsPerSector } = this.#dispatcher.view.topology;
    for (const each of agents) {
      const sector = Math.floor(each / agentsPerSector);
      const share = shares.get(sector) as SectorShare;
      const bit = each - sector * agentsPerSector;
      sent.set(
        each,
        ended.then(() => ({ kind: "sent", state: stateOf(share, bit), agents: agents.size })),
      );
    }
    return sent.get(agent) as Promise<Resend>;
  }
}

/** The plan for who is to get it again: T as it was while it is to come, at once afterwards. */
function anew({ plan, operation }: Gather, nowMs: number): GatherPlan {
  const isTimed = plan.arrivalMs > nowMs;
  const dropped = OperationFlag.WAVE | OperationFlag.JOURNALED | (isTimed ? 0 : OperationFlag.HOLD);
  return {
    ...plan,
    root: plan.root ?? operation,
    createdMs: nowMs,
    arrivalMs: isTimed ? plan.arrivalMs : 0,
    flags: plan.flags & ~dropped,
    threshold: 0,
  };
}

function stateOf(share: SectorShare, bit: number): -1 | 0 | 1 {
  if (share.has(ProgressMap.CONFLICT, bit)) return -1;
  return share.has(ProgressMap.DONE, bit) && !share.has(ProgressMap.FAILED, bit) ? 1 : 0;
}
