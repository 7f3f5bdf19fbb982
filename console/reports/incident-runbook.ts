/**
 * The runbook of spec 10.3 for a sector that does not respond, step by step. It only looks and proposes: each step
 * looks anew, so that it finds what was done about the steps before.
 *
 *     1 is it the sector, or the way to it?  2 its coordinator  3 its clusters, one by one
 *     4 does the whole sector fail?          5 afterwards
 */
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { formatDuration, formatNumber, formatShare } from "../terminal/format.ts";

/** A command that the runbook wants. */
export interface Proposal {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly why: string;
  /** Only a person may run it: it depends on what the machine cannot see. */
  readonly person: boolean;
}

/** What a step found. */
export interface Finding {
  readonly step: string;
  readonly state: "ok" | "attention" | "critical";
  readonly found: readonly string[];
  readonly proposals: readonly Proposal[];
  readonly decide: readonly string[];
}

/** A coordinator or a lead that has said nothing for so long is silent, ms. */
const SILENT_MS = 30_000;
/** A cluster with a smaller share of active agents fails. */
const CLUSTER_FAILS = 0.8;
/** A sector of which more than this share of clusters fails, fails as a whole. */
const WIDESPREAD = 0.5;
/** Clusters that are dealt with in one walk. */
const MOST_CLUSTERS = 10;
const MOST_CAUSES = 3;
const HOUR_MS = 3_600_000;

/** One walk through the sector `target`; UnknownActorError when there is none. */
export async function* walkRunbook(
  mesh: Mesh,
  target: string,
  nowMs: () => number,
): AsyncGenerator<Finding> {
  const walk = new Walk(mesh, target, nowMs);
  yield await walk.verify();
  yield walk.coordinator();
  yield walk.clusters();
  yield walk.whole();
  yield walk.afterwards();
}

interface ClusterState {
  readonly address: string;
  readonly active: number;
  readonly total: number;
  readonly silentMs: number;
  readonly fails: boolean;
}

class Walk {
  readonly #mesh: Mesh;
  readonly #target: string;
  /** ms since the epoch. */
  readonly #nowMs: () => number;
  #worker = "";
  #answers = true;
  /** Whether anything was wrong at the beginning. */
  #wasIll = false;

  constructor(mesh: Mesh, target: string, nowMs: () => number) {
    this.#mesh = mesh;
    this.#target = target;
    this.#nowMs = nowMs;
    // Throws for a sector that is not there, before anything is looked at.
    mesh.clusters(target);
  }

