import { InvalidOptionError, UnknownActorError } from "../../actors/errors.ts";
import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import { ACTIVE } from "../../coordination/agent-state.ts";
import { type CapabilityTable, hasCapability } from "../../coordination/capability.ts";
import { IMPEDANCE_CLASSES, impedanceClassName } from "../../coordination/impedance-class.ts";
import type {
  ClassRecord,
  Misassignment,
  OpenTask,
  Reassignment,
  ReassignResult,
  Tasks,
} from "../api/task-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardRequests } from "../dispatch/shard-requests.ts";
import type { Later } from "../machine/later.ts";
import type { Attempt, Entry, TaskBook } from "./task-book.ts";

/** A task is overdue when it takes so many times what it was expected to take with high probability. */
const OVERDUE = 2;
/** How long a worker has to take tasks from its agent, ms; and the new ones to end. */
const WITHDRAW_MS = 2_000;
const TASK_MS = 60_000;

/** What the tasks need of their mesh. */
export interface TaskPorts {
  readonly dispatcher: Dispatcher;
  readonly book: TaskBook;
  readonly capabilities: CapabilityTable;
  readonly requests: ShardRequests;
  readonly later: Later;
}

/** A task where it is. */
interface Placed {
  readonly entry: Entry;
  readonly at: Attempt;
}

/** Delegated tasks on their way: who has them, whether it is able to do them, and giving them to somebody else. */
export class MeshTasks implements Tasks {
  readonly #ports: TaskPorts;

  constructor(ports: TaskPorts) {
    this.#ports = ports;
  }

