/** `conflicts`: what agents found to contradict what they know, and what was done about it. */
import {
  CONFLICT_TYPES,
  type ConflictPriority,
  RESOLUTION_METHODS,
} from "../../coordination/conflict.ts";
import {
  CONFLICT_STATES,
  type ConflictRecord,
  type Resolution,
} from "../../coordination/conflict-entry.ts";
import type {
  ConflictFilter,
  ConflictHistory,
  Conflicts,
  RecordedConflict,
  Verification,
} from "../../runtime/api/conflict-api.ts";
import type { ConflictLog } from "../../runtime/api/conflict-log.ts";
import { briefly, type MeshCommand, meshCommand } from "../command/command.ts";
import { messageOf } from "../command/message.ts";
import { anything, choice, duration, text, wholeNumber } from "../command/values.ts";
import { readLog } from "../control/left-behind.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatDuration, formatMoment, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, facts, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "show", "resolve", "verify"] as const;
/** Longest time that can be looked back, ms. */
const TEN_YEARS_MS = 10 * 366 * 86_400_000;

type Outcome =
  | { readonly conflicts: readonly RecordedConflict[] }
  | { readonly conflict: ConflictHistory }
  | { readonly resolution: Resolution }
  | { readonly verification: Verification };

/** The part of {@link Conflicts} that needs no running mesh. */
type Readable = Pick<Conflicts, "list" | "get" | "verify">;

const COLUMNS: readonly Column[] = [
  { heading: "CONFLICT" },
  { heading: "AT" },
  { heading: "TYPE" },
  { heading: "PRIORITY", align: "right" },
  { heading: "STATE" },
  { heading: "AGENT" },
  { heading: "STRATEGY" },
  { heading: "OUTCOME" },
];

/** `conflicts [list|show ID|resolve ID|verify]`. */
export const conflictsCommand: MeshCommand = meshCommand({
  name: "conflicts",
  help: "List conflicts, show one, resolve it, or verify that their log is what was recorded.",
  details:
    "list, show and verify also read what a mesh that no longer runs left in its --data folder, or in the " +
    "store that MESH_STORE names. " +
    "Exit code 1 when the log is not what was recorded, and when a conflict is left to people.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), show or resolve with an id, or verify",
      place: "positional",
      complete: ACTIONS,
    },
    id: {
      schema: text("the id of a conflict").optional(),
      help: "a conflict",
      place: "positional",
    },
    agent: {
      schema: text("an address").optional(),
      help: "only of an agent",
      value: "address",
      complete: "address",
    },
    type: {
      schema: choice(CONFLICT_TYPES).optional(),
      help: `only of a type: ${CONFLICT_TYPES.join(", ")}`,
      value: "type",
      complete: CONFLICT_TYPES,
    },
    priority: {
      schema: wholeNumber(0, 4).optional(),
      help: "only of a priority: 0 background to 4 critical",
      value: "0-4",
    },
    state: {
      schema: choice(CONFLICT_STATES).optional(),
      help: `only in a state: ${CONFLICT_STATES.join(", ")}`,
      value: "state",
      complete: CONFLICT_STATES,
    },
    last: {
      schema: duration(1, TEN_YEARS_MS).optional(),
      help: "only of the last while, counted back from the newest that fits",
      value: "duration",
    },
    limit: {
      schema: wholeNumber(1, 1_000_000).optional(),
      help: "at most so many (default: 50)",
      value: "N",
    },
    method: {
      schema: choice(RESOLUTION_METHODS).optional(),
      help: "resolve by this strategy (default: the suggested one)",
      value: "method",
      complete: RESOLUTION_METHODS,
    },
    value: {
      schema: anything("a value").optional(),
      help: "resolve by saying which value holds: JSON, or text",
      value: "value",
    },
    outcome: {
      schema: text("a sentence").optional(),
      help: "resolve by saying what was done",
      value: "text",
    },
    by: { schema: text("a name").optional(), help: "who resolves it", value: "name" },
  },
  examples: [
    "conflicts --state review --priority 4",
    "conflicts show conflict-hogw9h0rah6a4ab1",
    "conflicts resolve conflict-hogw9h0rah6a4ab1 --outcome 'sensor replaced' --by ops",
    "conflicts verify",
  ],
  changes: ({ action }) => action === "resolve",
  touches: () => null,
  check: ({ action = "list", id, ...rest }) => {
    const needsId = action === "show" || action === "resolve";
    if (needsId !== (id !== undefined)) {
      const wrong = needsId ? `${action} needs an <id>` : `${action} takes no <id>`;
      throw new UsageError(`conflicts: ${wrong}`, "conflicts");
    }
    const { method, value, outcome, by } = rest;
    if (action !== "resolve" && (method ?? value ?? outcome ?? by) !== undefined)
      throw new UsageError(
        "conflicts: method, value, outcome and by go with resolve only",
        "conflicts",
      );
    if (method !== undefined && (value ?? outcome) !== undefined)
      throw new UsageError("conflicts: a method, or your own word, not both", "conflicts");
  },
  run: async ({ mesh }, args): Promise<Outcome> => {
    if (args.action !== "resolve") return look(mesh.conflicts, args);
    const { id, method, value, outcome, by } = args;
    return {
      resolution: await mesh.conflicts.resolve(String(id), {
        ...(method !== undefined && { method }),
        ...(value !== undefined && { value: typeof value === "string" ? messageOf(value) : value }),
        ...(outcome !== undefined && { outcome }),
        ...(by !== undefined && { by }),
      }),
    };
  },
  withoutMesh: (dataDir, args, { env }) =>
    args.action === "resolve"
      ? undefined
      : readLog(dataDir, env, (log) => look(readableOf(log), args)),
  render: renderOutcome,
  failed: (outcome) =>
    ("verification" in outcome && !outcome.verification.ok) ||
    ("resolution" in outcome && outcome.resolution.state !== "resolved"),
});

