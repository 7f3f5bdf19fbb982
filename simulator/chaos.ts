import { addressOf } from "../coordination/address.ts";
import type { Failpoint } from "../runtime/dispatch/dispatcher.ts";
import type { Headquarters } from "../runtime/headquarters.ts";
import type { Chance } from "./chance.ts";
import { DISK_FAULTS, type Disk } from "./disk.ts";
import { Event, type EventTrace } from "./event-trace.ts";
import {
  FAULT_NAMES,
  type Fault,
  type FaultCounts,
  type FaultName,
  type FaultProfile,
} from "./faults.ts";
import type { Misdeeds } from "./misdeeds.ts";
import type { Network } from "./network.ts";
import type { Threads } from "./threads.ts";
import type { VirtualTime } from "./virtual-time.ts";

const HOUR_MS = 3_600_000;
/** A death at a failpoint comes within this time, or between two cycles then. */
const ARMED_MS = 200;
const FAILPOINTS: readonly Failpoint[] = [
  "frame-taken",
  "turn-returned",
  "commit-begun",
  "commit-prepared",
  "commit-done",
  "commit-published",
];

/** What faults are done to. */
export interface ChaosPorts {
  readonly profile: FaultProfile;
  readonly chance: Chance;
  readonly time: VirtualTime;
  readonly trace: EventTrace;
  readonly counts: FaultCounts;
  readonly threads: Threads;
  readonly network: Network;
  readonly disk: Disk;
  readonly misdeeds: Misdeeds;
  readonly headquarters: Headquarters;
  /** Agents that may crash: all but those that keep books, whose state a restart would throw away. */
  readonly mayCrash: (agent: number) => boolean;
}

/** Lets things go wrong: by chance, at the rates of a profile, and by order. */
export class Chaos {
  readonly #ports: ChaosPorts;
  #isOver = false;

  constructor(ports: ChaosPorts) {
    this.#ports = ports;
  }