  /** Two ways to it: its worker is asked, and what its agents last wrote into shared memory is read. */
  async verify(): Promise<Finding> {
    const target = this.#target;
    const { worker } = await this.#mesh.inspect(target);
    const why = await this.#mesh.why(`${target}/cluster-1/agent-1`);
    this.#worker = worker;
    this.#answers = why.workerAnswers;
    const { active, total } = this.#agents();
    const silentMs = this.#silentMs();
    const found = [
      this.#answers ? `${worker} answers` : `${worker} does NOT answer`,
      `${formatNumber(active)} of ${formatNumber(total)} agents active (${formatShare(active, total)})`,
      `its coordinator reported ${agoOf(silentMs)}`,
    ];
    if (why.blockedBy !== undefined) {
      const { address, sinceMs } = why.blockedBy;
      found.push(`${worker} is held by ${address} for ${formatDuration(sinceMs)}`);
    }
    const isSilent = silentMs > SILENT_MS;
    this.#wasIll = !this.#answers || isSilent || active < total;
    if (this.#answers && !isSilent && active < total)
      found.push("the sector can be reached: what fails are agents in it");
    if (this.#answers && isSilent)
      found.push("its worker answers, but its coordinator does not report");
    const state = !this.#answers || isSilent ? "critical" : active < total ? "attention" : "ok";
    return { step: "1 Is the sector unresponsive?", state, found, proposals: [], decide: [] };
  }

  coordinator(): Finding {
    const step = "2 Its coordinator";
    const target = this.#target;
    const silentMs = this.#silentMs();
    const { heldBy, home, backup } = this.#mesh.roles.coordinator(target);
    const found = [`${heldBy} coordinates it; its home is ${home}, its backup ${backup}`];
    const works = this.#answers && silentMs <= SILENT_MS;
    if (works && heldBy === home) return { step, state: "ok", found, proposals: [], decide: [] };
    if (works) {
      found.push("the backup has taken over");
      const proposals = [this.#recovery(target, "its home has it back")];
      return { step, state: "attention", found, proposals, decide: [] };
    }
    found.push(`silent for ${formatDuration(silentMs)}`);
    const proposals = [
      this.#answers
        ? this.#recovery(target, "its coordinator begins anew")
        : this.#recovery(this.#worker, "a successor takes over its agents, leads and messages"),
    ];
    const decide = [
      `what kept the original: inspect ${target}, why on the agent that holds its worker`,
    ];
    return { step, state: "critical", found, proposals, decide };
  }

  clusters(): Finding {
    const step = "3 Its clusters, one by one";
    const clusters = this.#clusters();
    const failing = clusters.filter(({ fails }) => fails);
    const found = failing
      .slice(0, MOST_CLUSTERS)
      .map(
        ({ address, active, total, silentMs }) =>
          `${address}: ${formatNumber(active)} of ${formatNumber(total)} active, reported ${agoOf(silentMs)}`,
      );
    if (failing.length === 0) {
      const all = `${formatNumber(clusters.length)} clusters work`;
      return { step, state: "ok", found: [all], proposals: [], decide: [] };
    }
    if (this.#isWidespread(clusters)) {
      found.push("too many to take them one by one: step 4");
      return { step, state: "critical", found, proposals: [], decide: [] };
    }
    const named = failing.slice(0, MOST_CLUSTERS);
    const proposals = named.flatMap(({ address }) => [
      this.#isolation(address, "operations and delegations go to healthy clusters"),
      this.#recovery(address, "its agents begin anew"),
    ]);
    const decide = named.map(
      ({ address }) => `when ${address} is healthy again: circuits reset ${address}`,
    );
    return { step, state: "critical", found, proposals, decide };
  }

  whole(): Finding {
    const step = "4 Does the whole sector fail?";
    const clusters = this.#clusters();
    const failing = clusters.filter(({ fails }) => fails).length;
    const causes = this.#causes();
    const found = [
      `${formatNumber(failing)} of ${formatNumber(clusters.length)} clusters fail`,
      ...causes,
    ];
    if (!this.#isWidespread(clusters))
      return { step, state: "ok", found, proposals: [], decide: [] };
    const proposals = [
      this.#isolation(this.#target, "traffic leaves the sector until its cause is known"),
      { ...this.#recovery(this.#target, "only when its cause is gone"), person: true },
    ];
    const cause =
      causes.length > 0
        ? "what the errors above have in common"
        : "no error is known: look outside";
    const decide = [
      `the common cause (network, a bad configuration, a dependency): ${cause}`,
      `when it is fixed and the sector is healthy: circuits reset ${this.#target}`,
    ];
    return { step, state: "critical", found, proposals, decide };
  }

  afterwards(): Finding {
    const { active, total } = this.#agents();
    const isWell = active === total && this.#clusters().every(({ fails }) => !fails);
    const found = [
      `${formatNumber(active)} of ${formatNumber(total)} agents active now`,
      isWell ? "the sector is healthy" : "not over: walk the runbook again in a minute",
    ];
    const decide = this.#wasIll
      ? [
          "write down what was learned",
          "whether thresholds have to change: heartbeat, watchdog, breakers",
          "whether it has happened before: kpis --by day",
        ]
      : [];
    return {
      step: "5 Afterwards",
      state: isWell ? "ok" : "attention",
      found,
      proposals: [],
      decide,
    };
  }

  #agents(): { readonly active: number; readonly total: number } {
    const clusters = this.#mesh.clusters(this.#target);
    return {
      active: clusters.reduce((sum, { activeCount }) => sum + activeCount, 0),
      total: clusters.reduce((sum, { agentCount }) => sum + agentCount, 0),
    };
  }

  #silentMs(): number {
    const sector = this.#mesh.sectors().find(({ sectorId }) => sectorId === this.#target);
    return this.#nowMs() - (sector?.lastUpdatedMs ?? 0);
  }

  #clusters(): readonly ClusterState[] {
    const nowMs = this.#nowMs();
    return this.#mesh.clusters(this.#target).map((cluster) => {
      const silentMs = nowMs - cluster.lastUpdatedMs;
      const { activeCount: active, agentCount: total } = cluster;
      const fails = silentMs > SILENT_MS || active < CLUSTER_FAILS * total;
      return { address: cluster.clusterId, active, total, silentMs, fails };
    });
  }

  #isWidespread(clusters: readonly ClusterState[]): boolean {
    return clusters.filter(({ fails }) => fails).length > WIDESPREAD * clusters.length;
  }

  /** Errors of the last hour in the sector, the most frequent first. */
  #causes(): readonly string[] {
    const sinceMs = this.#nowMs() - HOUR_MS;
    const counts = new Map<string, number>();
    for (const { atMs, subject, error } of this.#mesh.incidents()) {
      if (atMs < sinceMs || !subject.startsWith(`${this.#target}/`)) continue;
      const [head] = error.split("\n");
      counts.set(head, (counts.get(head) ?? 0) + 1);
    }
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_CAUSES)
      .map(([error, count]) => `${formatNumber(count)} × ${error.slice(0, 100)}`);
  }

  #isolation(target: string, why: string): Proposal {
    const reason = `incident ${this.#target}`;
    return { command: "circuits", args: { action: "trip", target, reason }, why, person: false };
  }

  #recovery(target: string, why: string): Proposal {
    return { command: "heal", args: { target }, why, person: false };
  }
}

function agoOf(silentMs: number): string {
  return silentMs > 10 * 365 * 24 * HOUR_MS ? "never" : `${formatDuration(silentMs)} ago`;
}
