/** What was done to a mesh from its consoles, and what would take it back. */
import { MeshError } from "../../actors/errors.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { MeshCommand } from "./command.ts";

/** A command with its arguments. */
export interface Step {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** One change, and its inverse where it has one. */
export interface Deed extends Step {
  readonly inverse: Step | undefined;
}

/** Changes remembered for each mesh. */
const MOST = 100;
const deedsOfMesh = new WeakMap<Mesh, Deed[]>();

/** Remembers a change that was made; the oldest is forgotten first. */
export function remember(
  mesh: Mesh,
  command: MeshCommand,
  args: Readonly<Record<string, unknown>>,
  data: unknown,
): void {
  // What `undo` did is no further deed: the next one takes back the change before.
  if (command.name === "undo") return;
  if (!command.changesWith({ ...args }) || !command.changed(data)) return;
  const deeds = deedsOfMesh.get(mesh) ?? [];
  deedsOfMesh.set(mesh, deeds);
  deeds.push({ command: command.name, args, inverse: command.inverse({ ...args }, data) });
  if (deeds.length > MOST) deeds.shift();
}

/**
 * The last change, which is forgotten: what takes it back is the caller's to run. Throws when there is none, or when it
 * cannot be taken back; then it stays, so that the one before it is not undone by mistake.
 */
export function takeBack(mesh: Mesh): {
  readonly deed: Deed;
  readonly inverse: Step;
  readonly putBack: () => void;
} {
  const deeds = deedsOfMesh.get(mesh) ?? [];
  const deed = deeds.at(-1);
  if (deed === undefined)
    throw new MeshError(
      "CONSOLE_NOTHING_DONE",
      "nothing has been changed from a console of this mesh",
    );
  if (deed.inverse === undefined)
    throw new MeshError("CONSOLE_NO_INVERSE", `undo: ${deed.command} cannot be taken back`);
  deeds.pop();
  return { deed, inverse: deed.inverse, putBack: () => deeds.push(deed) };
}
