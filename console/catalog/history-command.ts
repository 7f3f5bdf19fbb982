/** `history`: how operations went, of all nodes that share a store. */
import type { RecordedOperation } from "../../runtime/api/trace-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { wholeNumber } from "../command/values.ts";
import { readLog } from "../control/left-behind.ts";
import { formatDuration, formatMoment, formatNumber } from "../terminal/format.ts";
import { type Column, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const MOST = 10_000;
const DEFAULT = 50;
const COLUMNS: readonly Column[] = [
  { heading: "ENDED" },
  { heading: "OPERATION" },
  { heading: "VERB" },
  { heading: "STRATEGY" },
  { heading: "TOOK", align: "right" },
  { heading: "READY", align: "right" },
  { heading: "OF", align: "right" },
  { heading: "END" },
  { heading: "NODE" },
];

/** What `history --json` prints. */
interface Outcome {
  readonly operations: readonly RecordedOperation[];
}

/** `history [--limit N]`. */
export const historyCommand: MeshCommand = meshCommand({
  name: "history",
  help: "Tell how operations went, newest first.",
  details:
    "With a --store all that have ended, of every node that shares it, also before this process began; NODE names " +
    "another one. Without, the last 60 of this mesh. Where no mesh runs, those of the store that " +
    "MESH_STORE names. trace tells the way of one that this mesh remembers.",
  parameters: {
    limit: {
      schema: wholeNumber(1, MOST).optional(),
      help: "at most so many (default: 50)",
      value: "N",
    },
  },
  examples: ["history", "history --limit 500 --json"],
  changes: false,
  run: async ({ mesh }, { limit }): Promise<Outcome> => ({
    operations: await mesh.traces.history(limit),
  }),
  withoutMesh: (dataDir, { limit = DEFAULT }, { env }) =>
    readLog(dataDir, env, async (log) => ({ operations: await log.operations(limit) })),
  render: ({ operations }, paint) =>
    table(COLUMNS, operations.map(cells), "no operation has ended", paint),
});

function cells(one: RecordedOperation): string[] {
  return [
    formatMoment(one.endedMs),
    tame(one.operationId),
    one.verb,
    one.strategy,
    formatDuration(one.endedMs - one.createdMs),
    formatNumber(one.ready),
    formatNumber(one.selected),
    one.end,
    tame(one.elsewhere ?? "–"),
  ];
}
