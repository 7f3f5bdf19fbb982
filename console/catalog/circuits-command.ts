/** `circuits`: the breakers that keep traffic from what fails. */
import type { CircuitStatus } from "../../runtime/api/circuit-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatMoment, formatNumber } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "show", "trip", "reset"] as const;

const COLUMNS: readonly Column[] = [
  { heading: "CIRCUIT" },
  { heading: "STATE" },
  { heading: "SINCE" },
  { heading: "FAILURES", align: "right" },
  { heading: "OPENED", align: "right" },
  { heading: "NEXT" },
  { heading: "REASON" },
];

/** `circuits [list|show TARGET|trip TARGET|reset TARGET]`. */
export const circuitsCommand: MeshCommand = meshCommand({
  name: "circuits",
  help: "List the circuit breakers that are not closed, or open and close one.",
  details: "A target is the address of a cluster or a sector, or `orchestrator` for the mesh.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), show, trip or reset",
      place: "positional",
      complete: ACTIONS,
    },
    target: {
      schema: text("an address such as sector-7 or sector-7/cluster-4").optional(),
      help: "a cluster, a sector or the orchestrator",
      place: "positional",
      complete: "address",
    },
    reason: { schema: text("a reason").optional(), help: "why it is tripped", value: "text" },
  },
  examples: [
    "circuits",
    "circuits show sector-7/cluster-4",
    "circuits trip sector-7 --reason 'cooling failed'",
    "circuits reset sector-7",
  ],
  changes: ({ action }) => action === "trip" || action === "reset",
  check: ({ action = "list", target, reason }) => {
    if (action !== "list" && target === undefined)
      throw new UsageError(`circuits: ${action} needs a <target>`, "circuits");
    if (action === "list" && target !== undefined)
      throw new UsageError("circuits: list takes no target; show does", "circuits");
    if (action !== "trip" && reason !== undefined)
      throw new UsageError("circuits: a reason goes with trip only", "circuits");
  },
  run: ({ mesh }, { action = "list", target = "", reason }) => {
    switch (action) {
      case "list":
        return { circuits: mesh.circuits.list() };
      case "show":
        return { circuits: [mesh.circuits.state(target)] };
      case "trip":
        return { circuits: [mesh.circuits.trip(target, reason)] };
      case "reset":
        return { circuits: [mesh.circuits.reset(target)] };
    }
  },
  render: ({ circuits }, paint) => renderCircuits(circuits, paint),
});

function renderCircuits(circuits: readonly CircuitStatus[], paint: Paint): string {
  const rows = circuits.map((circuit) => [
    circuit.target,
    paintState(circuit.state, paint),
    formatMoment(circuit.sinceMs),
    formatNumber(circuit.failures),
    formatNumber(circuit.openings),
    circuit.dueMs === undefined ? "–" : `${nextOf(circuit)} at ${formatMoment(circuit.dueMs)}`,
    tame(circuit.reason ?? "–"),
  ]);
  return table(COLUMNS, rows, "all circuits are closed", paint);
}

function nextOf({ state }: CircuitStatus): string {
  return state === "OPEN" ? "probe" : "close";
}