function readableOf(log: ConflictLog): Readable {
  return {
    list: (filter = {}) => log.list(filter),
    get: (conflictId) => log.get(conflictId),
    verify: () => log.verify(),
  };
}

interface Wanted {
  readonly action?: (typeof ACTIONS)[number] | undefined;
  readonly id?: string | undefined;
  readonly agent?: string | undefined;
  readonly type?: ConflictFilter["type"] | undefined;
  readonly priority?: number | undefined;
  readonly state?: ConflictFilter["state"] | undefined;
  readonly last?: number | undefined;
  readonly limit?: number | undefined;
}

async function look(conflicts: Readable, wanted: Wanted): Promise<Outcome> {
  const { action = "list", id } = wanted;
  if (action === "verify") return { verification: await conflicts.verify() };
  if (action === "list") return { conflicts: await listed(conflicts, wanted) };
  const conflict = await conflicts.get(String(id));
  if (conflict === undefined)
    throw new ConsoleError("MESH_NO_CONFLICT", `no conflict has the id ${id}`);
  return { conflict };
}

async function listed(conflicts: Readable, wanted: Wanted): Promise<readonly RecordedConflict[]> {
  const { agent, type, priority, state, last, limit = 50 } = wanted;
  const filter: ConflictFilter = {
    ...(agent !== undefined && { agent }),
    ...(type !== undefined && { type }),
    ...(priority !== undefined && { priority: priority as ConflictPriority }),
    ...(state !== undefined && { state }),
  };
  if (last === undefined) return conflicts.list({ ...filter, limit });
  // By the log's own time: whoever reads it later, or elsewhere, has another clock.
  const [newest] = await conflicts.list({ ...filter, limit: 1 });
  if (newest === undefined) return [];
  return conflicts.list({ ...filter, limit, sinceMs: newest.record.atMs - last });
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("conflicts" in outcome) {
    return table(COLUMNS, outcome.conflicts.map(cells), "no conflict fits", paint);
  }
  if ("conflict" in outcome) return renderConflict(outcome.conflict, paint);
  if ("resolution" in outcome) return renderResolution(outcome.resolution, paint);
  const { ok, entries, fault, head, elapsedMs } = outcome.verification;
  const size = `${formatNumber(entries)} entries`;
  return ok
    ? `${paint.green("the log is what was recorded")}: ${size}, head ${head.hash.slice(0, 16)}…, ` +
        `in ${formatDuration(elapsedMs)}`
    : `${paint.red("the log is NOT what was recorded")}: ${tame(fault ?? "")}; right up to there: ${size}`;
}

function cells({ record, state, resolution }: RecordedConflict): string[] {
  return [
    record.conflictId,
    formatMoment(record.atMs),
    tame(record.type),
    String(record.priority),
    state,
    record.agent,
    record.strategy.method,
    tame(resolution?.outcome ?? "–"),
  ];
}

function renderConflict(conflict: ConflictHistory, paint: Paint): string {
  const { record, state, resolutions, quarantine } = conflict;
  const lines = [facts(pairsOf(record, state), paint)];
  for (const resolution of resolutions) lines.push("", renderResolution(resolution, paint));
  for (const { atMs, state: now, by, outcome } of quarantine)
    lines.push("", `data ${now} by ${tame(by)} at ${formatMoment(atMs)}: ${tame(outcome)}`);
  return lines.join("\n");
}

function pairsOf(record: ConflictRecord, state: string): (readonly [string, string])[] {
  const { priority, dueMs, source, operationId, missing, contextHash } = record;
  const shown = (value: unknown): string => (value === undefined ? "–" : tame(briefly(value)));
  const pairs: (readonly [string, string])[] = [
    ["conflict", record.conflictId],
    ["state", state],
    ["type", tame(record.type)],
    ["priority", String(priority)],
    ["at", new Date(record.atMs).toISOString()],
    ["due", dueMs === undefined ? "when convenient" : new Date(dueMs).toISOString()],
    ["agent", record.agent],
    ["message", `${tame(record.messageId)} (${record.via})`],
    ["from", source ?? "outside"],
    ["caused by", tame(record.causationId)],
    ["lamport", String(record.lamport)],
    ["expected", shown(record.expected)],
    ["received", shown(record.received)],
    ["strategy", `${record.strategy.method}\n${record.strategy.steps.join("\n")}`],
  ];
  if (operationId !== undefined) pairs.push(["operation", tame(operationId)]);
  if (contextHash !== undefined) pairs.push(["context", shown(contextHash)]);
  if (missing !== undefined) pairs.push(["missing", tame(missing)]);
  return pairs;
}

function renderResolution(resolution: Resolution, paint: Paint): string {
  const { state, method, by, outcome, atMs, steps } = resolution;
  const colour = state === "resolved" ? paint.green : paint.yellow;
  const lines = [
    `${colour(state)} by ${tame(by)} at ${formatMoment(atMs)}, ${method}: ${tame(outcome)}`,
  ];
  if ("value" in resolution) lines.push(`  value: ${tame(briefly(resolution.value))}`);
  for (const { step, found } of steps) lines.push(`  ${step}: ${tame(found)}`);
  return lines.join("\n");
}
