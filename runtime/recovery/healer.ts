import { addressOf, clusterAddress } from "../../coordination/address.ts";
import { clusterOf } from "../../coordination/topology.ts";
import { controlOf } from "../../mailbox/lanes.ts";
import { CONTROL_STATE, ThreadState } from "../../mailbox/layout.ts";
import type { HealOptions, HealResult } from "../api/heal-api.ts";
import { REQUEST_MS, type ShardRequests } from "../dispatch/shard-requests.ts";
import type { Treated } from "../dispatch/treatments.ts";
import type { AgentRange } from "../operations/selection.ts";
import type { ShardPool } from "../workers/shard-pool.ts";
import { ContextDonors } from "./context-donors.ts";
import {
  type Diagnosis,
  Examination,
  type ExaminationPorts,
  type HealScope,
} from "./examination.ts";

/** Findings and failures that a result lists. */
const MAX_LISTED = 1000;
/** What a worker gets to be back, ms. */
const WORKER_MS = 30_000;
/** What an agent gets to show that it takes its turns, ms. */
const PROBE_MS = 2000;
/** Agents of one request at most, so that its answer fits in the smallest payload; probes out at once. */
const AT_ONCE = 64;
const LOOK_MS = 10;

/** What healing needs of its mesh. */
export interface HealPorts extends ExaminationPorts {
  readonly requests: ShardRequests;
  readonly pool: Pick<ShardPool, "kill" | "replace" | "revive">;
  /** Something of the mesh is well again after so long, ms. */
  readonly recovered: (endedMs: number, ms: number, scope: "agent" | "cluster" | "sector") => void;
}

/** What one healing has done so far. */
interface Course {
  readonly scope: HealScope;
  readonly startMs: number;
  restarted: number;
  replaced: number;
  readonly workers: string[];
  /** Agents informed, by where from. */
  readonly contexts: Map<string, number>;
  readonly broughtHome: string[];
  readonly circuits: string[];
  readonly failed: Map<string, string>;
  /** Agents that must show that they are well. */
  readonly treated: number[];
}

/**
 * Heals what is wrong with a part of the mesh (spec 7.1): says what it will do, does it, and sees for itself
 * whether that helped. One healing at a time: two would begin the same agents twice.
 */
