import type { Behavior } from "../../actors/behavior.ts";
import { MeshError } from "../../actors/errors.ts";
import { type Breeds, breedKey, type Origin } from "../dispatch/belongings.ts";

/** What an agent module may export. */
interface AgentModule {
  readonly default?: Behavior;
  /** Called once on each thread with the mesh's `agentOptions`, before any agent is made. */
  readonly configure?: (options: unknown) => void | Promise<void>;
}

/** Imports agent modules by URL; MeshError when one cannot be imported or exports no behavior. */
export async function loadBehaviors(
  urls: readonly string[],
  options: unknown,
): Promise<readonly Behavior[]> {
  return Promise.all(urls.map((url) => loadBehavior(url, options)));
}

/** The same for main, which needs to know what agents can do but runs none: `configure` is not called. */
export async function readBehaviors(urls: readonly string[]): Promise<readonly Behavior[]> {
  return Promise.all(urls.map(async (url) => behaviorOf(url, await importModule(url))));
}

async function loadBehavior(url: string, options: unknown): Promise<Behavior> {
  const module = await importModule(url);
  try {
    await module.configure?.(options);
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    const reason = String((cause as Error)?.message ?? cause);
    throw new MeshError("MESH_AGENT_MODULE", `agent: configure of ${url} threw: ${reason}`, {
      cause,
    });
  }
  return behaviorOf(url, module);
}

/** What agents can spawn that is to be had elsewhere too: all behaviors that the modules, once loaded, export. */
export async function loadBreeds(urls: readonly string[]): Promise<Breeds> {
  const origins = new Map<Behavior, Origin>();
  const behaviors = new Map<string, Behavior>();
  for (const [module, url] of urls.entries()) {
    for (const [name, value] of Object.entries(await importModule(url))) {
      if (!isBehavior(value)) continue;
      behaviors.set(breedKey({ module, name }), value);
      // A behavior that several modules export is to be had at any of them.
      if (!origins.has(value)) origins.set(value, { module, name });
    }
  }
  return { origins, behaviors };
}

async function importModule(url: string): Promise<AgentModule> {
  try {
    return (await import(url)) as AgentModule;
  } catch (cause) {
    throw new MeshError(
      "MESH_AGENT_MODULE",
      `agent: cannot import ${url}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function behaviorOf(url: string, module: AgentModule): Behavior {
  const behavior = module.default;
  if (!isBehavior(behavior)) {
    throw new MeshError(
      "MESH_AGENT_MODULE",
      `agent: expected ${url} to export a behavior by default (defineAgent({ init, receive }))`,
    );
  }
  return behavior;
}

function isBehavior(value: unknown): value is Behavior {
  const { init, receive } = (value ?? {}) as Partial<Behavior>;
  return typeof init === "function" && typeof receive === "function";
}
