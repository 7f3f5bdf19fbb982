import type { Log } from "../../actors/ports.ts";
import type { AgentDesk } from "../api/agent-api.ts";
import type { Mesh } from "../api/mesh-api.ts";
import type { MainModule } from "./behavior-modules.ts";

/** Main's side of the agents: a desk for each module that has one, from when the mesh runs until it has stopped. */
export class AgentDesks {
  /** By module; calls that agents make before wait for it. */
  readonly opened: Promise<readonly AgentDesk[]>;
  readonly #modules: readonly MainModule[];
  readonly #options: readonly unknown[];
  readonly #log: Log;
  #desks: readonly AgentDesk[] = [];
  #open: (desks: readonly AgentDesk[]) => void = () => {};

  constructor(modules: readonly MainModule[], options: readonly unknown[], log: Log) {
    this.#log = log;
    this.#modules = modules;
    this.#options = options;
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(mesh: Mesh): void {
    this.#desks = this.#modules.map(
      ({ module, shared }, place) =>
        module.attend?.(mesh, this.#options[place], { shared, log: this.#log }) ?? {},
    );
    this.#open(this.#desks);
  }

  async close(): Promise<void> {
    await Promise.all(this.#desks.map((desk) => desk.close?.()));
  }
}
