import { ACTIVE } from "../coordination/agent-state.ts";
import { MODES, type OperatingMode, rankOf } from "../coordination/operating-mode.ts";
import type { CircuitEvent } from "../runtime/api/circuit-api.ts";
import type { ModeEvent } from "../runtime/api/mode-api.ts";
import type { Headquarters } from "../runtime/headquarters.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Witness } from "./witness.ts";

/** How a circuit stands, as its events have said. */
interface Known {
  readonly action: CircuitEvent["action"];
  readonly sinceMs: number;
  /** From opening to the first probe, ms: longer after a trial that failed. */
  readonly restMs: number;
}

/** Spec 6.2, ms: from opening to the first probe, from a trial that failed to the next, and how long a trial lasts. */
const PROBE_AFTER_MS = 30_000;
const RETRY_MS = 60_000;
const TRIAL_MS = 60_000;
/** Spec 6.3: the share of active agents from which on each mode holds, best first. */
const LEAST_RATES = [0.95, 0.8, 0.6, 0.3, 0];
/** A mode has been due for so long before it is taken, ms; a better one by this share of the agents to spare. */
const DUE_MS = 5000;
const SPARE = 0.02;
/** A mode that the share has meant for longer is not followed, ms: main may stand still for a while. */
const FOLLOWED_MS = 20_000;
/** Readings of the clock between an event and the look at it, ms. */
const TOLERANCE_MS = 1;
/** Less than an agent: 0.8 + 0.02 is a little more than 0.82. */
const TINY = 1e-9;

/**
 * Follows breakers and modes by the events that the mesh tells of them, and knows the diagram and the times of spec
 * 6.2 and 6.3 itself: no circuit skips its trial or its rest, no mode is taken that the share of active agents does
 * not mean, and neither changes without saying so. Nobody operates a simulated mesh: nothing is forced.
 */
export class Transitions {
  readonly #headquarters: Headquarters;
  readonly #time: VirtualTime;
  readonly #witness: Witness;
  /** By address: all circuits that are not CLOSED. */
  readonly #circuits = new Map<string, Known>();
  #mode: OperatingMode = "FULL";
  #modeSinceMs = 0;
  /** Since when the share of active agents means a worse mode, ms; Infinity while it does not. */
  #worseSinceMs = Number.POSITIVE_INFINITY;

  constructor(headquarters: Headquarters, time: VirtualTime, witness: Witness) {
    this.#headquarters = headquarters;
    this.#time = time;
    this.#witness = witness;
  }

  /** From now on, from the moment at which the mesh runs. */
  begin(): void {
    const { listeners } = this.#headquarters;
    this.#modeSinceMs = this.#time.currentMs;
    listeners.on("circuit", (event) => this.#onCircuit(event));
    listeners.on("mode", (event) => this.#onMode(event));
  }

  /** Compares what the mesh says of itself, and what its threads read, with what its events have said. */
  look(): void {
    const { guards, dispatcher } = this.#headquarters;
    this.#follow();
    const { mode } = guards.modes;
    if (mode !== this.#mode)
      this.#witness.accuse("modes", `${this.#mode}, and then ${mode} unsaid`);
    const told = MODES[dispatcher.view.routes.mode]?.mode;
    if (told !== mode) this.#witness.accuse("modes", `threads read ${told} in mode ${mode}`);
    const open = guards.circuits.list();
    for (const { target, state } of open) {
      const action = this.#circuits.get(target)?.action;
      if (action !== state)
        this.#witness.accuse("circuits", `${target} is ${state} and was last said to be ${action}`);
    }
    if (open.length !== this.#circuits.size)
      this.#witness.accuse(
        "circuits",
        `${open.length} are not CLOSED, ${this.#circuits.size} were said`,
      );
  }

  /** A mode that is worse than what is told is due for a while, not for ever. */
  #follow(): void {
    const nowMs = this.#time.currentMs;
    const isWorse = rankAt(this.#activeShare()) > rankOf(this.#mode);
    this.#worseSinceMs = isWorse ? Math.min(this.#worseSinceMs, nowMs) : Number.POSITIVE_INFINITY;
    if (nowMs - this.#worseSinceMs > FOLLOWED_MS)
      this.#witness.accuse("modes", `${this.#mode} for ${FOLLOWED_MS} ms in which less was active`);
  }

  #onCircuit({ action, targetId, reason }: CircuitEvent): void {
    const nowMs = this.#time.currentMs;
    const before = this.#circuits.get(targetId);
    const from = before?.action ?? "CLOSE";
    const lastedMs = nowMs - (before?.sinceMs ?? nowMs) + TOLERANCE_MS;
    const accuse = (why: string): void =>
      this.#witness.accuse("circuits", `${targetId}: ${from} → ${action} (${reason}), ${why}`);
    switch (action) {
      case "OPEN":
        if (from === "OPEN") accuse("which it was");
        break;
      case "HALF_OPEN":
        if (from !== "OPEN") accuse("and only what is OPEN is tried");
        else if (lastedMs < (before?.restMs ?? 0))
          accuse(`after ${lastedMs.toFixed(0)} ms of rest`);
        break;
      case "CLOSE":
        // What was held open for a threat closes when a person lifts that.
        if (reason.startsWith("THREAT")) break;
        if (from !== "HALF_OPEN") accuse("without a trial");
        else if (lastedMs < TRIAL_MS) accuse(`after ${lastedMs.toFixed(0)} ms of trial`);
        break;
      default:
        action satisfies never;
    }
    // What is isolated by decision has not failed its trial.
    const failed = from === "HALF_OPEN" && !reason.startsWith("CASCADE_FAILURE");
    const restMs = failed ? RETRY_MS : PROBE_AFTER_MS;
    if (action === "CLOSE") this.#circuits.delete(targetId);
    else this.#circuits.set(targetId, { action, sinceMs: nowMs, restMs });
  }

  #onMode({ from, to, forced, activeRate }: ModeEvent): void {
    const nowMs = this.#time.currentMs;
    const lastedMs = nowMs - this.#modeSinceMs + TOLERANCE_MS;
    const share = this.#activeShare();
    const said = `${from} → ${to} at ${(activeRate * 100).toFixed(1)} %`;
    const accuse = (why: string): void => this.#witness.accuse("modes", `${said}, ${why}`);
    const isWorse = rankOf(to) > rankOf(from);
    if (forced) accuse("which nobody has ordered");
    if (from !== this.#mode) accuse(`where ${this.#mode} was the mode`);
    if (rankAt(share - (isWorse ? 0 : SPARE)) !== rankOf(to))
      accuse(`where ${(share * 100).toFixed(1)} % of the agents are active`);
    if (lastedMs < DUE_MS) accuse(`after ${lastedMs.toFixed(0)} ms`);
    this.#mode = to;
    this.#modeSinceMs = nowMs;
  }

  #activeShare(): number {
    const { registry, topology } = this.#headquarters.dispatcher.view;
    let active = 0;
    for (let agent = 0; agent < topology.agents; agent++)
      if (registry.state[agent] === ACTIVE) active++;
    return active / topology.agents;
  }
}

function rankAt(share: number): number {
  const rank = LEAST_RATES.findIndex((least) => share >= least - TINY);
  return rank < 0 ? LEAST_RATES.length - 1 : rank;
}
