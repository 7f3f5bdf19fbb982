/** `trace`: what brought a message about, and the way of an operation, hop by hop with the time of each. */
import type { Hop, OperationTrace, Trace } from "../../runtime/api/trace-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { text, wholeNumber } from "../command/values.ts";
import { renderOperationTrace } from "../reports/trace-page.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatMoment, formatMs } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const COLUMNS: readonly Column[] = [
  { heading: "SENT" },
  { heading: "AFTER", align: "right" },
  { heading: "FROM" },
  { heading: "TO" },
  { heading: "MESSAGE" },
];

/** Paths that may be asked for. */
const MOST_PATHS = 10_000;
const NEWEST = "last";

/** `trace TARGET`. */
export const traceCommand: MeshCommand = meshCommand({
  name: "trace",
  help: "Follow a message to where it began and what it led to, or an operation down the tree and back.",
  details:
    "Of an agent, the last message that it was sent. AFTER is the time from the sending of the message before: its " +
    "way, its wait and its turn; each thread remembers its last 16,384 sends. Of an operation, by its id or as " +
    "`last`, the slowest paths from orchestrator to sector, cluster and agent and back, each time after its " +
    "beginning: of those that are out, and of the last 60 that have ended.",
  parameters: {
    target: {
      schema: text("an address, or the id of a message or an operation"),
      help: "an agent, a message such as sector-1/cluster-1/agent-1#4711, an operation's id, or last",
      place: "positional",
      complete: "address",
    },
    limit: {
      schema: wholeNumber(1, MOST_PATHS).optional(),
      help: "of an operation: how many paths, the slowest first (default: 20)",
      value: "N",
    },
    within: {
      schema: text("the address of a sector, a cluster or an agent").optional(),
      help: "of an operation: only paths to agents of a sector, a cluster, or one of them",
      value: "address",
      complete: "address",
    },
  },
  examples: [
    "trace sector-7/cluster-4/agent-12",
    "trace sector-7/cluster-4/agent-12#4711",
    "trace last --limit 5",
    "trace last --within sector-7/cluster-4 --json",
  ],
  changes: false,
  check: ({ target, limit, within }) => {
    const misplaced = limit === undefined ? within && "within" : "limit";
    if (isOperation(target) || misplaced === undefined) return;
    const expected = "expected the id of an operation with it, or last";
    throw new UsageError(`trace: ${misplaced}: ${expected}, got ${target}`, "trace", misplaced);
  },
  run: ({ mesh }, { target, limit, within }): Trace | OperationTrace => {
    if (!isOperation(target)) return mesh.traces.of(target);
    return mesh.traces.operation(target, {
      ...(limit !== undefined && { limit }),
      ...(within !== undefined && { within }),
    });
  },
  render: (trace, paint) =>
    "paths" in trace ? renderOperationTrace(trace, paint) : renderTrace(trace, paint),
});

/** An id of an operation has its moment, its mesh and its number; an address has no two dashes in a row of words. */
function isOperation(target: string): boolean {
  return target === NEWEST || /^[0-9a-z]+-[0-9a-z]+-\d+$/.test(target);
}

function renderTrace({ hops, effects, reachedOrigin, elapsedMs }: Trace, paint: Paint): string {
  const lines = [
    ...(reachedOrigin ? [] : [paint.yellow("what came before is forgotten")]),
    table(COLUMNS, hops.map(cellsOf), "nothing is remembered", paint),
    paint.dim(`${formatMs(elapsedMs)} from the first to the last`),
  ];
  if (effects.length > 0)
    lines.push(paint.bold("It led to"), table(COLUMNS, effects.map(cellsOf), "", paint));
  return lines.join("\n");
}

function cellsOf({ messageId, from, to, sentMs, afterMs }: Hop): string[] {
  return [formatMoment(Math.round(sentMs)), formatMs(afterMs), from, to, messageId];
}
