import { foldCluster, foldSector } from "../../coordination/aggregate.ts";
import { controlOf } from "../../mailbox/lanes.ts";
import { CONTROL_STATE, ThreadState } from "../../mailbox/layout.ts";
import { backupThread } from "../../supervisors/candidates.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * Main's part when the coordinators of a thread are lost with it: their backups get the seats, in the next term,
 * and the summaries say how the sectors stand. The successor takes the seats back when its agents are up.
 */
export class Takeovers {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** The thread has ended, and main has written its rows. */
  onLost(thread: number): void {
    const { view, plan, outbox } = this.#dispatcher;
    const { topology, placement, seats } = view;
    const backup = this.backupOf(thread);
    const homes = new Set<number>();
    for (let sector = 0; sector < topology.sectors; sector++) {
      const home = placement[topology.coordinatorBase + sector];
      if (home === thread) this.#fold(sector);
      const { holder, term } = seats.coordinator(sector);
      // Sectors that it held for another are as much without a coordinator as its own.
      if (holder === thread && seats.promoteCoordinator(sector, term, backup) > 0) homes.add(home);
    }
    // Main itself reads the same when an operation is at its end: see `gathers.ts`.
    if (backup === 0) return;
    const place = placement.indexOf(backup, topology.coordinatorBase);
    if (place < 0 || place >= topology.orchestrator) return;
    for (const home of homes)
      if (home < plan.threads) outbox.control(place, 0, { verb: "deputise", thread: home });
    this.#dispatcher.nudge();
  }

  /** Who coordinates the sectors of a thread while it is away. */
  backupOf(thread: number): number {
    const { memory, threads } = this.#dispatcher.plan;
    return backupThread(
      thread,
      threads,
      (other) =>
        Atomics.load(controlOf(memory.control, other), CONTROL_STATE) === ThreadState.RUNNING,
    );
  }

  #fold(sector: number): void {
    const { view, ports } = this.#dispatcher;
    const { topology, registry, clusters, sectors } = view;
    const nowMs = ports.clock.nowMs();
    const first = sector * topology.clustersPerSector;
    for (let cluster = first; cluster < first + topology.clustersPerSector; cluster++)
      foldCluster(registry, topology, clusters, cluster, nowMs);
    foldSector(clusters, topology, sectors, sector, nowMs);
  }
}
