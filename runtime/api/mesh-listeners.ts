import { Listeners } from "./listeners.ts";
import type { MeshEvents } from "./mesh-api.ts";

/** Who listens to the events of a mesh. */
export class MeshListeners extends Listeners<MeshEvents> {}
