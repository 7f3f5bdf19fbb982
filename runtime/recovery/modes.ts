import { InvalidOptionError, MeshError, MeshStoppedError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import { ACTIVE } from "../../coordination/agent-state.ts";
import {
  MODES,
  type ModeLimits,
  ModeWatch,
  type OperatingMode,
  rankOf,
} from "../../coordination/operating-mode.ts";
import { RouteMark, type RouteTable } from "../../coordination/routes.ts";
import type { Incident } from "../api/incident-api.ts";
import type { ModeEvent, ModeStatus, Modes, OperatorOptions } from "../api/mode-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";

/** Operations that wait for a better mode; one more is refused. */
const MAX_QUEUED = 256;
/** Operations that wait for a person's consent; one more is refused. */
const MAX_APPROVALS = 64;
/** What of a mesh is mesh-wide: more than this share of its agents. */
const WIDE_SHARE = 0.5;
/** A sector with a greater share of its agents active is healthy, as `status` counts them (spec 2.3). */
const HEALTHY_RATE = 0.95;
/** From this mode on people are alerted and the state is preserved. */
const SEVERE = rankOf("DEGRADED_SEVERE");

/** What modes need of their mesh. */
export interface ModePorts {
  readonly dispatcher: Dispatcher;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly operators: OperatorOptions;
  readonly onEvent: (event: ModeEvent) => void;
  readonly onIncident: (incident: Incident) => void;
}

/** An operation that wants to begin. */
export interface Wish {
  readonly operation: string;
  /** Agents that it names; asked only where it matters. */
  readonly agents: () => number;
  readonly priority: number;
  /** One message to each of many agents, so that the limit on these holds. */
  readonly scatters: boolean;
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly wish: Wish;
  readonly begin: () => void;
  readonly refuse: (error: unknown) => void;
  readonly forget: () => void;
}

/** The operating mode on main: it follows the count of active agents, and keeps each restriction of spec 6.3. */
export class MeshModes implements Modes {
  readonly #ports: ModePorts;
  #watch = new ModeWatch();
  #forced = false;
  #sinceMs: number;
  #activeRate = 1;
  #agents: number;
  #queue: Waiting[] = [];
  #approvals = 0;
  #stopped = false;

  constructor(ports: ModePorts) {
    this.#ports = ports;
    this.#sinceMs = ports.dispatcher.ports.clock.nowMs();
    const { agents, growth } = ports.dispatcher.view.topology;
    this.#agents = agents - growth;
  }

  get mode(): OperatingMode {
    return this.#watch.mode;
  }

  get limits(): ModeLimits {
    return MODES[rankOf(this.mode)].limits;
  }

  /** Follows the counts of this moment; called about once a second. */
  tick(active: number, total: number): void {
    this.#activeRate = total > 0 ? active / total : 0;
    this.#agents = total;
    const from = this.mode;
    if (!this.#forced && this.#watch.look(active, total, this.#nowMs())) this.#changed(from);
    if (this.limits.healthyOnly) this.#markSectors();
  }

  status(): ModeStatus {
    const rank = rankOf(this.mode);
    return {
      mode: this.mode,
      description: MODES[rank].description,
      restrictions: restrictionsOf(rank),
      sinceMs: this.#sinceMs,
      activeRate: this.#activeRate,
      forced: this.#forced,
      queued: this.#queue.length,
    };
  }

  set(mode: OperatingMode): ModeStatus {
    if (rankOf(mode) < 0)
      throw new InvalidOptionError("mode", mode, `one of ${MODES.map((m) => m.mode).join(", ")}`);
    const from = this.mode;
    this.#forced = true;
    if (this.#watch.force(mode)) this.#changed(from);
    return this.status();
  }

  auto(): ModeStatus {
    this.#forced = false;
    return this.status();
  }

  /** Options whose timeout nobody has chosen, with the timeout of the mode (spec 6.3 "increase retry timeouts"). */
  patient<O extends { readonly timeoutMs?: number }>(options: O | undefined, usualMs: number): O {
    const { patience } = this.limits;
    if (patience === 1 || options?.timeoutMs !== undefined) return options as O;
    return { ...options, timeoutMs: usualMs * patience } as O;
  }

  /** Whether a single message from outside may be sent. */
  admits(priority: number): boolean {
    const { halted, background } = this.limits;
    return priority === 3 || (!halted && (background || priority > 0));
  }

  /** MeshError MESH_MODE when a single message from outside may not be sent; else undefined. */
  refusalOf(priority: number): MeshError | undefined {
    if (this.admits(priority)) return undefined;
    return this.#refusal(`messages of priority ${priority} are off`);
  }

  /** Begins the work when the mode allows it: at once, later, after a person's consent, or never (MESH_MODE). */
  async run<T>(wish: Wish, work: () => Promise<T>): Promise<T> {
    if (this.mode === "FULL") return work();
    const { maxScatter, leastPriority, approval, halted } = this.limits;
    const { operation, priority } = wish;
    if (!this.limits.background && priority === 0)
      throw this.#refusal(`${operation}: background work (priority 0) is off`);
    const agents = wish.agents();
    if (wish.scatters && agents > maxScatter) {
      const most = `at most ${maxScatter} agents at once`;
      throw this.#refusal(`${operation}: expected ${most}, got ${agents}`);
    }
    if (priority < leastPriority) {
      if (leastPriority === 3) throw this.#refusal(`${operation}: only priority 3 goes on`);
      await this.#waitForBetter(wish);
      return this.run(wish, work);
    }
    const wide = agents > WIDE_SHARE * this.#agents;
    if (halted || (approval && wide)) await this.#approve(wish, agents);
    return work();
  }

  /** The mesh stops: what waits is refused. */
  abandon(): void {
    this.#stopped = true;
    for (const { refuse, forget } of this.#queue.splice(0)) {
      forget();
      refuse(new MeshStoppedError());
    }
  }

  #nowMs(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }

  #refusal(sentence: string): MeshError {
    return new MeshError("MESH_MODE", `${sentence} in mode ${this.mode}`);
  }

  #waitForBetter(wish: Wish): Promise<void> {
    if (this.#queue.length >= MAX_QUEUED)
      throw this.#refusal(`${wish.operation}: ${MAX_QUEUED} operations wait already`);
    wish.signal?.throwIfAborted();
    return new Promise((begin, refuse) => {
      const abort = (): void => {
        this.#queue = this.#queue.filter((other) => other !== waiting);
        refuse(wish.signal?.reason);
      };
      const forget = (): void => wish.signal?.removeEventListener("abort", abort);
      const waiting: Waiting = { wish, begin, refuse, forget };
      this.#queue.push(waiting);
      wish.signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async #approve({ operation, priority, signal }: Wish, agents: number): Promise<void> {
    const { approve } = this.#ports.operators;
    const what = `${operation} on ${agents} agents needs a person's consent`;
    if (approve === undefined)
      throw new MeshError("MESH_APPROVAL", `${what} in mode ${this.mode}: nobody can be asked`);
    if (this.#approvals >= MAX_APPROVALS)
      throw this.#refusal(`${what}: ${MAX_APPROVALS} others wait for one already`);
    this.#approvals++;
    try {
      const granted = await approve({ operation, agents, priority, mode: this.mode, signal });
      signal?.throwIfAborted();
      if (this.#stopped) throw new MeshStoppedError();
      if (granted !== true) throw new MeshError("MESH_APPROVAL", `${what}: it was refused`);
    } finally {
      this.#approvals--;
    }
  }

  #changed(from: OperatingMode): void {
    const { routes, log, onEvent } = this.#ports;
    const to = this.mode;
    const rank = rankOf(to);
    const atMs = this.#nowMs();
    this.#sinceMs = atMs;
    routes.setMode(rank);
    this.#markSectors();
    const activeRate = this.#activeRate;
    const alert = rank >= SEVERE;
    const sentence = `mode: ${from} → ${to}`;
    const facts = { event: "OPERATIONAL_MODE", from, to, activeRate, forced: this.#forced };
    if (alert) log.error(facts, `${sentence}; operators are needed`);
    else log.warn(facts, sentence);
    const restrictions = restrictionsOf(rank);
    onEvent({ from, to, atMs, activeRate, forced: this.#forced, restrictions, alert });
    if (alert && rank > rankOf(from)) this.#alert(to, atMs);
    this.#release();
  }

  /** Tells people, and has the state preserved before anything else happens to it. */
  #alert(mode: OperatingMode, atMs: number): void {
    const { onIncident, operators } = this.#ports;
    const tell = (error: string): void =>
      onIncident({ atMs, subject: "orchestrator", error, decision: "escalate", delayMs: 0 });
    const share = `${(this.#activeRate * 100).toFixed(1)} % of the agents are active`;
    tell(`mode ${mode}: ${share}; ${MODES[rankOf(mode)].restrictions.join("; ")}`);
    if (operators.preserve === undefined) {
      tell(`mode ${mode}: the state is not preserved, for nothing was given to preserve it with`);
      return;
    }
    operators.preserve(mode).catch((error) => {
      tell(`mode ${mode}: the state could not be preserved: ${(error as Error).message}`);
    });
  }

  /** Lets begin what the mode allows now, in the order in which it came; each is looked at again. */
  #release(): void {
    const { leastPriority } = this.limits;
    const free = this.#queue.filter(({ wish }) => wish.priority >= leastPriority);
    this.#queue = this.#queue.filter(({ wish }) => wish.priority < leastPriority);
    for (const { begin, forget } of free) {
      forget();
      begin();
    }
  }

  /** Keeps operations from sectors that are not healthy, where the mode wants that and there are others. */
  #markSectors(): void {
    const { routes, dispatcher } = this.#ports;
    const { topology, registry } = dispatcher.view;
    const { sectors, agentsPerSector } = topology;
    const healthy: boolean[] = [];
    for (let sector = 0; sector < sectors; sector++) {
      let active = 0;
      const from = sector * agentsPerSector;
      for (let row = from; row < from + agentsPerSector; row++)
        if (registry.state[row] === ACTIVE) active++;
      healthy.push(active > HEALTHY_RATE * agentsPerSector);
    }
    const choosy = this.limits.healthyOnly && healthy.includes(true);
    for (let sector = 0; sector < sectors; sector++) {
      const from = sector * agentsPerSector;
      routes.setMark(from, agentsPerSector, RouteMark.UNHEALTHY, choosy && !healthy[sector]);
    }
  }
}

function restrictionsOf(rank: number): readonly string[] {
  return MODES.slice(0, rank + 1).flatMap(({ restrictions }) => restrictions);
}