export class Healer {
  readonly #ports: HealPorts;
  readonly #examination: Examination;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: HealPorts) {
    this.#ports = ports;
    this.#examination = new Examination(ports);
  }

  heal(target: string, options: HealOptions = {}): Promise<HealResult> {
    const healing = this.#last.then(() => this.#heal(target, options));
    this.#last = healing.catch(() => {});
    return healing;
  }

  async #heal(target: string, options: HealOptions): Promise<HealResult> {
    const { clock } = this.#ports.dispatcher.ports;
    const scope = this.#examination.scopeOf(target);
    const course = beginCourse(scope, clock.nowMs());
    const diagnosis = this.#examination.diagnose(scope);
    options.onPlan?.(diagnosis.findings.slice(0, MAX_LISTED));
    if (options.dryRun !== true && diagnosis.findings.length > 0) {
      await this.#act(course, diagnosis);
      await this.#verify(course);
    }
    const elapsedMs = clock.nowMs() - course.startMs;
    const isSick = diagnosis.findings.some(({ remedy }) => remedy !== "none");
    const healthy = options.dryRun === true ? !isSick : course.failed.size === 0;
    if (isSick && healthy) this.#ports.recovered(clock.nowMs(), elapsedMs, scopeKind(scope.target));
    return {
      target: scope.target,
      dryRun: options.dryRun === true,
      plan: diagnosis.findings.slice(0, MAX_LISTED),
      found: diagnosis.findings.length,
      restarted: course.restarted,
      replaced: course.replaced,
      workers: course.workers,
      contexts: [...course.contexts].map(([from, agents]) => ({ from, agents })),
      broughtHome: course.broughtHome,
      circuits: course.circuits,
      failed: [...course.failed].slice(0, MAX_LISTED).map(([subject, why]) => ({ subject, why })),
      healthy,
      elapsedMs,
    };
  }

  async #act(course: Course, diagnosis: Diagnosis): Promise<void> {
    await this.#healWorkers(course, diagnosis);
    // What the workers were away for is well by itself, or is found now.
    const { sick, circuits } =
      diagnosis.replace.length + diagnosis.awaited.length === 0
        ? diagnosis
        : this.#examination.diagnose(course.scope);
    const { dispatcher, requests } = this.#ports;
    const donors = new ContextDonors(dispatcher, requests);
    for (const range of sick) await this.#healRange(course, range, donors);
    for (const circuit of circuits) {
      await this.#ports.circuits()?.reset(circuit);
      course.circuits.push(circuit);
    }
  }

  async #healWorkers(course: Course, { replace, awaited }: Diagnosis): Promise<void> {
    for (const thread of replace) {
      if (!this.#ports.pool.revive(thread)) {
        this.#ports.pool.replace(thread, "replaced by heal");
        // Until its end is seen, its words are those of the old one.
        await this.#until(() => this.#stateOf(thread) !== ThreadState.RUNNING, REQUEST_MS);
      }
      course.workers.push(`worker-${thread}`);
    }
    const isSettled = (thread: number): boolean => {
      const state = this.#stateOf(thread);
      return state === ThreadState.RUNNING || state === ThreadState.STOPPED;
    };
    for (const thread of [...replace, ...awaited]) {
      if (!(await this.#until(() => isSettled(thread), WORKER_MS)))
        course.failed.set(`worker-${thread}`, `is not back within ${WORKER_MS / 1000} s`);
    }
  }

  #stateOf(thread: number): number {
    return Atomics.load(
      controlOf(this.#ports.dispatcher.plan.memory.control, thread),
      CONTROL_STATE,
    );
  }

  async #until(isSo: () => boolean, withinMs: number): Promise<boolean> {
    const { clock } = this.#ports.dispatcher.ports;
    const endMs = clock.nowMs() + withinMs;
    while (!isSo()) {
      if (clock.nowMs() > endMs) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }

  /** Heals the agents of one cluster, by the module that they are of. */
  async #healRange(course: Course, { from, to }: AgentRange, donors: ContextDonors): Promise<void> {
    for (let first = from; first < to; first += AT_ONCE) {
      const end = Math.min(to, first + AT_ONCE);
      for (const [module, agent] of this.#modulesOf(first, end))
        await this.#treat(course, { from: first, to: end }, module, agent, donors);
    }
  }

  /** Modules of the agents of a range, each with one of its agents. */
  #modulesOf(from: number, to: number): ReadonlyMap<number, number> {
    const { moduleOf } = this.#ports.dispatcher.plan;
    const modules = new Map<number, number>();
    for (let agent = from; agent < to; agent++) {
      const module = moduleOf?.[agent] ?? 0;
      if (!modules.has(module)) modules.set(module, agent);
    }
    return modules;
  }

  async #treat(
    course: Course,
    { from, to }: AgentRange,
    module: number,
    agent: number,
    donors: ContextDonors,
  ): Promise<void> {
    const { requests, dispatcher } = this.#ports;
    const { topology } = dispatcher.view;
    const loan = await donors.loanFor(agent);
    const shared = loan && { shared: { context: loan.context, hash: loan.hash } };
    const request = { verb: "heal" as const, from, to, module, ...shared };
    const subject = clusterAddress(topology, clusterOf(topology, from));
    let treated: Treated | undefined;
    try {
      treated = (await requests.ask(from, request, REQUEST_MS)) as Treated | undefined;
    } catch (error) {
      // Also a context that does not fit in a message any more: nobody is begun anew without what it needs.
      course.failed.set(subject, `could not be healed: ${String(error)}`);
      return;
    }
    if (treated === undefined) {
      course.failed.set(subject, `did nothing within ${REQUEST_MS / 1000} s`);
      return;
    }
    course.restarted += treated.restarted.length;
    course.replaced += treated.replaced.length;
    for (const place of [...treated.restarted, ...treated.replaced])
      course.treated.push(from + place);
    if (treated.broughtHome) course.broughtHome.push(subject);
    if (loan === undefined) return;
    const { informed, misinformed } = treated;
    if (informed.length > 0)
      course.contexts.set(loan.from, (course.contexts.get(loan.from) ?? 0) + informed.length);
    for (const place of misinformed)
      course.failed.set(
        addressOf(topology, from + place),
        `has not taken the context of ${loan.from}`,
      );
  }

  /** Whoever was treated takes a turn, and nothing that was wrong is so any more. */
  async #verify(course: Course): Promise<void> {
    const { requests, dispatcher } = this.#ports;
    const { topology } = dispatcher.view;
    for (let first = 0; first < course.treated.length; first += AT_ONCE) {
      const batch = course.treated.slice(first, first + AT_ONCE);
      const answers = await Promise.all(batch.map((agent) => requests.probe(agent, PROBE_MS)));
      for (const [i, isWell] of answers.entries())
        if (!isWell) course.failed.set(addressOf(topology, batch[i]), "does not answer");
    }
    for (const { subject, problem, remedy } of this.#examination.diagnose(course.scope).findings) {
      // What waits at its sender, or for a person, is not what healing is measured by.
      if (remedy === "none" || course.failed.has(subject)) continue;
      course.failed.set(subject, `is still ${problem}`);
    }
  }
}

function beginCourse(scope: HealScope, startMs: number): Course {
  return {
    scope,
    startMs,
    restarted: 0,
    replaced: 0,
    workers: [],
    contexts: new Map(),
    broughtHome: [],
    circuits: [],
    failed: new Map(),
    treated: [],
  };
}

function scopeKind(target: string): "agent" | "cluster" | "sector" {
  if (!target.startsWith("sector-")) return "sector";
  return target.includes("/agent-") ? "agent" : target.includes("/cluster-") ? "cluster" : "sector";
}
