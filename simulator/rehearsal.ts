import type { Kpis } from "../coordination/kpis.ts";
import { loadTraceMix } from "../remote/traces.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { FaultCounts, FaultProfile } from "./faults.ts";
import type { LivePicture } from "./live-picture.ts";
import { custodyBytesFor } from "./shape.ts";
import { type MeshInUse, simulate } from "./simulation.ts";
import type { Violation } from "./witness.ts";
import { HOURLY_LOAD } from "./workload.ts";

/** Heartbeats tell the simulated mesh how far its agents are before anything is asked of it, ms. */
const WARM_UP_MS = 30_000;
/** Virtual time that each operation may take, ms: one that asks people can wait for them. */
const OPERATION_MS = 600_000;

/** What of the mesh is lost as it is first used: a worker by its thread from 1, or a sector counted from 1. */
export type Loss =
  | { readonly kind: "worker"; readonly thread: number }
  | { readonly kind: "sector"; readonly sector: number };

/** The part of a mesh that operations are made with. */
export type OperableMesh = Pick<Mesh, "cascade" | "scatterGather" | "forecast">;

/** What is rehearsed. */
export interface RehearsalOptions {
  readonly picture: LivePicture;
  readonly seed: number;
  readonly faults: FaultProfile;
  readonly loss: Loss | undefined;
  /** How long it is used, virtual ms; 0 for once. */
  readonly forMs: number;
  /** Uses the mesh once. */
  readonly operate: (mesh: OperableMesh) => Promise<unknown>;
  /** Time from one use to the next, virtual ms. */
  readonly everyMs: number;
  readonly onProgress?: (elapsedMs: number) => void;
}

/** What would come of it. */
export interface RehearsalOutcome {
  /** How often the mesh was used. */
  readonly uses: number;
  readonly kpis: Kpis;
  readonly faults: FaultCounts;
  readonly violation: Violation | undefined;
  /** Virtual ms of use. */
  readonly elapsedMs: number;
}

/** Tries on a simulated mesh what somebody thinks of doing with the one in the picture. */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalOutcome> {
  const { picture, seed, faults, forMs, onProgress } = options;
  const { workers } = picture;
  let uses = 0;
  let elapsedMs = 0;
  const outcome = await simulate({
    topology: { ...picture.topology, classOf: Uint8Array.from(picture.classOf) },
    workers,
    seed,
    faults,
    forMs: WARM_UP_MS + forMs + OPERATION_MS,
    load: HOURLY_LOAD,
    traces: await loadTraceMix(),
    custodyBytes: custodyBytesFor(picture.rttMs.length),
    live: picture,
    use: async (mesh) => {
      makeAlike(mesh, picture);
      await mesh.pause(WARM_UP_MS);
      const beginMs = mesh.elapsedMs();
      lose(mesh, options.loss);
      for (;;) {
        await options.operate(operable(mesh));
        uses++;
        elapsedMs = mesh.elapsedMs() - beginMs;
        const nextMs = Math.ceil(elapsedMs / options.everyMs) * options.everyMs;
        if (nextMs >= forMs) return;
        await mesh.pause(nextMs - elapsedMs);
      }
    },
    ...(onProgress !== undefined && { onProgress }),
  });
  const { kpis, violation } = outcome;
  return { uses, kpis, faults: outcome.faults, violation, elapsedMs };
}

/** Whoever is away, avoided or behind an open circuit in the picture is so here. */
function makeAlike({ headquarters }: MeshInUse, { away, avoided, open }: LivePicture): void {
  const { route, guards } = headquarters;
  for (const target of away) route.avoid(target, { reason: "away" });
  for (const { target, ...options } of avoided) route.avoid(target, options);
  for (const target of open) guards.circuits.trip(target, "open in the picture");
}

function lose(mesh: MeshInUse, loss: Loss | undefined): void {
  switch (loss?.kind) {
    case undefined:
      return;
    case "worker":
      mesh.inflict({ kind: "kill-worker", thread: loss.thread, blameless: true });
      return;
    case "sector":
      mesh.inflict({
        kind: "partition",
        share: 1,
        sector: loss.sector - 1,
        ms: Number.POSITIVE_INFINITY,
      });
      return;
    default:
      loss satisfies never;
  }
}

function operable(mesh: MeshInUse): OperableMesh {
  const { entrance, orchestrator } = mesh.headquarters;
  return {
    cascade: (operation, options) => {
      mesh.goOnFor(OPERATION_MS);
      return entrance.cascade(operation, options);
    },
    scatterGather: (operation, options) => {
      mesh.goOnFor(OPERATION_MS);
      return entrance.scatterGather(operation, options);
    },
    forecast: (operation, options) => orchestrator.forecast(operation, options),
  };
}
