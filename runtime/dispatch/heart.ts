import type { Probe } from "../../actors/behavior.ts";
import { ACTIVE } from "../../coordination/agent-state.ts";
import { foldCluster, foldSector } from "../../coordination/aggregate.ts";
import { ClockOffset, type ClockReading } from "../../coordination/clock-offset.ts";
import { storeHeartbeat } from "../../coordination/heartbeat.ts";
import { MODES } from "../../coordination/operating-mode.ts";
import { FRAME_CREATED_F64, FRAME_SOURCE } from "../../mailbox/frame.ts";
import {
  HEARTBEAT_ROW,
  HEARTBEAT_ROW_WORDS,
  HEARTBEATS_COUNT,
  HEARTBEATS_ROWS,
} from "../../mailbox/heartbeat.ts";
import { Count } from "../../mailbox/layout.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Unanswered } from "./unanswered.ts";
import type { TimerTarget } from "./wheel.ts";

/**
 * Parts of the heartbeat period over which the clusters are spread. A wake costs a sleeping thread as much as a
 * thousand heartbeats, so there are few: with 5 s, one each 250 ms.
 */
const PARTS = 20;

/** In a mesh that saves its strength agents are probed in one round of heartbeats in so many: each 30 s. */
const SPARSE_ROUNDS = 6;

const rowFloats = new Float32Array(3);
const rowWords = new Int32Array(rowFloats.buffer);

/**
 * The heartbeats of this thread's agents (spec 4.1): once a period a lead looks at its rows, refreshes them
 * and folds them into its summary; after the last cluster of a sector the coordinator folds those. Clusters
 * are spread over the period so that no moment has more than its share.
 */
