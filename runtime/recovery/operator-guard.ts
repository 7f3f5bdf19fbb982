import { MeshError } from "../../actors/errors.ts";
import {
  type Enrolment,
  type Operator,
  type OperatorAct,
  type OperatorAlarm,
  type OperatorSign,
  OperatorWatch,
} from "../../trust/operator-watch.ts";
import type { Later } from "../machine/later.ts";
import type { ThreatBook } from "./threat-book.ts";

/** Operators who are suspended at most; whoever was first is let go for one more, and the mesh stays frozen. */
const MOST_SUSPENDED = 256;
/** How soon a freeze that another one was in the way of is tried again, ms. */
const AGAIN_MS = 5;

/** What the guard needs of its mesh. */
export interface OperatorGuardPorts {
  readonly book: ThreatBook;
  readonly later: Later;
  readonly nowMs: () => number;
  /** Freezes the whole mesh and preserves its state; rejects when it cannot yet. */
  readonly freeze: () => Promise<unknown>;
  readonly standsStill: () => boolean;
  /** Whether there is anything left to freeze. */
  readonly isRunning: () => boolean;
}

/**
 * Answers what a compromised operator does (spec 9.2): their orders are refused from that moment on, and the mesh is
 * frozen until a person has looked. A credential is suspended before anything else, so that one credential freezes the
 * mesh once at most: whoever stole it cannot keep a mesh frozen that people let go again.
 */
export class OperatorGuard {
  readonly #ports: OperatorGuardPorts;
  readonly #watch = new OperatorWatch();
  /** Names, and the threats that they are suspended for. */
  readonly #suspended = new Map<string, string>();
  /** Threats for which the mesh stands still. */
  readonly #holds = new Set<string>();
  #freezing = false;

  constructor(ports: OperatorGuardPorts) {
    this.#ports = ports;
  }

  get suspended(): readonly string[] {
    return [...this.#suspended.keys()];
  }

  get holds(): boolean {
    return this.#holds.size > 0;
  }

  /** MeshError MESH_HELD while the mesh is frozen for a threat that nobody has lifted. */
  mayThaw(): void {
    const [id] = this.#holds;
    if (id === undefined) return;
    throw new MeshError(
      "MESH_HELD",
      `thaw: the mesh is frozen because of ${id}: a person looks (threats show ${id}) and lifts it first ` +
        `(threats lift ${id} --by NAME, at the console of its machine)`,
    );
  }

  enrol(operator: string, enrolment: Enrolment): void {
    this.#watch.enrol(operator, enrolment);
  }

  /** MeshError MESH_SUSPENDED when the act is not to be done. */
  act(act: OperatorAct): void {
    // Looking harms nobody, and whoever pulls the brake wants it pulled.
    if (act.kind === "brake" || act.kind === "look") return;
    this.#mustBeTrusted(act.who);
    const alarm = this.#watch.act(act, this.#ports.nowMs());
    if (alarm === undefined) return;
    this.#answer(act.who, alarm, act.command);
    if (alarm.freezes) this.#mustBeTrusted(act.who);
  }

  sign(sign: OperatorSign): void {
    const alarm = this.#watch.sign(sign, this.#ports.nowMs());
    if (alarm !== undefined) this.#answer(sign.who, alarm, sign.sign);
  }

  /** A person has looked at it. */
  lift(id: string): void {
    this.#holds.delete(id);
    for (const [name, threat] of this.#suspended) {
      if (threat !== id) continue;
      this.#suspended.delete(name);
      this.#watch.forgive(name);
    }
  }

  #mustBeTrusted({ name }: Operator): void {
    const id = this.#suspended.get(name);
    if (id === undefined) return;
    throw new MeshError(
      "MESH_SUSPENDED",
      `${name} is suspended because of ${id} and may only look and freeze; see threats show ${id}`,
    );
  }

  #answer(who: Operator, { rule, why, freezes }: OperatorAlarm, last: string): void {
    const { book } = this.#ports;
    const subject = `${who.name} (${who.origin})`;
    const { threat, isNew } = book.enter({
      kind: "orchestrator_compromise",
      subject,
      rule,
      evidence: `${rule}: ${why}; last: ${last}`,
      decision: freezes ? "freeze" : "escalate",
    });
    if (!freezes) {
      if (isNew) book.respond(threat.id, "told only: this is the owner, without credential", true);
      return;
    }
    if (this.#suspended.get(who.name) === threat.id) return;
    this.#suspended.set(who.name, threat.id);
    if (this.#suspended.size > MOST_SUSPENDED)
      this.#suspended.delete(this.#suspended.keys().next().value as string);
    this.#holds.add(threat.id);
    book.respond(threat.id, `${who.name} is suspended`, false);
    this.#freeze(threat.id);
  }

  /** Until it stands still: another freeze or thaw may be in the way, or a part be on its way. */
  #freeze(id: string): void {
    const { book, freeze, standsStill, isRunning, later } = this.#ports;
    const done = (): void => {
      this.#freezing = false;
      for (const hold of this.#holds) {
        if (book.get(hold)?.answeredMs === undefined)
          book.respond(hold, "the mesh is frozen, its state preserved where it can be", true);
      }
    };
    if (this.#freezing) return;
    this.#freezing = true;
    const attempt = (): void => {
      if (standsStill()) {
        done();
        return;
      }
      if (!this.#holds.has(id) && !this.holds) {
        this.#freezing = false;
        return;
      }
      freeze().then(done, (error: unknown) => {
        if (standsStill()) {
          // Frozen, though not preserved: that is told, and is no reason to let it run.
          book.respond(id, String((error as Error).message), false);
          done();
        } else if (isRunning()) later(AGAIN_MS, attempt);
        else this.#freezing = false;
      });
    };
    attempt();
  }
}
