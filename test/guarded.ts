// Two threads with the safeguards of a mesh, under a clock of their own.
import type { Behavior } from "../actors/behavior.ts";
import type { BreakerSettings } from "../coordination/breaker-tree.ts";
import { RouteTable } from "../coordination/routes.ts";
import type { CircuitEvent } from "../runtime/api/circuit-api.ts";
import type { Incident } from "../runtime/api/incident-api.ts";
import { MeshListeners } from "../runtime/api/mesh-listeners.ts";
import type { ModeEvent, OperatorOptions } from "../runtime/api/mode-api.ts";
import { openAsk } from "../runtime/dispatch/cell.ts";
import { DEAD_LETTER_REASONS } from "../runtime/dispatch/dead-letter-code.ts";
import type { ShardIncident } from "../runtime/dispatch/failures.ts";
import { Safeguards } from "../runtime/recovery/safeguards.ts";
import { type TwoThreads, twoThreads } from "./two-threads.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Eight agents in four clusters of two sectors, and what main has heard and said of them. */
export class Guarded {
  readonly incidents: Incident[] = [];
  readonly circuits: CircuitEvent[] = [];
  readonly modes: ModeEvent[] = [];
  /** Reasons of the dead letters, in order. */
  readonly letters: string[] = [];
  /** A guard had the mesh frozen. */
  isFrozen = false;
  readonly listeners: MeshListeners = new MeshListeners();
  threads!: TwoThreads;
  guards!: Safeguards;

  static async of(
    behavior: Partial<Behavior>,
    breakers: Partial<BreakerSettings> = {},
    operators: OperatorOptions = {},
  ): Promise<Guarded> {
    const it = new Guarded();
    it.threads = await twoThreads(behavior, {
      onIncidents: (list) => {
        for (const incident of list as readonly ShardIncident[])
          it.incidents.push(it.guards.take(incident));
      },
      onSilence: (agent) => it.guards.failures.silent(agent),
      onDeadLetter: (_words, doubles, word) =>
        it.letters.push(DEAD_LETTER_REASONS[doubles[(word >>> 1) + 2] % 16]),
    });
    const { main, shard } = it.threads;
    it.listeners.on("circuit", (event) => it.circuits.push(event));
    it.listeners.on("mode", (event) => it.modes.push(event));
    it.guards = new Safeguards({
      dispatcher: main,
      routes: new RouteTable(main.view.routes, main.view.topology),
      log: silent,
      listeners: it.listeners,
      onIncident: (incident) => it.incidents.push(incident),
      breakers,
      operators,
      later: (_delayMs, act) => {
        const timer = setImmediate(act);
        return () => clearImmediate(timer);
      },
      freeze: async () => {
        it.isFrozen = true;
      },
      standsStill: () => it.isFrozen,
      isRunning: () => true,
    });
    shard.heart.start(0, main.view.topology.clusters);
    it.threads.settle();
    return it;
  }

  /** Lets time pass, with a look of the safeguards at its end, and what follows from it. */
  async pass(ms: number): Promise<void> {
    const { clock, settle } = this.threads;
    clock.nowMs += ms;
    settle();
    this.guards.tick(8, 8);
    settle();
    await new Promise((resolve) => setImmediate(resolve));
    settle();
  }

  /** The status of the receipt of a message from outside. */
  tell(agent: number, message: unknown, priority: 0 | 1 | 2 | 3 = 1): string {
    const { main, settle } = this.threads;
    main.nowMs = main.ports.clock.nowMs();
    const { orchestrator } = main.view.topology;
    const { status } = main.outbox.tell(orchestrator, agent, message, { priority }, undefined);
    settle();
    return status;
  }

  /** What became of an ask from outside: a value, `transit`, or the sentence of its error. */
  async ask(
    agent: number,
    message: unknown,
    options: { readonly timeoutMs?: number; readonly priority?: 1 | 3 } = {},
    waitMs = 0,
  ): Promise<unknown> {
    const { main, settle, clock } = this.threads;
    main.nowMs = main.ports.clock.nowMs();
    const { orchestrator } = main.view.topology;
    const answer = openAsk(main, orchestrator, agent, message, options, undefined).then(
      (outcome) => (outcome.state === 1 ? outcome.value : "transit"),
      (error: Error) => error.message,
    );
    settle();
    clock.nowMs += waitMs;
    settle();
    return answer;
  }

  /** What happened to an agent or above it, as `CLASS decision`, an exclamation mark where it was escalated. */
  story(subject: string): string[] {
    return this.incidents
      .filter((incident) => incident.subject === subject)
      .map((each) => `${each.class} ${each.decision}${each.escalated === true ? "!" : ""}`);
  }
}
