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
    return modes.run(wish, () =>
      delegations.askMany(target, message, modes.patient(options, USUAL_MS)),
    );
  }

  scatterGather(operation: Operation, options?: GatherOptions): Promise<GatherResult> {
    const { modes, orchestrator } = this.#ports;
    return modes.run(this.#operation("scatter", operation, options), () =>
      orchestrator.scatterGather(operation, modes.patient(options, USUAL_MS)),
    );
  }

  cascade(operation: Operation, options?: CascadeOptions): Promise<CascadeResult> {
    const { modes, orchestrator } = this.#ports;
    const wish = { ...this.#operation("cascade", operation, options), scatters: false };
    return modes.run(wish, () => orchestrator.cascade(operation, modes.patient(options, USUAL_MS)));
  }

  broadcast(message: unknown, options?: BroadcastOptions): Promise<BroadcastResult> {
    const { modes, orchestrator } = this.#ports;
    return modes.run(this.#wish("broadcast", options, options?.select, []), () =>
      orchestrator.broadcast(message, modes.patient(options, USUAL_MS)),
    );
  }

  delegate<V>(task: unknown, options?: DelegateOptions): Promise<DelegationResult<V>> {
    const { modes, delegations } = this.#ports;
    const wish = { ...this.#wish("delegate", options, undefined, []), agents: () => 1 };
    return modes.run(wish, () => delegations.delegate(task, modes.patient(options, DELEGATE_MS)));
  }

  pipeline<V>(
    message: unknown,
    stages: readonly string[],
    options?: PipelineOptions,
  ): Promise<PipelineResult<V>> {
    const { modes, delegations } = this.#ports;
    const wish = { ...this.#wish("pipeline", options, undefined, []), agents: () => stages.length };
    return modes.run(wish, () =>
      delegations.pipeline(message, stages, modes.patient(options, USUAL_MS)),
    );
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