  /** Begins to let things go wrong by chance. */
  begin(): void {
    const { profile, chance } = this.#ports;
    const { topology } = this.#ports.headquarters.dispatcher.view;
    const worker = (): number =>
      1 + chance.below(this.#ports.headquarters.dispatcher.plan.threads - 1);
    this.#hourly(profile.workerDeathsAnHour, () => {
      const place = chance.below(FAILPOINTS.length + 2);
      const at = FAILPOINTS[place];
      const thread = worker();
      this.inflict({
        kind: "kill-worker",
        thread,
        ...(at === undefined ? { blameless: true } : { at }),
      });
    });
    this.#hourly(profile.workerHangsAnHour, () =>
      this.inflict({ kind: "hang-worker", thread: worker() }),
    );
    this.#hourly(profile.workerOutagesAnHour, () =>
      this.inflict({
        kind: "lose-worker",
        thread: worker(),
        ms: chance.between(0.5, 1) * profile.workerOutageMs,
      }),
    );
    this.#hourly(profile.workerStallsAnHour, () =>
      this.inflict({ kind: "stall", thread: worker(), ms: chance.wait(profile.workerStallMs) }),
    );
    this.#hourly(profile.mainStallsAnHour, () =>
      this.inflict({ kind: "stall", thread: 0, ms: chance.wait(profile.mainStallMs) }),
    );
    this.#hourly(profile.diskFaultsAnHour, () =>
      this.inflict({
        kind: "spoil-disk",
        how: chance.pick(DISK_FAULTS),
        ms: chance.wait(profile.diskFaultMs),
      }),
    );
    this.#hourly(profile.clusterFailuresAnHour, () =>
      this.inflict({ kind: "fail-cluster", cluster: chance.below(topology.clusters) }),
    );
    this.#hourly(profile.partitionsAnHour, () =>
      this.inflict({
        kind: "partition",
        share: profile.partitionShare,
        ms: chance.wait(profile.partitionMs),
      }),
    );
    this.#hourly(profile.floodsAnHour, () =>
      this.inflict({
        kind: "flood",
        agent: chance.below(topology.agents),
        messages: profile.floodMessages,
      }),
    );
  }

  /** Nothing goes wrong any more, by chance or of itself. */
  end(): void {
    this.#isOver = true;
    this.#ports.network.heal();
    this.#ports.disk.heal();
    this.#ports.misdeeds.heal();
  }

  #hourly(rate: number, act: () => void): void {
    if (rate <= 0) return;
    const { time, chance } = this.#ports;
    const again = (): void => {
      time.later(chance.wait(HOUR_MS / rate), () => {
        if (this.#isOver) return;
        act();
        again();
      });
    };
    again();
  }

  /** Does it, and counts it when it has really happened. */
  inflict(fault: Fault): void {
    const { threads, misdeeds } = this.#ports;
    switch (fault.kind) {
      case "kill-worker":
        if (!threads.isUp(fault.thread)) return;
        this.#note("kill-worker", fault.thread);
        if (fault.at !== undefined) threads.arm(fault.thread, fault.at, ARMED_MS);
        else if (fault.blameless === true) threads.kill(fault.thread, "killed by chance");
        else threads.replace(fault.thread, "crashed");
        return;
      case "hang-worker":
        if (!threads.isUp(fault.thread)) return;
        this.#note("hang-worker", fault.thread);
        threads.stall(fault.thread, Number.POSITIVE_INFINITY);
        return;
      case "lose-worker":
        if (!threads.isUp(fault.thread)) return;
        this.#note("lose-worker", fault.thread);
        threads.lose(fault.thread, fault.ms);
        return;
      case "stall":
        this.#note(fault.thread === 0 ? "stall-main" : "stall-worker", fault.thread);
        threads.stall(fault.thread, fault.ms);
        return;
      case "spoil-disk":
        this.#note("spoil-disk", DISK_FAULTS.indexOf(fault.how));
        this.#ports.disk.spoil(fault.how, this.#ports.time.currentMs + fault.ms);
        return;
      case "crash-agent":
        misdeeds.doom(fault.agent);
        return;
      case "fail-cluster":
        this.#failCluster(fault.cluster);
        return;
      case "partition":
        this.#partition(fault);
        return;
      case "flood":
        this.#flood(fault.agent, fault.messages);
        return;
      case "timing-attack":
        this.#note("timing-attack", Math.round(fault.share * 100));
        misdeeds.conspire(fault.share, fault.factor);
        return;
      case "corrupt":
        this.#note("corrupt", fault.agents.length);
        misdeeds.corrupt(fault.agents);
        return;
      default:
        fault satisfies never;
    }
  }

  #failCluster(cluster: number): void {
    const { headquarters, mayCrash, threads } = this.#ports;
    const { topology } = headquarters.dispatcher.view;
    this.#note("fail-cluster", cluster);
    threads.inside(0, () => {
      const first = cluster * topology.agentsPerCluster;
      for (let agent = first; agent < first + topology.agentsPerCluster; agent++) {
        if (!mayCrash(agent)) continue;
        // Nobody waits for the answer: that the thread is gone meanwhile is the mesh's affair.
        headquarters.interventions.kill(addressOf(topology, agent)).catch(() => {});
      }
    });
  }

  #partition({ share, ms, sector }: Extract<Fault, { kind: "partition" }>): void {
    const { network, chance, time, headquarters } = this.#ports;
    const { topology } = headquarters.dispatcher.view;
    const cut: number[] = [];
    for (let agent = 0; agent < topology.agents; agent++) {
      const isInside =
        sector === undefined || Math.floor(agent / topology.agentsPerSector) === sector;
      if (isInside && chance.happens(share)) cut.push(agent);
    }
    if (cut.length === 0) return;
    this.#note("partition", cut.length);
    network.cut(cut, time.currentMs + ms);
  }

  #flood(agent: number, messages: number): void {
    const { headquarters, threads } = this.#ports;
    this.#note("flood", agent);
    threads.inside(0, () => {
      for (let i = 0; i < messages; i++)
        headquarters.tell(agent, { flood: i }, { priority: 0, ttlMs: 10_000 });
    });
  }

  #note(name: FaultName, about: number): void {
    const { counts, trace, time } = this.#ports;
    counts[name]++;
    trace.note(time.elapsedMs, Event.fault, FAULT_NAMES.indexOf(name), about);
  }
}
