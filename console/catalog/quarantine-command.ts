/** `quarantine`: conflicting data that is kept from the mesh until somebody decides. */
import type { QuarantinedData, QuarantinedItem, Release } from "../../runtime/api/conflict-api.ts";
import { briefly, type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text, wholeNumber } from "../command/values.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatBytes, formatMoment } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, facts, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "show", "release", "discard"] as const;
const RECEIVERS = ["agent", "caller"] as const;

type Outcome =
  | { readonly held: readonly QuarantinedItem[] }
  | { readonly data: QuarantinedData }
  | { readonly released: Release }
  | { readonly discarded: string; readonly wasHeld: boolean };

const COLUMNS: readonly Column[] = [
  { heading: "CONFLICT" },
  { heading: "SINCE" },
  { heading: "SIZE", align: "right" },
];

/** `quarantine [list|show ID|release ID|discard ID]`. */
export const quarantineCommand: MeshCommand = meshCommand({
  name: "quarantine",
  help: "List conflicting data that is held, show it, let it go or throw it away.",
  details:
    "release tells the message to its agent again, or prints the data (--to caller). Exit code 1 " +
    "when the agent refuses it, and when there was nothing to discard.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), show, release or discard with an id",
      place: "positional",
      complete: ACTIONS,
    },
    id: {
      schema: text("the id of a conflict").optional(),
      help: "a conflict",
      place: "positional",
    },
    to: {
      schema: choice(RECEIVERS).optional(),
      help: "who gets what is released (default: the agent, when it is its message)",
      value: "agent|caller",
      complete: RECEIVERS,
    },
    reason: { schema: text("a reason").optional(), help: "why it is discarded", value: "text" },
    by: { schema: text("a name").optional(), help: "who decides", value: "name" },
    limit: {
      schema: wholeNumber(1, 1_000_000).optional(),
      help: "at most so many (default: 50)",
      value: "N",
    },
  },
  examples: ["quarantine", "quarantine release conflict-hogw9h0rah6a4ab1 --to caller"],
  changes: ({ action }) => action === "release" || action === "discard",
  destroys: ({ action }) => action === "discard",
  touches: () => null,
  check: ({ action = "list", id, to, reason }) => {
    if ((action === "list") === (id !== undefined)) {
      const wrong = action === "list" ? "list takes no <id>" : `${action} needs an <id>`;
      throw new UsageError(`quarantine: ${wrong}`, "quarantine");
    }
    if (to !== undefined && action !== "release")
      throw new UsageError("quarantine: --to goes with release only", "quarantine");
    if (reason !== undefined && action !== "discard")
      throw new UsageError("quarantine: a reason goes with discard only", "quarantine");
  },
  run: async (
    { mesh },
    { action = "list", id = "", to, reason, by, limit = 50 },
  ): Promise<Outcome> => {
    const { quarantine } = mesh;
    const who = by === undefined ? {} : { by };
    switch (action) {
      case "list":
        return { held: await quarantine.list(limit) };
      case "show": {
        const data = await quarantine.show(id);
        if (data === undefined)
          throw new ConsoleError("MESH_NOT_QUARANTINED", `nothing is held of ${id}`);
        return { data };
      }
      case "release":
        return {
          released: await quarantine.release(id, { ...who, ...(to !== undefined && { to }) }),
        };
      case "discard": {
        const how = { ...who, ...(reason !== undefined && { reason }) };
        return { discarded: id, wasHeld: await quarantine.discard(id, how) };
      }
    }
  },
  render: renderOutcome,
  failed: (outcome) =>
    ("released" in outcome && outcome.released.delivery === "refused") ||
    ("discarded" in outcome && !outcome.wasHeld),
});

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("held" in outcome) {
    const rows = outcome.held.map(({ conflictId, atMs, bytes }) => [
      conflictId,
      formatMoment(atMs),
      formatBytes(bytes),
    ]);
    return table(COLUMNS, rows, "nothing is held", paint);
  }
  if ("data" in outcome) {
    const { conflictId, atMs, bytes, agent, messageId, value } = outcome.data;
    const pairs: (readonly [string, string])[] = [
      ["conflict", conflictId],
      ["since", formatMoment(atMs)],
      ["size", formatBytes(bytes)],
      ["agent", agent],
      ["message", tame(messageId)],
      ["value", tame(JSON.stringify(value) ?? "nothing")],
    ];
    return facts(pairs, paint);
  }
  if ("discarded" in outcome) {
    return outcome.wasHeld
      ? `${outcome.discarded}: its data is thrown away, its record stays`
      : paint.red(`nothing is held of ${outcome.discarded}`);
  }
  const { conflictId, delivery, value } = outcome.released;
  switch (delivery) {
    case "accepted":
      return `${conflictId}: ${paint.green("told to its agent again")}`;
    case "refused":
      return `${conflictId}: ${paint.red("its agent refused it")}; it stays`;
    case "handed-out":
      return tame(briefly(value));
  }
}
