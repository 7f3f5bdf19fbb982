import type { Behavior } from "../../actors/behavior.ts";
import { sectorsOfShard } from "../../coordination/placement.ts";
import { CONTROL_STATE, ThreadState } from "../../mailbox/layout.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { type Death, succeed } from "../dispatch/succession.ts";

/**
 * Brings a shard up on its dispatcher: takes over what a predecessor left, makes the agents ready and hands the
 * surviving messages out. Once it has resolved, the duty cycle can begin.
 */
export async function bootShard(
  dispatcher: Dispatcher,
  behaviors: readonly Behavior[],
  death: Death,
): Promise<void> {
  const { view, plan, ports } = dispatcher;
  const { topology } = view;
  const estate = succeed(dispatcher, death);
  const sectors = sectorsOfShard(topology.sectors, plan.threads - 1, view.thread);
  const range = {
    from: sectors.from * topology.agentsPerSector,
    to: sectors.to * topology.agentsPerSector,
  };
  dispatcher.arrivals.begin();
  await dispatcher.agents.boot(behaviors, range);
  // Before anything is delivered: who reports of it must hold the seat.
  dispatcher.roles.begin(sectors.from, sectors.to - sectors.from);
  estate.redeliver();
  const clusters = topology.clustersPerSector;
  dispatcher.nowMs = ports.clock.nowMs();
  dispatcher.heart.start(sectors.from * clusters, (sectors.to - sectors.from) * clusters);
  dispatcher.commit();
  // Before the first turn, not after it: the watchdog must see a message that hangs its thread again.
  Atomics.store(view.control, CONTROL_STATE, ThreadState.RUNNING);
}
