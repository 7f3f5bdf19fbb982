import type { Log } from "../../actors/ports.ts";
import type { BreakerSettings } from "../../coordination/breaker-tree.ts";
import type { RouteTable } from "../../coordination/routes.ts";
import type { Incident } from "../api/incident-api.ts";
import type { MeshListeners } from "../api/mesh-listeners.ts";
import type { OperatorOptions } from "../api/mode-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardIncident } from "../dispatch/failures.ts";
import type { Later } from "../machine/later.ts";
import { MeshCircuits } from "./circuits.ts";
import { FailureWatch } from "./failure-watch.ts";
import { MeshModes } from "./modes.ts";
import { ThreatDesk, type Traffic } from "./threat-desk.ts";

/** What safeguards need of their mesh. */
export interface SafeguardPorts {
  readonly dispatcher: Dispatcher;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly listeners: MeshListeners;
  readonly onIncident: (incident: Incident) => void;
  readonly breakers: Partial<BreakerSettings>;
  readonly operators: OperatorOptions;
  readonly later: Later;
  /** Freezes the whole mesh, for a threat. */
  readonly freeze: () => Promise<unknown>;
  readonly standsStill: () => boolean;
  readonly isRunning: () => boolean;
}

const NO_TRAFFIC: Traffic = Object.freeze({ sent: 0, shed: 0, dropped: 0 });

/** What keeps failures from spreading (spec part 6): breakers, operating modes, and the watch that feeds them. */
export class Safeguards {
  readonly circuits: MeshCircuits;
  readonly modes: MeshModes;
  readonly failures: FailureWatch;
  readonly threats: ThreatDesk;

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
    this.threats = new ThreatDesk({
      ...ports,
      circuits: this.circuits,
      onThreat: (threat) => listeners.emit("threat", threat),
    });
    const byName = /^worker-(\d+)$/;
    listeners.on("workerLost", ({ worker, reason }) =>
      this.failures.workerLost(Number(byName.exec(worker)?.[1]), reason),
    );
  }

  /** A shard's incident: of what class it is, and whether somebody attacks. Returns what is listed. */
  take(incident: ShardIncident): Incident {
    const listed = this.failures.take(incident);
    this.threats.noticed(incident);
    return listed;
  }

  /** Looks after all of them; called about once a second while the mesh runs. */
  tick(active: number, total: number, traffic: Traffic = NO_TRAFFIC): void {
    this.modes.tick(active, total);
    this.failures.tick();
    this.circuits.tick();
    this.threats.tick(traffic);
  }
}
