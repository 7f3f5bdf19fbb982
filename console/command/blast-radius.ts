/** What a command would touch, told before it is done: `--dry-run`, and the question that plain words end in. */
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";

/** What `--dry-run` prints. */
export interface BlastRadius {
  readonly dryRun: true;
  readonly command: string;
  /** Agents that it would reach, of all in the mesh. */
  readonly agents: { readonly touched: number; readonly total: number };
  /** Some of them. */
  readonly examples: readonly string[];
  /** Messages that are in flight in the mesh, which a change may meet. */
  readonly inFlight: number;
  /** What a person has to know besides. */
  readonly notes: readonly string[];
}

/** The arguments that say whom a command is about, the most telling first. */
const WHOM = ["address", "target", "scope", "select", "capability", "to", "within"] as const;
const EXAMPLES = 3;

/** Whom the arguments name; all agents when they name nobody. */
export function whomOf(args: Readonly<Record<string, unknown>>): string {
  for (const name of WHOM) {
    const value = args[name];
    if (typeof value === "string" && value !== "best_available" && value !== "auto") return value;
  }
  return "all";
}

/** Reads shared memory only. `touched` null means a record or a setting, and no agent. */
export function blastRadius(
  mesh: Mesh,
  command: string,
  whom: string | readonly string[] | null,
  notes: readonly string[] = [],
): BlastRadius {
  const status = mesh.status();
  const total = status.agents.total;
  const inFlight = status.messages.inFlight;
  if (whom === null)
    return { dryRun: true, command, agents: { touched: 0, total }, examples: [], inFlight, notes };
  const worker = status.workers.find(({ name }) => name === whom);
  if (worker !== undefined)
    return {
      dryRun: true,
      command,
      agents: { touched: worker.agents, total },
      examples: [worker.name],
      inFlight,
      notes,
    };
  const refs = [whom].flat().flatMap((selection) => mesh.select(selection));
  return {
    dryRun: true,
    command,
    agents: { touched: refs.length, total },
    examples: refs.slice(0, EXAMPLES).map((ref) => mesh.address(ref)),
    inFlight,
    notes,
  };
}

/** In one or two lines. */
export function renderBlastRadius(radius: BlastRadius, paint: Paint): string {
  const { touched, total } = radius.agents;
  const some = radius.examples.join(", ");
  const more = touched > radius.examples.length ? ", …" : "";
  const whom =
    touched === 0
      ? "touches no agent"
      : `touches ${paint.yellow(formatNumber(touched))} of ${formatNumber(total)} agents (${some}${more})`;
  const flight = `${formatNumber(radius.inFlight)} ${radius.inFlight === 1 ? "message" : "messages"} in flight`;
  return [`${radius.command}: ${whom}; ${flight}`, ...radius.notes].join("\n");
}

/** Whether data of a command is that of its dry run. */
export function isBlastRadius(data: unknown): data is BlastRadius {
  return (
    typeof data === "object" && data !== null && (data as { dryRun?: unknown }).dryRun === true
  );
}
