// Circuits and modes of a mesh without agents, for tests of the console.
import { MODES, type OperatingMode, rankOf } from "../coordination/operating-mode.ts";
import type { CircuitStatus, Circuits } from "../runtime/api/circuit-api.ts";
import type { ModeStatus, Modes } from "../runtime/api/mode-api.ts";
import type { Threat, Threats } from "../runtime/api/threat-api.ts";

const SINCE_MS = 1_700_000_000_000;

/** All closed until one is tripped. `find` throws when the mesh has no such agent. */
export function fakeCircuits(find: (agent: string) => unknown): Circuits {
  const tripped = new Map<string, CircuitStatus>();
  const state = (target: string): CircuitStatus => {
    find(target.replace(/^(sector-\d+).*$/, "$1/cluster-1/agent-1"));
    const known = tripped.get(target);
    if (known !== undefined) return known;
    return { level: "cluster", target, state: "CLOSED", sinceMs: 0, failures: 0, openings: 0 };
  };
  return {
    list: () => [...tripped.values()],
    state,
    trip: (target, reason = "tripped by the operator") => {
      const times = { sinceMs: SINCE_MS, dueMs: SINCE_MS + 30_000 };
      const counts = { openings: 1, failures: 6 };
      const circuit: CircuitStatus = {
        ...state(target),
        ...times,
        ...counts,
        state: "OPEN",
        reason,
      };
      tripped.set(target, circuit);
      return circuit;
    },
    reset: (target) => {
      tripped.delete(target);
      return state(target);
    },
  };
}

/** FULL until it is set. */
export function fakeModes(): Modes {
  let mode: OperatingMode = "FULL";
  const status = (): ModeStatus => {
    const rank = rankOf(mode);
    return {
      mode,
      description: MODES[rank].description,
      restrictions: MODES.slice(0, rank + 1).flatMap(({ restrictions }) => restrictions),
      sinceMs: SINCE_MS,
      activeRate: 0.975,
      forced: mode !== "FULL",
      queued: 3,
    };
  };
  const become = (next: OperatingMode): ModeStatus => {
    mode = next;
    return status();
  };
  return { status, set: become, auto: () => become("FULL") };
}

/** One that is open: a name too bold was suspended. Watches nobody. */
export function fakeThreats(): Threats {
  const found: Threat = {
    id: "threat-1",
    kind: "orchestrator_compromise",
    subject: "mallory (http 10.0.0.9)",
    rule: "kills",
    detectedMs: SINCE_MS,
    answeredMs: SINCE_MS + 40,
    evidence: ["kills: 13 kills, and more than 12 are not usual; last: kill worker-1"],
    responses: ["mallory is suspended", "the mesh is frozen"],
    state: "open",
  };
  let threat = found;
  return {
    status: () => ({
      open: threat.state === "open" ? 1 : 0,
      found: {
        rogue_agent: 0,
        cluster_compromise: 0,
        sector_compromise: 0,
        orchestrator_compromise: 1,
        denial_of_service: 0,
        timing_attack: 0,
      },
      weightsLocked: false,
      held: threat.state === "open",
      suspended: threat.state === "open" ? ["mallory"] : [],
    }),
    list: () => [threat],
    show: (id) => (id === threat.id ? threat : undefined),
    lift: (_id, { by, reason }) => {
      threat = { ...found, state: "lifted", liftedMs: SINCE_MS + 60_000, liftedBy: by };
      if (reason !== undefined) threat = { ...threat, reason };
      return threat;
    },
    act() {},
    sign() {},
    enrol() {},
  };
}
