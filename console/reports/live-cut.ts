/** The cut of a running mesh, taken on the way: it stands still for the barrier and the cut, and for nothing else. */
import { MeshError } from "../../actors/errors.ts";
import type { Cut } from "../../runtime/api/cut.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";

/** A mesh at one moment, and for how long it stood still for it, ms: 0 when it was frozen anyway. */
export interface LiveCut {
  readonly cut: Cut;
  readonly stoodMs: number;
}

/**
 * Takes the cut of a mesh and lets it go on before anything is done with it; `what` is the command that wants it.
 * MeshError while a part of the mesh is frozen by itself, and when a worker does not stop in time; it goes on then too.
 */
export async function liveCut(mesh: Mesh, what: string): Promise<LiveCut> {
  const { state, frozen = [] } = mesh.status();
  if (state === "frozen") return { cut: mesh.cut(), stoodMs: 0 };
  const part = frozen[0]?.scope;
  // To go on as a whole is to go on everywhere.
  if (part !== undefined)
    throw new MeshError(
      "MESH_FROZEN",
      `${what}: ${part} is frozen by itself and would go on with the mesh: thaw it first, or freeze all`,
    );
  try {
    // Late workers are named by it.
    await mesh.freeze("all", { file: false });
    const cut = mesh.cut();
    return { cut, stoodMs: (await mesh.thaw()).stoodMs };
  } catch (error) {
    if (mesh.status().state === "frozen") await mesh.thaw();
    throw error;
  }
}
