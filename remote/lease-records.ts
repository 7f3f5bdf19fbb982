/**
 * What nodes write about themselves and about sectors into the bucket that they share. Every write names the
 * revision that it replaces, so that of two who write at once one fails: there is no other agreement between nodes.
 *
 *   node.NAME    { incarnation, beat, state }     written by that node while it lives, by others to declare it dead
 *   sector.N     { node, incarnation, epoch }     who runs the sector; the epoch rises with each change of hands
 *   orchestrator { node, incarnation, epoch }     the same of the orchestrator's role
 */

/** Word of a node about itself. `dead` is another's, or its own last. */
export interface NodeRecord {
  readonly incarnation: string;
  readonly beat: number;
  readonly state: "alive" | "draining" | "dead";
}

/** Who holds a post. Without a node it was given up in good order. */
export interface PostRecord {
  readonly node?: string;
  readonly incarnation?: string;
  /** From 1, and higher with every holder: what is said under a lower one no longer counts. */
  readonly epoch: number;
}

/** A write that holds only where the key still has `revision`; 0 where there is none yet. */
export interface LeaseWrite {
  readonly key: string;
  readonly value: NodeRecord | PostRecord;
  readonly revision: number;
}

/** What became of a write. `unknown`: no answer came, it may or may not hold. */
export type LeaseWritten =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly why: "conflict" | "unknown" };

/** The post of the orchestrator's role; sectors are posts 0, 1, … of their own. */
export const ORCHESTRATOR = "orchestrator";

const NODE = "node.";
const SECTOR = "sector.";

export function nodeKey(name: string): string {
  return NODE + name;
}

/** The name of the node that a key is about; undefined for any other key. */
export function nodeOf(key: string): string | undefined {
  return key.startsWith(NODE) ? key.slice(NODE.length) : undefined;
}

/** Key of a post of a mesh of so many sectors: the one after the last sector is the orchestrator's. */
export function postKey(post: number, sectors: number): string {
  return post === sectors ? ORCHESTRATOR : SECTOR + (post + 1);
}

/** The post that a key is about; −1 for any other key. */
export function postOf(key: string, sectors: number): number {
  if (key === ORCHESTRATOR) return sectors;
  if (!key.startsWith(SECTOR)) return -1;
  const sector = Number(key.slice(SECTOR.length));
  return Number.isInteger(sector) && sector >= 1 && sector <= sectors ? sector - 1 : -1;
}
