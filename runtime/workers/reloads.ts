import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { MessagePort } from "node:worker_threads";
import { InvalidOptionError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import { indexOfAddress } from "../../coordination/address.ts";
import { createTopology, type Topology } from "../../coordination/topology.ts";
import type { Incident } from "../api/incident-api.ts";
import type { ReloadOptions, ReloadResult } from "../api/reload-api.ts";
import { isReadyMade } from "../plan/agent-modules.ts";
import type { MeshPlan } from "../plan/memory.ts";
import { readBehavior } from "./behavior-modules.ts";
import { ModuleCopies } from "./module-copies.ts";
import { ModuleWatch } from "./module-watch.ts";
import { orderVersion, type VersionOrder, type VersionReply } from "./version-line.ts";

/** A worker that has not changed over within this time has failed to, ms. */
const ORDER_MS = 10_000;
const WINDOW_MS = 2000;
const MAX_WINDOW_MS = 3_600_000;

/** What reloads need of their mesh. */
export interface ReloadPorts {
  readonly plan: MeshPlan;
  readonly log: Log;
  /** Lines to the workers that run now. */
  readonly lines: () => readonly MessagePort[];
  readonly onResult: (result: ReloadResult) => void;
  readonly onIncident: (listener: (incident: Incident) => void) => () => void;
  /** Throws while the mesh stands still. */
  readonly mustGo: (what: string) => void;
}

/**
 * Changes agents over to new versions of their modules: main looks at the new version first, all workers change over or
 * none does, and for a while a failure of one of its agents takes it back.
 */
export class Reloads {
  /** By module: the URL of the version that holds. Workers begin with it. */
  readonly #sources: string[];
  readonly #ports: ReloadPorts;
  readonly #topology: Topology;
  readonly #copies: ModuleCopies;
  #watch: ModuleWatch | undefined;
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** `sources` are the modules, and then those of their versions that hold. */
  constructor(ports: ReloadPorts, sources: string[]) {
    this.#ports = ports;
    this.#topology = createTopology(ports.plan.topology);
    this.#sources = sources;
    this.#copies = new ModuleCopies(ports.plan.modules.filter(isFile), process.pid);
  }

  /** Reloads the modules that `name` fits, as {@link placesOf} has it. */
  reload(name: string | undefined, options: ReloadOptions = {}): Promise<readonly ReloadResult[]> {
    const { windowMs = WINDOW_MS } = options;
    if (!(windowMs >= 0 && windowMs <= MAX_WINDOW_MS))
      throw new InvalidOptionError("windowMs", windowMs, `ms from 0 to ${MAX_WINDOW_MS}`);
    const places = this.placesOf(name);
    const turn = this.#last.then(async () => {
      this.#ports.mustGo("reload");
      const results: ReloadResult[] = [];
      for (const place of places) results.push(await this.#reload(place, windowMs));
      return results;
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Reloads what changes on disk from now on. */
  watch(options: ReloadOptions): void {
    const { plan, log } = this.#ports;
    const files = this.placesOf(undefined).map((place) => plan.modules[place]);
    this.#watch = new ModuleWatch(files, log, (url) => {
      this.reload(url, options).catch((error: Error) =>
        log.warn({ module: url, error: error.message }, "not reloaded"),
      );
    });
  }

  close(): void {
    this.#watch?.close();
    this.#copies.close();
  }

  /** Places of the modules with this URL, path or file name, or of all that are files; InvalidOptionError when none. */
  placesOf(name: string | undefined): readonly number[] {
    const { modules } = this.#ports.plan;
    const files = modules.map((url) => (isFile(url) ? fileURLToPath(url) : undefined));
    const places = modules.flatMap((url, place) => {
      const file = files[place];
      if (file === undefined) return [];
      const fits = name === undefined || name === url || file === name || basename(file) === name;
      return fits ? [place] : [];
    });
    if (places.length > 0) return places;
    const known = files.filter((file) => file !== undefined).map((file) => basename(file));
    throw new InvalidOptionError(
      "module",
      name,
      known.length > 0
        ? `one of ${known.join(", ")}`
        : "agents of a module file: this mesh has none",
    );
  }

  async #reload(place: number, windowMs: number): Promise<ReloadResult> {
    const { log, plan } = this.#ports;
    const module = plan.modules[place];
    const result = await this.#attempt(place, windowMs);
    const { outcome, agents, why } = result;
    if (outcome === "reloaded") log.info({ module, agents }, "module reloaded");
    else log.warn({ module, why }, `new version of the module ${outcome}`);
    this.#ports.onResult({ module, ...result });
    return { module, ...result };
  }

  async #attempt(place: number, windowMs: number): Promise<Omit<ReloadResult, "module">> {
    const module = this.#ports.plan.modules[place];
    let next: string;
    try {
      next = this.#copies.now(module);
    } catch (error) {
      return { outcome: "refused", agents: 0, why: (error as Error).message };
    }
    try {
      await this.#look(place, next);
    } catch (error) {
      this.#copies.drop(next);
      return { outcome: "refused", agents: 0, why: (error as Error).message };
    }
    const before = this.#sources[place];
    const failure = this.#firstFailure(place, windowMs);
    // Before the order: a worker that begins meanwhile begins with it.
    this.#sources[place] = next;
    const replies = await this.#order({ module: place, url: next, back: false, settle: false });
    const agents = replies.reduce((sum, reply) => sum + ("agents" in reply ? reply.agents : 0), 0);
    const refusal = replies.find((reply) => "why" in reply);
    const why = refusal !== undefined && "why" in refusal ? refusal.why : await failure.found;
    failure.stop();
    if (why === undefined) {
      await this.#order({ module: place, url: next, back: false, settle: true });
      this.#copies.drop(before);
      return { outcome: "reloaded", agents };
    }
    // The module's file says something else by now.
    const old = before === module ? this.#copies.first(module) : before;
    this.#sources[place] = old;
    await this.#order({ module: place, url: old, back: true, settle: false });
    this.#copies.drop(next);
    return { outcome: "reverted", agents, why };
  }

  /** Whether main can load the version, and may have it. */
  async #look(place: number, url: string): Promise<void> {
    const { plan } = this.#ports;
    const options = plan.moduleOptions[place];
    const { behavior } = await readBehavior(url, options, this.#topology, plan.threads);
    const { capabilities = [] } = behavior;
    const unknown = capabilities.find((name) => !plan.capabilities.includes(name));
    if (unknown !== undefined)
      throw new InvalidOptionError(
        "capabilities",
        unknown,
        `among ${plan.capabilities.join(", ")}`,
      );
  }

  async #order(order: VersionOrder): Promise<readonly VersionReply[]> {
    const lines = this.#ports.lines();
    const replies = await Promise.all(lines.map((line) => orderVersion(line, order, ORDER_MS)));
    return replies.filter((reply) => reply !== undefined);
  }

  /** The first failure of one of the module's agents within the window; undefined when there is none. */
  #firstFailure(
    place: number,
    windowMs: number,
  ): { readonly found: Promise<string | undefined>; readonly stop: () => void } {
    const { plan, onIncident } = this.#ports;
    let stop = (): void => {};
    const found = new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), windowMs);
      const off = onIncident(({ subject, error, class: failure, decision }) => {
        if (failure !== "AGENT_CRASH" && decision !== "replace-worker") return;
        const agent = indexOfAddress(this.#topology, subject);
        if (agent < 0 || agent >= this.#topology.agents) return;
        if ((plan.moduleOf?.[agent] ?? 0) === place) resolve(`${subject}: ${error}`);
      });
      stop = () => {
        clearTimeout(timer);
        off();
      };
    });
    return { found, stop: () => stop() };
  }
}

/** Whether a module is a file of the user's. */
function isFile(url: string): boolean {
  return url.startsWith("file:") && !isReadyMade(url);
}
