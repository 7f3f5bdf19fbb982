import type { Log } from "../../actors/ports.ts";
import type { BreakerSettings } from "../../coordination/breaker-tree.ts";
import type { RouteTable } from "../../coordination/routes.ts";
import type { Incident } from "../api/mesh-api.ts";
import type { MeshListeners } from "../api/mesh-listeners.ts";
import type { OperatorOptions } from "../api/mode-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { MeshCircuits } from "./circuits.ts";
import { FailureWatch } from "./failure-watch.ts";
import { MeshModes } from "./modes.ts";

/** What safeguards need of their mesh. */
export interface SafeguardPorts {
  readonly dispatcher: Dispatcher;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly listeners: MeshListeners;
  readonly onIncident: (incident: Incident) => void;
  readonly breakers: Partial<BreakerSettings>;
  readonly operators: OperatorOptions;
}

/** What keeps failures from spreading (spec part 6): breakers, operating modes, and the watch that feeds them. */
export class Safeguards {
  readonly circuits: MeshCircuits;
  readonly modes: MeshModes;
  readonly failures: FailureWatch;

  constructor({ listeners, breakers, operators, ...ports }: SafeguardPorts) {
    this.circuits = new MeshCircuits({
      ...ports,
      settings: breakers,
      onEvent: (event) => listeners.emit("circuit", event),
    });
    this.modes = new MeshModes({
      ...ports,
      operators,
      onEvent: (event) => listeners.emit("mode", event),
    });
    this.failures = new FailureWatch({ ...ports, circuits: this.circuits });
    const byName = /^worker-(\d+)$/;
    listeners.on("workerLost", ({ worker, reason }) =>
      this.failures.workerLost(Number(byName.exec(worker)?.[1]), reason),
    );
  }

  /** Looks after all of them; called about once a second while the mesh runs. */
  tick(active: number, total: number): void {
    this.modes.tick(active, total);
    this.failures.tick();
    this.circuits.tick();
  }
}
