import type { TopologyOptions } from "../../coordination/topology.ts";
import type { MeshOptions } from "../api/mesh-api.ts";
import type { TrustPlan } from "../trust/trust-plan.ts";
import { createMemory, type JournalPlan, type MeshPlan, planLanes } from "./memory.ts";
import type { Settings } from "./options.ts";

/** What main has found in the agents' modules. */
export interface ModuleFacts {
  readonly capabilities: readonly string[];
  /** By module: what its agents share on all threads. */
  readonly memory: readonly SharedArrayBuffer[];
}

/** What every thread is told, and the memory they share. */
export function planMesh(
  settings: Settings,
  options: MeshOptions,
  modules: ModuleFacts,
  journal: JournalPlan | undefined,
  trust?: TrustPlan,
): MeshPlan {
  const threads = settings.workers + 1;
  const lanes = planLanes(threads, settings.maxPayloadBytes);
  return {
    topology: topologyFrom(options),
    threads,
    lanes,
    bounds: settings.bounds,
    maxPayloadBytes: settings.maxPayloadBytes,
    maxDeliveries: settings.maxDeliveries,
    heartbeatMs: settings.heartbeatMs,
    supervision: settings.supervision,
    restart: settings.restart,
    modules: settings.modules,
    ...(settings.moduleOf === undefined ? {} : { moduleOf: settings.moduleOf }),
    moduleOptions: settings.moduleOptions,
    moduleMemory: modules.memory,
    capabilities: modules.capabilities,
    seed: settings.seed,
    predictor: settings.predictor,
    ...(journal !== undefined && { journal }),
    ...(trust !== undefined && { trust }),
    memory: createMemory(
      settings.topology,
      threads,
      lanes,
      settings.custodyBytes,
      settings.predictor,
    ),
  };
}

/** What the options say of the topology, or else the cut from which the mesh starts. */
export function topologyFrom({ topology, from }: MeshOptions): TopologyOptions {
  return topology ?? from?.topology ?? {};
}
