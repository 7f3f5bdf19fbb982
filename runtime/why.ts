import { UnknownActorError } from "../actors/errors.ts";
import { addressOf, indexOfAddress } from "../coordination/address.ts";
import { operationalState } from "../coordination/agent-state.ts";
import { impedanceClassName } from "../coordination/impedance-class.ts";
import { kindOf } from "../coordination/topology.ts";
import { controlOf } from "../mailbox/lanes.ts";
import { CONTROL_THREAD_ID } from "../mailbox/layout.ts";
import type { Why } from "./api/why-api.ts";
import type { StatusReader } from "./inspection/status.ts";
import { stackOfThread } from "./machine/worker-stack.ts";
import type { MeshPlan, ThreadView } from "./plan/memory.ts";
import type { Interventions } from "./recovery/interventions.ts";

/** Agents that wait for each other, one after the other, named at most. */
const MAX_CHAIN = 20;

/** Finds out what an agent is at, and what keeps it. */
export class WhyReader {
  readonly #plan: MeshPlan;
  readonly #view: ThreadView;
  readonly #status: StatusReader;
  readonly #interventions: Interventions;

  constructor(
    plan: MeshPlan,
    view: ThreadView,
    status: StatusReader,
    interventions: Interventions,
  ) {
    this.#plan = plan;
    this.#view = view;
    this.#status = status;
    this.#interventions = interventions;
  }

  /** UnknownActorError for what is no agent. Answers within two seconds, also when the agent's worker hangs. */
  async read(address: string): Promise<Why> {
    const { topology, registry, placement } = this.#view;
    const index = indexOfAddress(topology, address);
    const kind = index < 0 ? undefined : kindOf(topology, index);
    if (kind !== "agent" && kind !== "spawned")
      throw new UnknownActorError(address, "the address of an agent");
    const reply = await this.#interventions.look(index);
    const current = this.#status.running(index);
    const thread = placement[index];
    const worker = this.#status.worker(thread);
    const holder = worker.current?.address;
    const answers = reply !== undefined;
    const stack = answers ? undefined : await this.#stackOf(thread);
    return {
      address,
      agentClass: impedanceClassName(registry.class[index]),
      state: operationalState(registry.state[index]),
      worker: worker.name,
      workerAnswers: answers,
      ...(current !== undefined && {
        current: {
          sinceMs: current.sinceMs,
          suspended: current.suspended,
          ...(reply?.message !== undefined && { message: reply.message }),
          ...(reply?.waitsFor !== undefined && { waitsFor: reply.waitsFor }),
          waitsOn: this.#chain(index),
        },
      }),
      queue: {
        depth: registry.queueDepth[index],
        ...(reply?.head !== undefined && { head: reply.head }),
      },
      ...(!answers &&
        holder !== undefined && {
          blockedBy: { address: holder, sinceMs: worker.current?.sinceMs ?? 0 },
        }),
      ...(stack !== undefined && { stack }),
    };
  }

  #stackOf(thread: number): Promise<readonly string[] | undefined> {
    const id = Atomics.load(controlOf(this.#plan.memory.control, thread), CONTROL_THREAD_ID);
    return id === 0 ? Promise.resolve(undefined) : stackOfThread(id);
  }

  /** Whom it waits for, whom that one waits for, and so on. */
  #chain(index: number): readonly string[] {
    const { registry, topology } = this.#view;
    const chain: number[] = [];
    for (
      let next = registry.waitsOn[index];
      next >= 0 && chain.length < MAX_CHAIN;
      next = registry.waitsOn[next]
    ) {
      chain.push(next);
    }
    return chain.map((agent) => addressOf(topology, agent));
  }
}
