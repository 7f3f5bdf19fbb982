import type { Lanes } from "../../mailbox/lanes.ts";
import { type GuardedReader, LaneGuard } from "./lane-guard.ts";
import { LaneSigner } from "./lane-signer.ts";
import { TokenChecks } from "./token-checks.ts";
import { type Session, TrustMemory, type TrustPlan } from "./trust-plan.ts";

/** What of a thread its trust has to do with. */
export interface TrustedThread {
  readonly thread: number;
  readonly threads: number;
  readonly rows: number;
  readonly lanes: Lanes;
  /** Thread of every index. */
  readonly placement: Uint8Array;
}

/** One thread's part in the trust of its mesh: it signs what it publishes, and guards what it takes. */
export class ThreadTrust {
  readonly #signer: LaneSigner | undefined;
  /** By incoming lane; undefined where nothing is verified. */
  readonly guards: readonly (LaneGuard | undefined)[];
  readonly tokens: TokenChecks;

  constructor(plan: TrustPlan, session: Session, at: TrustedThread) {
    const { thread, threads, rows, lanes } = at;
    const memory = new TrustMemory(plan.memory, threads, rows);
    this.tokens = new TokenChecks(plan, memory);
    const guarded = (source: number): boolean => plan.level === "all" || source === 0;
    // As it was when the thread began: nobody changes it afterwards, and who did would not be believed.
    const placement = new Uint8Array(at.placement);
    if (guarded(thread)) this.#signer = new LaneSigner(memory, thread, plan.meshId, session);
    lanes.signer = this.#signer;
    this.guards = lanes.incoming.map((lane) =>
      guarded(lane.id >>> 1) ? new LaneGuard(plan, memory, lane, thread, placement) : undefined,
    );
  }

  /** The part of a thread; undefined where its mesh has no trust. RangeError when it has, and the thread no session. */
  static of(
    plan: TrustPlan | undefined,
    session: Session | undefined,
    at: TrustedThread,
  ): ThreadTrust | undefined {
    if (plan === undefined) return undefined;
    if (session !== undefined) return new ThreadTrust(plan, session, at);
    throw new RangeError("session: expected one where a mesh has trust, got none");
  }

  /** Signs with another session's key from now on. */
  renew(session: Session): void {
    this.#signer?.renew(session);
  }

  /** Goes on with a lane that a predecessor read up to `accepted`. */
  resume(lane: number, accepted: number, nowMs: number, reader: GuardedReader): void {
    this.guards[lane]?.resume(accepted, nowMs, reader);
  }
}
