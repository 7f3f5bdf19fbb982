import type { Receipt } from "../actors/receipt.ts";
import type { CascadeResult, GatherResult, Operation } from "../runtime/api/operation-api.ts";
import type { Headquarters } from "../runtime/headquarters.ts";
import type { Accounts } from "./accounts.ts";
import type { Chance } from "./chance.ts";
import { Event, type EventTrace } from "./event-trace.ts";
import { checkOperation } from "./operation-check.ts";
import type { Threads } from "./threads.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Witness } from "./witness.ts";

/** What is asked of the mesh while it runs. Times are ms; 0 is never. */
export interface Load {
  readonly cascadeEveryMs: number;
  readonly scatterEveryMs: number;
  /** Asks of one agent, and tasks for whoever will be first. */
  readonly askEveryMs: number;
  readonly delegateEveryMs: number;
  /** Numbered messages to bookkeepers, some of which they pass on. */
  readonly tellEveryMs: number;
}

/** The load of an ordinary hour. */
export const HOURLY_LOAD: Load = Object.freeze({
  cascadeEveryMs: 60_000,
  scatterEveryMs: 20_000,
  askEveryMs: 1000,
  delegateEveryMs: 5000,
  tellEveryMs: 100,
});

/** So much in little time that a short run of a small mesh sees everything. */
export const DENSE_LOAD: Load = Object.freeze({
  cascadeEveryMs: 2500,
  scatterEveryMs: 1700,
  askEveryMs: 90,
  delegateEveryMs: 400,
  tellEveryMs: 15,
});

/** An operation that has not ended so long after it should have has been forgotten, ms. */
const SLACK_MS = 5000;
const OPERATION_MS = 5000;
const WINDOW_MS = 500;
/** Messages passed from hand to hand, at most. */
const HANDS = 3;

/** What a workload needs. */
export interface WorkloadPorts {
  readonly load: Load;
  readonly headquarters: Headquarters;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly threads: Threads;
  readonly trace: EventTrace;
  readonly witness: Witness;
  readonly accounts: Accounts;
  readonly bookkeepers: readonly number[];
}

/** Uses the mesh as people and programs outside would, and looks at what it gets. */
export class Workload {
  readonly #ports: WorkloadPorts;
  #isOver = false;
  /** Things asked for that have not ended. */
  #open = 0;
  #operations = 0;
  #latestMs = 0;

  constructor(ports: WorkloadPorts) {
    this.#ports = ports;
  }

  /** Things asked for that have not ended. */
  get open(): number {
    return this.#open;
  }

  /** When the last of what was asked for must have ended, ms of the virtual clock. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** Operations of many agents so far. */
  get operations(): number {
    return this.#operations;
  }

  begin(): void {
    const { load } = this.#ports;
    this.#regularly(load.cascadeEveryMs, () => this.#cascade());
    this.#regularly(load.scatterEveryMs, () => this.#scatter());
    this.#regularly(load.askEveryMs, () => this.#ask());
    this.#regularly(load.delegateEveryMs, () => this.#delegate());
    this.#regularly(load.tellEveryMs, () => this.#tell());
  }

  /** Asks for nothing more. */
  end(): void {
    this.#isOver = true;
  }

  #regularly(everyMs: number, act: () => void): void {
    if (everyMs <= 0) return;
    const { time, chance, threads } = this.#ports;
    const again = (): void => {
      // Not to the moment: what happens at the same time each time is always in the same order.
      time.later(everyMs * chance.between(0.9, 1.1), () => {
        if (this.#isOver) return;
        threads.inside(0, act);
        again();
      });
    };
    again();
  }

