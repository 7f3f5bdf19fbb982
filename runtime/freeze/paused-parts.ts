import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import { ACTIVE, DEGRADED } from "../../coordination/agent-state.ts";
import { RouteMark, type RouteMarks } from "../../coordination/routes.ts";
import type { Frozen, LateWorker, ThawResult } from "../api/freeze-api.ts";
import { type AgentRange, selectRange } from "../operations/selection.ts";
import type { ThreadView } from "../plan/memory.ts";
import type { Interventions } from "../recovery/interventions.ts";

interface Part extends Frozen {
  readonly ranges: readonly AgentRange[];
}

/** Sectors, clusters and agents that are frozen at once; a mesh has better ways to stand still altogether. */
const MAX_PARTS = 1000;

/**
 * Parts of a mesh that are frozen while the rest goes on: a bit of each agent's mark in shared memory, at which its
 * thread looks before each turn. Their messages wait in their mailboxes, and operations go around them.
 */
export class PausedParts {
  readonly #view: ThreadView;
  readonly #interventions: Interventions;
  readonly #now: () => number;
  readonly #parts = new Map<string, Part>();

  constructor(view: ThreadView, interventions: Interventions, now: () => number) {
    this.#view = view;
    this.#interventions = interventions;
    this.#now = now;
  }

  list(): readonly Frozen[] {
    return [...this.#parts.values()].map(({ ranges: _, ...frozen }) => frozen);
  }

  /** Resolves when no turn of these agents runs but those that await something. */
  async pause(
    scope: string,
    sinceMs: number,
    timeoutMs: number,
  ): Promise<{ readonly frozen: Frozen; readonly suspended: number }> {
    if (this.#parts.has(scope))
      throw new MeshError("MESH_FROZEN", `freeze: ${scope} is frozen already`);
    if (this.#parts.size >= MAX_PARTS)
      throw new InvalidOptionError("scope", scope, `at most ${MAX_PARTS} parts frozen at once`);
    const ranges = selectRange(this.#view.topology, scope);
    const part: Part = { scope, sinceMs, agents: this.#count(ranges), late: [], ranges };
    this.#parts.set(scope, part);
    this.#mark(this.#view.routes);
    const late: LateWorker[] = [];
    let suspended = 0;
    const asked = ranges.map(async ({ from, to }) => {
      const reply = await this.#interventions.request(from, { verb: "pause", from, to }, timeoutMs);
      if (reply === undefined)
        late.push({
          worker: `worker-${this.#view.placement[from]}`,
          sinceMs: this.#now() - sinceMs,
        });
      else suspended += (reply as { suspended: number }).suspended;
    });
    await Promise.all(asked);
    if (late.length > 0) this.#parts.set(scope, { ...part, late });
    const { ranges: _, ...frozen } = { ...part, late };
    return { frozen, suspended };
  }

  async thaw(scope: string, timeoutMs: number): Promise<ThawResult> {
    const part = this.#parts.get(scope);
    if (part === undefined) {
      const names = [...this.#parts.keys()].join(", ");
      const what = names === "" ? "no part of the mesh is" : `what is: ${names}`;
      throw new MeshError("MESH_NOT_FROZEN", `thaw: ${scope} is not frozen; ${what}`);
    }
    const startMs = this.#now();
    this.#parts.delete(scope);
    this.#mark(this.#view.routes);
    const asked = part.ranges.map(({ from, to }) =>
      this.#interventions.request(from, { verb: "resume", from, to }, Math.max(1, timeoutMs)),
    );
    // Of a mesh that stands still as a whole nobody needs to be told: they look when it goes again.
    if (timeoutMs > 0) await Promise.all(asked);
    const { agents, sinceMs } = part;
    return { scope, agents, stoodMs: startMs - sinceMs, thawMs: this.#now() - startMs };
  }

  /** Writes the bits of all parts: they may lie within each other. */
  #mark(routes: RouteMarks): void {
    const { rows } = this.#view.topology;
    const paused = new Uint8Array(rows);
    for (const { ranges } of this.#parts.values())
      for (const { from, to } of ranges) paused.fill(1, from, to);
    routes.noteAvoiding();
    for (let row = 0; row < rows; row++) {
      if (paused[row] === 1) Atomics.or(routes.marks, row, RouteMark.FROZEN);
      else if ((routes.marks[row] & RouteMark.FROZEN) !== 0)
        Atomics.and(routes.marks, row, ~RouteMark.FROZEN);
    }
  }

  #count(ranges: readonly AgentRange[]): number {
    const { state } = this.#view.registry;
    let agents = 0;
    for (const { from, to } of ranges)
      for (let row = from; row < to; row++)
        if (state[row] === ACTIVE || state[row] === DEGRADED) agents++;
    return agents;
  }
}