export class Heart implements TimerTarget {
  readonly #dispatcher: Dispatcher;
  /** Of agents whose probes tell what time it is there. */
  readonly #clocks = new Map<number, ClockOffset>();
  #firstCluster = 0;
  #clusters = 0;
  #next = 0;
  #startMs = 0;
  /** Clusters that have beaten since the start. */
  #beaten = 0;
  readonly #unanswered: Unanswered;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#unanswered = new Unanswered(dispatcher, (agent) => this.probe(agent));
  }

  /** Folds all clusters of this thread once, and then each once a period. */
  start(firstCluster: number, clusters: number): void {
    this.#firstCluster = firstCluster;
    this.#clusters = clusters;
    this.#startMs = this.#dispatcher.nowMs;
    for (let i = 0; i < clusters; i++) {
      // Before anyone counts on when they will be READY.
      this.#probe(firstCluster + i);
      this.#fold(firstCluster + i);
    }
    this.#schedule();
  }

  onTimer(_data: number, nowMs: number): void {
    const { heartbeatMs } = this.#dispatcher.plan;
    const due = Math.floor(((nowMs - this.#startMs) / heartbeatMs) * this.#clusters);
    // After a long stop one full round says all there is to say.
    if (due - this.#beaten > this.#clusters) this.#beaten = due - this.#clusters;
    while (this.#beaten < due) {
      this.#beat(this.#firstCluster + this.#next);
      this.#next = (this.#next + 1) % this.#clusters;
      this.#beaten++;
    }
    this.#schedule();
  }

  /** Probes and folds a cluster whose agents have just been started, before it is its turn. */
  refresh(cluster: number): void {
    this.#probe(cluster);
    const { view, nowMs } = this.#dispatcher;
    const { topology } = view;
    foldCluster(view.registry, topology, view.clusters, cluster, nowMs);
    const sector = Math.floor(cluster / topology.clustersPerSector);
    foldSector(view.clusters, topology, view.sectors, sector, nowMs);
  }

  #schedule(): void {
    if (this.#clusters === 0) return;
    const { plan, wheel, nowMs } = this.#dispatcher;
    const part = plan.heartbeatMs / Math.min(PARTS, this.#clusters);
    wheel.schedule(nowMs + part, this, 0);
  }

  #beat(cluster: number): void {
    const { ledger, view } = this.#dispatcher;
    this.#probe(cluster);
    this.#fold(cluster);
    ledger.counts[Count.HEARTBEATS] += view.clusters.activeCount[cluster];
    this.#dispatcher.touch();
  }

  #fold(cluster: number): void {
    const { view, nowMs } = this.#dispatcher;
    const { topology } = view;
    foldCluster(view.registry, topology, view.clusters, cluster, nowMs);
    if ((cluster + 1) % topology.clustersPerSector === 0) {
      const sector = Math.floor(cluster / topology.clustersPerSector);
      foldSector(view.clusters, topology, view.sectors, sector, nowMs);
    }
  }

  /** Agents that stand for something elsewhere are asked how far away it is; contexts are looked at. */
  #probe(cluster: number): void {
    const { view, agents } = this.#dispatcher;
    const { agentsPerCluster } = view.topology;
    const from = cluster * agentsPerCluster;
    const round = Math.floor(this.#beaten / Math.max(1, this.#clusters));
    // Measuring is background work; that they are there at all is looked at all the same.
    const isDue = MODES[view.routes.mode].limits.background || round % SPARSE_ROUNDS === 0;
    for (let agent = from; agent < from + agentsPerCluster; agent++) {
      const cell = agents.cellOf(agent);
      if (cell === undefined || !cell.alive) continue;
      if (cell.behavior.context !== undefined && view.registry.state[agent] === ACTIVE)
        agents.contexts.isWhole(cell);
      if (cell.behavior.probe !== undefined && !this.#unanswered.isMissed(agent) && isDue)
        this.probe(agent);
    }
  }

  /** Asks one agent, if it stands for something elsewhere and is up. */
  probe(agent: number): void {
    const { view, agents } = this.#dispatcher;
    const cell = agents.cellOf(agent);
    if (cell?.behavior.probe === undefined || view.registry.state[agent] !== ACTIVE || !cell.alive)
      return;
    const sentMs = this.#dispatcher.ports.clock.nowMs();
    try {
      const probe = cell.behavior.probe(cell.state, cell);
      if (probe instanceof Promise) this.#await(cell, probe, sentMs);
      else this.#observe(agent, probe, sentMs);
    } catch (error) {
      agents.fail(cell, error);
    }
  }

  #await(cell: AgentCell, probe: Promise<Probe | undefined>, sentMs: number): void {
    this.#unanswered.sent(cell.self, sentMs);
    probe.then(
      (value) => {
        if (!cell.alive) return;
        this.#unanswered.heard(cell.self);
        this.#observe(cell.self, value, sentMs);
      },
      (error) =>
        this.#dispatcher.standstill.whenGoing(() => {
          if (!cell.alive) return;
          this.#dispatcher.readClock();
          this.#unanswered.failed(cell.self, error);
        }),
    );
  }

  #observe(agent: number, probe: Probe | undefined, sentMs: number): void {
    if (probe === undefined) return;
    if (probe.clockMs !== undefined) this.#observeClock(agent, probe, probe.clockMs, sentMs);
    this.#dispatcher.arrivals.ownWord.probed(agent, probe);
  }

  /** Of the exchange only its round trip and the other clock are known: it was received half way. */
  #observeClock(agent: number, { rttMs = 0 }: Probe, clockMs: number, sentMs: number): void {
    let clock = this.#clocks.get(agent);
    if (clock === undefined) {
      clock = new ClockOffset();
      this.#clocks.set(agent, clock);
    }
    clock.observe(sentMs, clockMs, clockMs, sentMs + rttMs);
  }

  /** The clock of what the agent stands for less the mesh's, ms; 0 while nothing is known of it. */
  clockOffsetMs(agent: number): number {
    return this.#clocks.get(agent)?.reading?.offsetMs ?? 0;
  }

  /** What is believed of that clock; undefined while nothing is known of it. */
  clockReading(agent: number): ClockReading | undefined {
    return this.#clocks.get(agent)?.reading;
  }

  /** A HEARTBEAT of one agent elsewhere. */
  onHeartbeat(ring: FrameMemory, word: number): void {
    this.#row(ring.words, word + HEARTBEAT_ROW, ring.words[word + FRAME_SOURCE]);
    this.#count(1, ring, word);
  }

  /** HEARTBEATS of a cluster's agents elsewhere. */
  onHeartbeats(ring: FrameMemory, word: number): void {
    const rows = ring.words[word + HEARTBEATS_COUNT];
    const first = ring.words[word + FRAME_SOURCE];
    for (let i = 0; i < rows; i++) {
      this.#row(ring.words, word + HEARTBEATS_ROWS + i * HEARTBEAT_ROW_WORDS, first + i);
    }
    this.#count(rows, ring, word);
  }

  #row(words: Int32Array, at: number, agent: number): void {
    rowWords[0] = words[at];
    rowWords[1] = words[at + 1];
    rowWords[2] = words[at + 2];
    const { registry } = this.#dispatcher.view;
    storeHeartbeat(registry, agent, rowFloats[0], rowFloats[1], rowFloats[2], words[at + 3]);
  }

  #count(rows: number, ring: FrameMemory, word: number): void {
    const { ledger, view } = this.#dispatcher;
    const measuredMs = ring.doubles[(word >>> 1) + FRAME_CREATED_F64];
    const agent = ring.words[word + FRAME_SOURCE];
    for (let i = 0; i < rows; i++) view.registry.lastHeartbeatMs[agent + i] = measuredMs;
    ledger.counts[Count.HEARTBEATS] += rows;
    this.#dispatcher.touch();
  }
}