  /** Waits for something that must end within `withinMs`, whatever becomes of it. */
  #expect<T>(what: string, withinMs: number, promise: Promise<T>, then: (value: T) => void): void {
    const { time, witness } = this.#ports;
    this.#open++;
    this.#latestMs = Math.max(this.#latestMs, time.currentMs + withinMs + SLACK_MS);
    const callOff = time.later(withinMs + SLACK_MS, () =>
      witness.accuse("settles", `${what} has not ended ${SLACK_MS} ms after it should have`),
    );
    const done = (): void => {
      callOff();
      this.#open--;
    };
    promise.then(
      (value) => {
        done();
        then(value);
      },
      (error: unknown) => {
        done();
        this.#refused(what, error);
      },
    );
  }

  /** Refusals and failures are answers too; what has no code is not meant for anybody. */
  #refused(what: string, error: unknown): void {
    const { code } = error as { readonly code?: string };
    if (code === undefined) this.#ports.witness.accuse("settles", `${what}: ${String(error)}`);
  }

  #cascade(): void {
    const { headquarters, chance } = this.#ports;
    const strategy = chance.happens(0.8) ? "wave" : "parallel";
    const operation = { payload: { go: strategy } };
    this.#operation("a cascade", operation, undefined, () =>
      headquarters.orchestrator.cascade(operation, { strategy }),
    );
  }

  #scatter(): void {
    const { headquarters, chance } = this.#ports;
    const { topology } = headquarters.dispatcher.view;
    const select = `sector-${1 + chance.below(topology.sectors)}`;
    const verb = chance.happens(0.3) ? "observe" : "act";
    const at = chance.pick(["earliest-quorum", "earliest-quorum", "now", "in 700ms"]);
    const operation: Operation = { payload: { look: select }, verb, at };
    this.#operation("a scatter-gather", operation, select, () =>
      headquarters.orchestrator.scatterGather(operation, {
        select,
        // People are not asked for a time, but for now they are.
        ...(at === "now" && { quorum: 0.9 }),
      }),
    );
  }

  /** Who aims at a time waits until then, which may be long if some agent has much to do. */
  async #operation(
    what: string,
    operation: Operation,
    select: string | undefined,
    start: () => Promise<GatherResult | CascadeResult>,
  ): Promise<void> {
    const { trace, time, witness, headquarters } = this.#ports;
    const { orchestrator, dispatcher } = headquarters;
    const options = { ...(select !== undefined && { select }), limit: 0 };
    let availableMs: number;
    let started: Promise<GatherResult | CascadeResult>;
    try {
      ({ availableMs } = await orchestrator.forecast(operation, options));
      started = start();
      // It is awaited below; until then nobody hears of its failure.
      started.catch(() => {});
      // Between the two it was planned: its T is neither's nor anything beyond both.
      const now = await orchestrator.forecast(operation, options);
      availableMs = Math.max(availableMs, now.availableMs);
    } catch (error) {
      // Such as that all of a sector is behind open circuits.
      this.#refused(what, error);
      return;
    }
    this.#operations++;
    const withinMs = Math.max(OPERATION_MS, availableMs) + WINDOW_MS;
    const latestT = time.currentMs + Math.max(OPERATION_MS, availableMs);
    this.#expect(what, withinMs, started, (result) => {
      trace.note(time.elapsedMs, Event.operation, result.ready, result.addressed);
      this.#judgeTime(what, result.arrivalMs, latestT);
      checkOperation(result, witness, dispatcher.view.topology, operation.verb === "observe");
    });
  }

  /** An operation is planned for no later than what was known said, and has ended by its own T and the window. */
  #judgeTime(what: string, arrivalMs: number | undefined, latestT: number): void {
    if (arrivalMs === undefined) return;
    const { witness, time } = this.#ports;
    const late = (ms: number): string => (ms / 1000).toFixed(3);
    if (arrivalMs > latestT)
      witness.accuse("settles", `${what} was planned ${late(arrivalMs - latestT)} s too late`);
    const afterMs = time.currentMs - arrivalMs;
    if (afterMs > WINDOW_MS + SLACK_MS)
      witness.accuse("settles", `${what} has ended ${late(afterMs)} s after its T`);
  }

  #ask(): void {
    const { headquarters, chance } = this.#ports;
    const { topology } = headquarters.dispatcher.view;
    const agent = chance.below(topology.agents);
    const timeoutMs = chance.pick([50, 500, 2000]);
    const ask = headquarters.delegations.ask(agent, { how: agent }, { timeoutMs });
    this.#expect("an ask", timeoutMs, ask, () => {});
  }

  #delegate(): void {
    const { headquarters, chance } = this.#ports;
    const idempotent = chance.happens(0.5);
    const options = { requiresCapabilities: ["elsewhere"], timeoutMs: 2000, idempotent };
    const task = headquarters.delegations.delegate({ task: 1 }, options);
    this.#expect("a delegation", 3 * 2000, task, () => {});
  }

  #tell(): void {
    const { headquarters, chance, bookkeepers, accounts } = this.#ports;
    if (bookkeepers.length === 0) return;
    const to = chance.pick(bookkeepers);
    const priority = chance.pick([1, 1, 1, 2, 3] as const);
    const takesMs = chance.happens(0.1) ? 40 : undefined;
    const pass = takesMs === undefined && chance.happens(0.3) ? this.#hands() : [];
    const entry = accounts.next(to, priority, pass, takesMs);
    const options = { priority, ...(chance.happens(0.05) && { ttlMs: 30 }) };
    const receipt = headquarters.tell(to, entry, options);
    this.#noteReceipt(to, priority, receipt);
  }

  #hands(): number[] {
    const { chance, bookkeepers } = this.#ports;
    return Array.from({ length: 1 + chance.below(HANDS) }, () => chance.pick(bookkeepers));
  }

  #noteReceipt(to: number, priority: number, receipt: Receipt): void {
    const { accounts, trace, time } = this.#ports;
    const settle = (status: string): void => {
      trace.note(time.elapsedMs, Event.receipt, to, status === "accepted" ? 1 : 0);
      if (status === "accepted") accounts.acknowledged(to, priority);
      // What was dropped has become a dead letter, which counts in its own right.
      else if (status === "dropped") accounts.acknowledged(to, priority);
    };
    if (receipt.status === "waiting") receipt.then(settle);
    else settle(receipt.status);
  }
}
