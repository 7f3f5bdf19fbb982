/** Commands about agents: inspect, agents, restart, kill. */
import { IMPEDANCE_CLASSES, type ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { AgentFilter, Inspection } from "../../runtime/api/mesh-api.ts";
import { type MeshCommand, meshCommand, type Parameter } from "../command/command.ts";
import { choice, flag, text, wholeNumber } from "../command/values.ts";
import { renderInspection } from "../reports/inspection.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatNumber } from "../terminal/format.ts";
import { type AgentRow, agentTable } from "../terminal/row.ts";

const STATES = ["active", "degraded", "offline", "quarantined"] as const;
const CLASSES = IMPEDANCE_CLASSES.map((known) => known.name);
/** `CLASS_D_GPU`, `D_GPU`, `GPU` and `D` name the same class. */
const CLASS_WORDS = CLASSES.flatMap((name) => {
  const [, letter, word] = name.split("_");
  return [name, `${letter}_${word}`, word, letter];
});

/** One address, by its place. */
export const ADDRESS: Parameter<string> = Object.freeze({
  schema: text("an address such as sector-7/cluster-4/agent-12"),
  help: "an address such as sector-7/cluster-4/agent-12",
  place: "positional",
  complete: "address",
} as const);

/** `inspect`: everything about one address. */
export const inspectCommand: MeshCommand = meshCommand({
  name: "inspect",
  help: "Show all about an agent, cluster or sector: state, current message, queue, restarts.",
  details:
    "It answers while every worker is blocked; only the agent's own state is then not to be had.",
  parameters: { address: ADDRESS },
  examples: ["inspect sector-7/cluster-4/agent-12", "inspect sector-7/cluster-4 --json"],
  changes: false,
  run: ({ mesh }, { address }): Promise<Inspection> => mesh.inspect(address),
  render: renderInspection,
});

/** `agents`: rows of the registry. */
export const agentsCommand: MeshCommand = meshCommand({
  name: "agents",
  help: "List agents with what the registry knows of them.",
  parameters: {
    class: {
      schema: choice(CLASS_WORDS).optional(),
      help: `only of a class: ${CLASSES.join(", ")}, or its letter`,
      value: "class",
      complete: CLASSES,
    },
    state: {
      schema: choice(STATES).optional(),
      help: `only in a state: ${STATES.join(", ")}`,
      value: "state",
      complete: STATES,
    },
    capability: {
      schema: text("the name of a capability").optional(),
      help: "only with a capability",
      value: "name",
    },
    within: {
      schema: text("an address such as sector-7 or sector-7/cluster-4").optional(),
      help: "only in a sector or cluster",
      value: "address",
      complete: "address",
    },
    slow: { schema: flag().optional(), help: "slowest first" },
    limit: {
      schema: wholeNumber(1, 10_000_000).optional(),
      help: "at most so many (default: 100)",
      value: "N",
    },
  },
  examples: ["agents --slow --limit 10", "agents --class gpu --state degraded --within sector-7"],
  changes: false,
  run: ({ mesh }, { class: word, state, capability, within, slow, limit }): readonly AgentRow[] => {
    const filter: AgentFilter = {
      ...(word !== undefined && { class: classOfWord(word) }),
      ...(state !== undefined && { state }),
      ...(capability !== undefined && { capability }),
      ...(within !== undefined && { within }),
      ...(slow === true && { slow }),
      limit: limit ?? 100,
    };
    return mesh.agents(filter);
  },
  render: (rows, paint) => agentTable(rows, paint),
});

/** `restart`: new state, same mailbox. */
export const restartCommand: MeshCommand = meshCommand({
  name: "restart",
  help: "Restart an agent, a cluster or a sector: new state, same mailbox.",
  parameters: { address: ADDRESS },
  examples: ["restart sector-7/cluster-4/agent-12", "restart sector-7"],
  changes: true,
  run: async ({ mesh }, { address }) => ({ address, ...(await mesh.restart(address)) }),
  render: ({ address, restarted }, paint) =>
    `${address}: ${paint.green(`${formatNumber(restarted)} ${restarted === 1 ? "agent" : "agents"} restarted`)}`,
});

/** `kill`: for seeing what the supervisors do. */
export const killCommand: MeshCommand = meshCommand({
  name: "kill",
  help: "Kill an agent, a lead, a coordinator or a worker; their supervisors decide what follows.",
  details:
    "The address of a cluster kills its lead, that of a sector its coordinator: the role alone, another takes over.",
  parameters: {
    target: {
      schema: text("an address, or a worker such as worker-1"),
      help: "an address, or a worker such as worker-1",
      place: "positional",
      complete: "worker",
    },
  },
  examples: ["kill sector-7/cluster-4/agent-12", "kill worker-1"],
  changes: true,
  destroys: true,
  run: async ({ mesh }, { target }) => {
    if (/^worker-/.test(target))
      checkWorker(
        mesh.status().workers.map(({ name }) => name),
        target,
      );
    await mesh.kill(target);
    return { killed: target };
  },
  render: ({ killed }, paint) => `${killed} ${paint.red("killed")}; its supervisor takes over`,
});

function checkWorker(names: readonly string[], target: string): void {
  if (names.includes(target)) return;
  throw new UsageError(
    `kill: target: expected one of ${names.join(", ")}, got ${JSON.stringify(target)}`,
    "kill",
    "target",
  );
}

function classOfWord(word: string): ImpedanceClass {
  const plain = word.replace(/^CLASS_/, "");
  // A letter, a word, or both: whole parts only, so that E is not the E of EDGE.
  const found = CLASSES.find((name) => {
    const [, letter, rest] = name.split("_");
    return plain === letter || plain === rest || plain === `${letter}_${rest}`;
  });
  return found ?? CLASSES[0];
}
