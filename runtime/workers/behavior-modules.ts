import type { Behavior } from "../../actors/behavior.ts";
import { MeshError } from "../../actors/errors.ts";
import type { Topology } from "../../coordination/topology.ts";
import type { AgentHost, AgentModule } from "../api/agent-api.ts";
import { type Breeds, breedKey, type Origin } from "../dispatch/belongings.ts";
import { systemClock } from "../machine/clock.ts";
import { loadTypeScript } from "../machine/source-loader.ts";
import type { AgentModules } from "../plan/agent-modules.ts";

/** Makes the behaviors of a thread; MeshError when a module cannot be imported or makes no behavior. */
export async function loadBehaviors(
  { modules, moduleOptions }: Omit<AgentModules, "moduleOf">,
  hostOf: (place: number) => AgentHost,
): Promise<readonly Behavior[]> {
  return Promise.all(
    modules.map((url, place) => loadBehavior(url, moduleOptions[place], hostOf(place))),
  );
}

/** A module as main needs it: what its agents can do, what they share, and main's side of them. */
export interface MainModule {
  readonly module: AgentModule;
  readonly behavior: Behavior;
  readonly shared: SharedArrayBuffer;
}

/** The same for main, which runs no agent: `configure` is not called. */
export async function readBehaviors(
  { modules, moduleOptions }: Omit<AgentModules, "moduleOf">,
  topology: Topology,
  threads: number,
): Promise<readonly MainModule[]> {
  return Promise.all(
    modules.map((url, place) => {
      const options = moduleOptions[place];
      return readBehavior(url, options, topology, threads);
    }),
  );
}

/** One module for main. */
export async function readBehavior(
  url: string,
  options: unknown,
  topology: Topology,
  threads: number,
): Promise<MainModule> {
  const module = await importModule(url);
  const shared = new SharedArrayBuffer(module.sharedBytes?.(options, topology, threads) ?? 0);
  const call = (): Promise<never> => Promise.reject(new MeshError("MESH_NO_DESK", NO_DESK));
  const host = { thread: 0, topology, clock: systemClock, shared, call };
  return { module, behavior: behaviorOf(url, module, options, host), shared };
}

const NO_DESK = "main runs no agents, and answers none of its own calls";

/** Makes one behavior. */
export async function loadBehavior(
  url: string,
  options: unknown,
  host: AgentHost,
): Promise<Behavior> {
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
  return behaviorOf(url, module, options, host);
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
    if (/\.[mc]?ts$/.test(new URL(url).pathname)) await loadTypeScript();
    return unwrapped(await import(url));
  } catch (cause) {
    throw new MeshError(
      "MESH_AGENT_MODULE",
      `agent: cannot import ${url}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Of TypeScript in a package that does not say `"type": "module"`, the exports are the members of the default one. */
function unwrapped(module: { readonly default?: object }): AgentModule {
  const inner = module.default;
  const isWrapped = inner !== undefined && "default" in inner && Object.keys(module).length === 1;
  return (isWrapped ? inner : module) as AgentModule;
}

function behaviorOf(url: string, module: AgentModule, options: unknown, host: AgentHost): Behavior {
  const behavior = module.createAgent?.(options, host) ?? module.default;
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
