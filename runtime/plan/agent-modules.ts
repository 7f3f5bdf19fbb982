import { resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import { InvalidOptionError } from "../../actors/errors.ts";
import { addressOf } from "../../coordination/address.ts";
import {
  IMPEDANCE_CLASSES,
  type ImpedanceClass,
  impedanceClassName,
} from "../../coordination/impedance-class.ts";
import type { Topology } from "../../coordination/topology.ts";
import type { AgentSource, AgentsByClass } from "../api/agent-api.ts";
import type { MeshOptions } from "../api/mesh-api.ts";

/** Kinds of agents that are ready made: `remote/` has a module for each. */
const KINDS: readonly string[] = ["a2a", "http", "human", "llm", "nats", "trace"];

/** The names of {@link AgentsByClass}. */
const CLASSES: ReadonlySet<string> = new Set([
  ...IMPEDANCE_CLASSES.map(({ name }) => name),
  "default",
]);

const EXPECTED =
  `the URL or path of a module, ${KINDS.map((kind) => `{ ${kind}: … }`).join(", ")}, { module: … }, ` +
  "one of these by class, or a function from address to one";

/** The distinct modules of a mesh, each with its options, and which agent has which. */
export interface AgentModules {
  readonly modules: readonly string[];
  /** By module. */
  readonly moduleOptions: readonly unknown[];
  /** Absent when there is one. */
  readonly moduleOf: Uint16Array | undefined;
}

interface Module {
  readonly url: string;
  readonly options: unknown;
}

/** Reads `agent`; InvalidOptionError when it names no module. */
export function readModules(options: MeshOptions, topology: Topology): AgentModules {
  const { agent, agentOptions } = options;
  if (isSource(agent)) {
    const { url, options: own } = moduleOf(agent, agentOptions);
    return { modules: [url], moduleOptions: [own], moduleOf: undefined };
  }
  const sourceOf = typeof agent === "function" ? agent : byClass(agent, topology);
  const places = new Map<string, number>();
  const modules: Module[] = [];
  const placeOf = new Uint16Array(topology.agents);
  for (let index = 0; index < topology.agents; index++) {
    const source = sourceOf(
      addressOf(topology, index),
      impedanceClassName(topology.classOf[index]),
    );
    const module = moduleOf(source, agentOptions);
    // Of paths there may be thousands, and they have no options of their own to be told apart by.
    const key = module.options === agentOptions ? module.url : keyOf(module);
    let place = places.get(key);
    if (place === undefined) {
      place = modules.push(module) - 1;
      if (place > 0xffff)
        throw new InvalidOptionError("agent", module.url, "at most 65,536 distinct modules");
      places.set(key, place);
    }
    placeOf[index] = place;
  }
  return {
    modules: modules.map(({ url }) => url),
    moduleOptions: modules.map(({ options: own }) => own),
    moduleOf: placeOf,
  };
}

function keyOf({ url, options }: Module): string {
  return `${url} ${JSON.stringify(options)}`;
}

type SourceOf = (address: string, impedanceClass: ImpedanceClass) => AgentSource;

/** A map by class as a function; every class that the mesh has must be in it. */
function byClass(agents: AgentsByClass, topology: Topology): SourceOf {
  if (typeof agents !== "object" || agents === null || Object.keys(agents).length === 0)
    throw new InvalidOptionError("agent", agents, EXPECTED);
  const unknown = Object.keys(agents).find((name) => !CLASSES.has(name));
  if (unknown !== undefined)
    throw new InvalidOptionError(
      "agent",
      unknown,
      `${EXPECTED}; a class is one of ${[...CLASSES].join(", ")}`,
    );
  for (const [index, { name }] of IMPEDANCE_CLASSES.entries()) {
    if ((agents[name] ?? agents.default) === undefined && topology.classOf.includes(index))
      throw new InvalidOptionError(
        `agent.${name}`,
        undefined,
        "agents of this class, which the mesh has, or a `default`",
      );
  }
  return (_address, name) => (agents[name] ?? agents.default) as AgentSource;
}

function isSource(agent: MeshOptions["agent"]): agent is AgentSource {
  if (typeof agent === "string" || agent instanceof URL) return true;
  if (typeof agent !== "object" || agent === null) return false;
  return "module" in agent || KINDS.some((kind) => kind in agent);
}

function moduleOf(source: AgentSource, agentOptions: unknown): Module {
  if (typeof source === "string" || source instanceof URL)
    return { url: moduleUrl(source), options: agentOptions };
  if (!isSource(source)) throw new InvalidOptionError("agent", source, EXPECTED);
  if ("isolation" in source)
    return { url: kindUrl("isolated"), options: { ...source, module: moduleUrl(source.module) } };
  const { options, ...named } = source as { options?: unknown } & Record<string, unknown>;
  const [kind, ...more] = Object.keys(named);
  if (more.length > 0 || (options !== undefined && kind !== "module"))
    throw new InvalidOptionError("agent", Object.keys(source).join(", "), `one kind: ${EXPECTED}`);
  if (kind === "module") return { url: moduleUrl(named.module as string | URL), options };
  return { url: kindUrl(kind), options: named[kind] };
}

/** The module of a kind. By URL: the runtime does not import what stands on it. */
function kindUrl(kind: string): string {
  // Workers load what we are ourselves: the built package, or the source.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const module = `../../remote/${kind}-agent.${extension}`;
  return new URL(module, import.meta.url).href;
}

/** Whether a module is that of a kind, and not the user's. */
export function isReadyMade(url: string): boolean {
  return [...KINDS, "isolated"].some((kind) => kindUrl(kind) === url);
}

function moduleUrl(agent: string | URL): string {
  if (agent instanceof URL) return agent.href;
  if (typeof agent !== "string" || agent === "") {
    throw new InvalidOptionError("agent", agent, "the URL or path of a module");
  }
  return /^(file|data|node|https?):/.test(agent) ? agent : pathToFileURL(resolvePath(agent)).href;
}
