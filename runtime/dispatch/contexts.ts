import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * The contexts that this thread's agents have loaded (spec 6.1 CONTEXT_CORRUPTION): hashed when an agent is first
 * ready, and looked at again at each heartbeat and each start. Whose hash differs is loaded anew by `init`; should it
 * differ then too, what it is loaded from is not what it was, and the agent is quarantined.
 */
export class Contexts {
  readonly #dispatcher: Dispatcher;
  /** Loaded again, and not yet found whole. */
  readonly #reloading = new Set<number>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Whether the context of an agent is the one that it first had; of one without a context it is. If not, the agent
   * has been started again or quarantined when this returns.
   */
  isWhole(cell: AgentCell): boolean {
    if (cell.behavior.context === undefined) return true;
    const { registry } = this.#dispatcher.view;
    const hash = this.#hashOf(cell);
    const known = registry.contextHash[cell.self];
    if (known === 0) registry.contextHash[cell.self] = hash;
    if (known === 0 || known === hash) {
      this.#reloading.delete(cell.self);
      return true;
    }
    this.#mend(cell.self, known, hash);
    return false;
  }

  /** An operator starts the agent again: whatever it loads now is what it is to have. */
  forget(agent: number): void {
    this.#dispatcher.view.registry.contextHash[agent] = 0;
    this.#reloading.delete(agent);
  }

  #mend(agent: number, known: number, hash: number): void {
    const { agents } = this.#dispatcher;
    const what = `the hash of its context is ${hexOf(hash)}, expected ${hexOf(known)}`;
    if (this.#reloading.delete(agent)) {
      const text = `${what}, after it was loaded again too`;
      agents.failures.quarantine(agent, text, "CONTEXT_CORRUPTION");
      return;
    }
    this.#reloading.add(agent);
    agents.failures.found(agent, what, "reload", "CONTEXT_CORRUPTION", true);
    agents.restart(agent);
  }

  /** FNV-1a over the encoded context; never 0, which is none. A context that cannot be encoded is no context. */
  #hashOf(cell: AgentCell): number {
    const { codec } = this.#dispatcher;
    const length = codec.encode(cell.behavior.context?.(cell.state));
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ codec.bytes[i], 0x01000193);
    return hash >>> 0 || 1;
  }
}

function hexOf(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}