  list(): readonly OpenTask[] {
    const { capabilities, dispatcher } = this.#ports;
    const nowMs = this.#nowMs();
    return this.#placed().map(({ entry, at }) => ({
      agent: this.#address(at.agent),
      agentClass: impedanceClassName(dispatcher.view.registry.class[at.agent]),
      requires: entry.needs.map((bit) => capabilities.names[bit]),
      sinceMs: nowMs - at.startedMs,
      overdue: this.#isOverdue(at, nowMs),
    }));
  }

  misassigned(): readonly Misassignment[] {
    const { registry } = this.#ports.dispatcher.view;
    const nowMs = this.#nowMs();
    const late = this.#placed().filter(({ at }) => this.#isOverdue(at, nowMs));
    const bits = new Set(late.flatMap(({ entry }) => entry.needs));
    return [...bits].flatMap((bit) => {
      const concerned = late.filter(({ entry }) => entry.needs.includes(bit));
      const { records, free } = this.#records(bit, concerned);
      return records.flatMap((record, index) => {
        const agents = concerned.filter(({ at }) => registry.class[at.agent] === index);
        const suited = suitedAmong(records, index, free);
        // One that finishes some of it is slow, not unable; and without another class it is nobody's else.
        if (agents.length === 0 || record.finished > 0 || suited === undefined) return [];
        return [this.#misassignment(bit, record, agents, suited, records)];
      });
    });
  }

  #misassignment(
    bit: number,
    record: ClassRecord,
    agents: readonly Placed[],
    suited: ClassRecord,
    records: readonly ClassRecord[],
  ): Misassignment {
    const profile = IMPEDANCE_CLASSES.find(({ name }) => name === record.agentClass);
    return {
      capability: this.#ports.capabilities.names[bit],
      agentClass: record.agentClass,
      description: profile?.description ?? record.agentClass,
      agents: [...new Set(agents.map(({ at }) => this.#address(at.agent)))],
      suited: suited.agentClass,
      records: records.filter(
        ({ agents: able, finished, overdue }) => able + finished + overdue > 0,
      ),
    };
  }

  async reassign(
    agents: readonly string[],
    { timeoutMs = TASK_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<ReassignResult> {
    if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 86_400_000)
      throw new InvalidOptionError("timeoutMs", timeoutMs, "a whole number from 1 to 86400000");
    const beganMs = this.#nowMs();
    const from = agents.map((address) => this.#indexOf(address));
    const taken = this.#placed()
      .filter(({ at }) => from.includes(at.agent))
      .map(({ entry, at }) => ({ entry, at, to: at.move() }));
    const moved = taken.filter(({ to }) => to >= 0);
    const released = await Promise.all(
      from.map((agent) =>
        this.#withdraw(
          agent,
          moved.filter(({ at }) => at.agent === agent),
        ),
      ),
    );
    const tasks = await Promise.all(
      taken.map(async ({ entry, at, to }): Promise<Reassignment> => {
        const old = this.#address(at.agent);
        if (to < 0) return { from: old, elapsedMs: 0 };
        const result = await this.#within(entry.ended, timeoutMs - (this.#nowMs() - beganMs));
        const elapsedMs = this.#nowMs() - beganMs;
        if (result === undefined) return { from: old, to: this.#address(to), elapsedMs };
        return { from: old, to: result.agent, state: result.answer.state, elapsedMs };
      }),
    );
    return { tasks, released: agents.filter((_, i) => released[i]) };
  }

  /** What comes of it within so many ms; undefined when it takes longer. */
  async #within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
    let callOff = (): void => {};
    const late = new Promise<undefined>((resolve) => {
      callOff = this.#ports.later(Math.max(0, ms), () => resolve(undefined));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      callOff();
    }
  }

  /** Has the worker take these tasks from its agent; true when a turn was ended for it. */
  async #withdraw(agent: number, placed: readonly Placed[]): Promise<boolean> {
    if (placed.length === 0) return false;
    const asks = placed.map(({ at }) => at.ask);
    const { requests } = this.#ports;
    const reply = await requests
      .ask(agent, { verb: "withdraw", asks }, WITHDRAW_MS)
      .catch(() => undefined);
    return (reply as { readonly released?: boolean } | undefined)?.released === true;
  }

  /**
   * How each class, by index, has done with a capability, and whether traffic for it goes to any of them; `late` are
   * the overdue tasks that require it.
   */
  #records(
    bit: number,
    late: readonly Placed[],
  ): { readonly records: readonly ClassRecord[]; readonly free: readonly boolean[] } {
    const { dispatcher, book } = this.#ports;
    const { registry, topology, routes } = dispatcher.view;
    const able = IMPEDANCE_CLASSES.map(() => 0);
    const free = IMPEDANCE_CLASSES.map(() => false);
    for (let agent = 0; agent < topology.agents; agent++) {
      if (registry.state[agent] !== ACTIVE || !hasCapability(registry, agent, bit)) continue;
      able[registry.class[agent]]++;
      if (routes.isRoutable(agent, bit)) free[registry.class[agent]] = true;
    }
    const records = IMPEDANCE_CLASSES.map(({ name }, index) => {
      const { finished, meanMs } = book.record(bit, index);
      return {
        agentClass: name,
        agents: able[index],
        finished,
        ...(finished > 0 && { meanMs }),
        overdue: late.filter(({ at }) => registry.class[at.agent] === index).length,
      };
    });
    return { records, free };
  }

  #placed(): readonly Placed[] {
    const placed: Placed[] = [];
    for (const entry of this.#ports.book.out)
      if (entry.at !== undefined) placed.push({ entry, at: entry.at });
    return placed;
  }

  #isOverdue({ startedMs, expectedMs }: Attempt, nowMs: number): boolean {
    return nowMs - startedMs > OVERDUE * expectedMs;
  }

  #indexOf(address: string): number {
    const { topology } = this.#ports.dispatcher.view;
    const index = indexOfAddress(topology, address);
    if (index >= 0 && (index < topology.agents || index >= topology.spawnBase)) return index;
    throw new UnknownActorError(address, "the address of an agent");
  }

  #address(agent: number): string {
    return addressOf(this.#ports.dispatcher.view.topology, agent);
  }

  #nowMs(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }
}

/**
 * The class whose work it is, other than the one at `not`: that has finished most of it, else that has most agents for
 * it of those with none overdue; undefined when there is no such class to which traffic goes (`free`).
 */
function suitedAmong(
  records: readonly ClassRecord[],
  not: number,
  free: readonly boolean[],
): ClassRecord | undefined {
  const others = records.filter(
    ({ finished, overdue }, index) =>
      index !== not && free[index] && (finished > 0 || overdue === 0),
  );
  return others.sort((a, b) => b.finished - a.finished || b.agents - a.agents)[0];
}
