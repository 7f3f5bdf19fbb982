import type { AskOptions } from "../actors/context.ts";
import type { Target } from "../actors/ref.ts";
import type { Answer } from "../actors/result.ts";
import type { BroadcastOptions, BroadcastResult } from "./api/mesh-api.ts";
import type {
  AskGroups,
  AskSelection,
  CascadeOptions,
  CascadeResult,
  DelegateOptions,
  DelegationResult,
  GatherOptions,
  GatherResult,
  Operation,
  PipelineOptions,
  PipelineResult,
} from "./api/operation-api.ts";
import type { Spans } from "./dispatch/spans.ts";
import type { Span } from "./machine/telemetry.ts";
import { DELEGATE_MS, type Delegations, SAMPLE } from "./operations/delegations.ts";
import type { Orchestrator } from "./operations/orchestrator.ts";
import type { Selector } from "./operations/selection.ts";
import type { MeshModes, Wish } from "./recovery/modes.ts";

/** Timeouts that nobody has chosen, ms; the mode makes them longer. */
const USUAL_MS = 5_000;

/** What stands behind the entrance. */
export interface EntrancePorts {
  readonly modes: MeshModes;
  readonly selector: Selector;
  readonly orchestrator: Orchestrator;
  readonly delegations: Delegations;
  readonly spans: Spans;
}

/** Where work comes in from outside: the operating mode decides whether, when and how it begins (spec 6.3). */
export class Entrance {
  readonly #ports: EntrancePorts;

  constructor(ports: EntrancePorts) {
    this.#ports = ports;
  }

  ask(
    target: Target | AskSelection,
    message: unknown,
    options?: AskOptions,
  ): Promise<Answer | AskGroups> {
    const { modes, delegations } = this.#ports;
    if (typeof target !== "object") {
      const refusal = modes.refusalOf(options?.priority ?? 1);
      if (refusal !== undefined) return Promise.reject(refusal);
      return delegations.ask(target, message, modes.patient(options, USUAL_MS));
    }
    const { sample = SAMPLE, select, capability } = target;
    const needs = capability === undefined ? [] : [capability];
    const wish = {
      ...this.#wish("ask", options, select, needs),
      agents: () => Math.min(sample, this.#count(select, needs)),
    };
    return this.#run("mesh ask sample", wish, () =>
      delegations.askMany(target, message, modes.patient(options, USUAL_MS)),
    );
  }

  scatterGather(operation: Operation, options?: GatherOptions): Promise<GatherResult> {
    const { modes, orchestrator } = this.#ports;
    const wish = this.#operation("scatter", operation, options);
    return this.#run(
      "mesh scatter-gather",
      wish,
      () => orchestrator.scatterGather(operation, modes.patient(options, USUAL_MS)),
      (span, result) => this.#tell(span, result),
    );
  }

  cascade(operation: Operation, options?: CascadeOptions): Promise<CascadeResult> {
    const { modes, orchestrator } = this.#ports;
    const wish = { ...this.#operation("cascade", operation, options), scatters: false };
    return this.#run(
      "mesh cascade",
      wish,
      () => orchestrator.cascade(operation, modes.patient(options, USUAL_MS)),
      (span, result) => this.#tell(span, result),
    );
  }

  broadcast(message: unknown, options?: BroadcastOptions): Promise<BroadcastResult> {
    const { modes, orchestrator } = this.#ports;
    const wish = this.#wish("broadcast", options, options?.select, []);
    return this.#run("mesh broadcast", wish, () =>
      orchestrator.broadcast(message, modes.patient(options, USUAL_MS)),
    );
  }

  delegate<V>(task: unknown, options?: DelegateOptions): Promise<DelegationResult<V>> {
    const { modes, delegations } = this.#ports;
    const wish = { ...this.#wish("delegate", options, undefined, []), agents: () => 1 };
    return this.#run("mesh delegate", wish, () =>
      delegations.delegate<V>(task, modes.patient(options, DELEGATE_MS)),
    );
  }

  pipeline<V>(
    message: unknown,
    stages: readonly string[],
    options?: PipelineOptions,
  ): Promise<PipelineResult<V>> {
    const { modes, delegations } = this.#ports;
    const wish = { ...this.#wish("pipeline", options, undefined, []), agents: () => stages.length };
    return this.#run("mesh pipeline", wish, () =>
      delegations.pipeline<V>(message, stages, modes.patient(options, USUAL_MS)),
    );
  }

  /** Runs it when the mode lets it, in a span that has the wait for that in it. */
  #run<T>(
    name: string,
    wish: Wish,
    task: () => Promise<T>,
    told?: (span: Span, result: T) => void,
  ): Promise<T> {
    const { modes, spans } = this.#ports;
    return spans.run({ name }, () => modes.run(wish, spans.bound(task)), told);
  }

  #tell(span: Span, result: Omit<GatherResult, "status">): void {
    const { operationId, quorum, addressed, ready, conflict, transit, failed, skipped } = result;
    span.setAttributes({
      "mesh.operation": operationId,
      "mesh.addressed": addressed,
      "mesh.ready": ready,
      "mesh.conflict": conflict,
      "mesh.transit": transit,
      "mesh.failed": failed,
      "mesh.skipped": skipped,
      "mesh.quorum": quorum.decision,
    });
    if (!quorum.achieved) this.#ports.spans.telemetry?.failed(span, quorum.reason);
  }

  #operation(name: string, operation: Operation, options: GatherOptions | undefined): Wish {
    // What is no operation at all is for the orchestrator to say.
    const { priority, requiresCapabilities = [] } = operation ?? {};
    const { select, signal } = options ?? {};
    const known = { ...(priority !== undefined && { priority }), ...(signal && { signal }) };
    return this.#wish(name, known, select, requiresCapabilities);
  }

  #wish(
    operation: string,
    options: { readonly priority?: number; readonly signal?: AbortSignal } | undefined,
    select: string | undefined,
    needs: readonly string[],
  ): Wish {
    const { priority = 1, signal } = options ?? {};
    const agents = (): number => this.#count(select, needs);
    return { operation, priority, signal, agents, scatters: true };
  }

  #count(select: string | undefined, needs: readonly string[]): number {
    return this.#ports.selector.able(select, needs).length;
  }
}
