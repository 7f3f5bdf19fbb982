/** Between the offices of trust and the threads of a mesh: hands sessions out, and answers agents and people. */
import { MeshError } from "../../actors/errors.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import type { ActorRef } from "../../actors/ref.ts";
import type { Trust } from "../api/trust-api.ts";
import { MeshTrust, type MeshTrustOptions, type SessionHand } from "./mesh-trust.ts";
import type { PassOnRequest } from "./token-office.ts";
import type { Session, TrustPlan } from "./trust-plan.ts";

/** What of the mesh it is for. */
export interface TrustDeskPorts {
  readonly clock: Clock;
  /** Gives a thread, 0 for main, its new session. */
  readonly hand: SessionHand;
  /** The thread on which an actor lives, by its row. */
  threadOf(row: number): number;
  ref(address: string): ActorRef;
}

/** Answers an agent of a thread that asks for a token; MeshError MESH_TOKEN where none are given. */
export function passOn(desk: TrustDesk | undefined, thread: number, request: unknown): Uint8Array {
  if (desk === undefined) throw new MeshError("MESH_TOKEN", "tokens need trust: all, got off");
  return desk.passOn(thread, request as PassOnRequest);
}

/** The desk of a mesh whose level of trust is not off. */
export class TrustDesk {
  readonly #trust: MeshTrust;
  readonly #ports: TrustDeskPorts;
  /** What people and programs see. */
  readonly trust: Trust;

  constructor(options: Omit<MeshTrustOptions, "nowMs">, ports: TrustDeskPorts) {
    const { clock, hand } = ports;
    const trust = new MeshTrust({ ...options, nowMs: clock.nowMs() });
    this.#trust = trust;
    this.#ports = ports;
    this.trust = {
      status: () => trust.status(),
      refresh: () => trust.refresh(clock.nowMs(), hand),
      grant: (wish) => trust.grant(wish, clock.nowMs()),
      evidence: (address, { withinMs = 10_000 } = {}) =>
        trust.evidence(ports.ref(address), withinMs, () => clock.nowMs()),
    };
  }

  /** What all threads get. */
  get plan(): TrustPlan {
    return this.#trust.plan;
  }

  /** A session for a thread's incarnation. */
  readonly openSession = (thread: number, epoch: number): Session =>
    this.#trust.open(thread, epoch, this.#ports.clock.nowMs());

  /** Called every second: renews what is due. */
  tick(log: Log): void {
    this.#trust.tick(this.#ports.clock.nowMs(), this.#ports.hand, log);
  }

  /** A token narrowed for another holder, asked for by an agent of that thread. */
  passOn(thread: number, request: PassOnRequest): Uint8Array {
    const livesThere = (row: number): boolean => this.#ports.threadOf(row) === thread;
    return this.#trust.passOn(request, livesThere, this.#ports.clock.nowMs());
  }
}
