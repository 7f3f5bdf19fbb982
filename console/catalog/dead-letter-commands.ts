/** `dead-letters`: what could not be delivered, why, and a second try. */

import type { DeadLetter, DeadLetters } from "../../runtime/api/mesh-api.ts";
import { DEAD_LETTER_REASONS } from "../../runtime/dispatch/dead-letter-code.ts";
import { briefly, type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text, wholeNumber } from "../command/values.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatDuration, formatMoment, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "summary", "replay"] as const;

type Outcome =
  | { readonly letters: readonly DeadLetter[] }
  | { readonly summary: ReturnType<DeadLetters["summary"]> }
  | { readonly replayed: number; readonly accepted: boolean };

const COLUMNS: readonly Column[] = [
  { heading: "ID", align: "right" },
  { heading: "AT" },
  { heading: "REASON" },
  { heading: "TARGET" },
  { heading: "FROM" },
  { heading: "PRIORITY", align: "right" },
  { heading: "MESSAGE" },
];

/** `dead-letters [list|summary|replay ID]`. */
export const deadLettersCommand: MeshCommand = meshCommand({
  name: "dead-letters",
  help: "List messages that could not be delivered, count them, or send one again.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), summary, or replay with an id",
      place: "positional",
      complete: ACTIONS,
    },
    id: {
      schema: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      help: "the dead letter to replay",
      place: "positional",
    },
    reason: {
      schema: choice(DEAD_LETTER_REASONS).optional(),
      help: `only for a reason: ${DEAD_LETTER_REASONS.join(", ")}`,
      value: "reason",
      complete: DEAD_LETTER_REASONS,
    },
    target: {
      schema: text("an address").optional(),
      help: "only to an address",
      value: "address",
      complete: "address",
    },
    limit: {
      schema: wholeNumber(1, 1_000_000).optional(),
      help: "at most so many (default: 50)",
      value: "N",
    },
  },
  examples: ["dead-letters", "dead-letters summary", "dead-letters replay 17"],
  changes: ({ action }) => action === "replay",
  touches: () => null,
  check: ({ action, id }) => {
    if (action === "replay" && id === undefined) {
      throw new UsageError("dead-letters: replay needs an <id>", "dead-letters", "id");
    }
    if (action !== "replay" && id !== undefined) {
      throw new UsageError("dead-letters: an id goes with replay only", "dead-letters", "id");
    }
  },
  run: async ({ mesh }, { action, id, reason, target, limit }): Promise<Outcome> => {
    if (id !== undefined) return { replayed: id, accepted: await replay(mesh.deadLetters, id) };
    if (action === "summary") return { summary: mesh.deadLetters.summary() };
    return {
      letters: mesh.deadLetters.list({
        ...(reason !== undefined && { reason }),
        ...(target !== undefined && { target }),
        limit: limit ?? 50,
      }),
    };
  },
  render: renderOutcome,
  failed: (outcome) => "accepted" in outcome && !outcome.accepted,
});

async function replay(letters: DeadLetters, id: number): Promise<boolean> {
  const known = letters.list({ limit: Number.MAX_SAFE_INTEGER }).some((letter) => letter.id === id);
  if (!known) throw new ConsoleError("CONSOLE_NO_LETTER", `no dead letter has the id ${id}`);
  return letters.replay(id);
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("letters" in outcome) {
    const rows = outcome.letters.map(letterCells);
    return table(COLUMNS, rows, "no dead letters", paint);
  }
  if ("summary" in outcome) return renderSummary(outcome.summary, paint);
  return outcome.accepted
    ? `dead letter ${outcome.replayed}: ${paint.green("accepted")}`
    : `dead letter ${outcome.replayed}: ${paint.red("refused again")}; it stays in the list`;
}

function letterCells(letter: DeadLetter): string[] {
  return [
    String(letter.id),
    formatMoment(letter.atMs),
    letter.reason,
    letter.target,
    letter.sender ?? "outside",
    String(letter.priority),
    letter.message === undefined ? "–" : tame(briefly(letter.message)),
  ];
}

function renderSummary(summary: ReturnType<DeadLetters["summary"]>, paint: Paint): string {
  const columns: Column[] = [
    { heading: "REASON" },
    { heading: "SINCE START", align: "right" },
    { heading: `LAST ${formatDuration(summary.windowMs)}`, align: "right" },
  ];
  const rows = DEAD_LETTER_REASONS.map((reason) => [
    reason,
    formatNumber(summary.total[reason] ?? 0),
    formatNumber(summary.window[reason] ?? 0),
  ]);
  return table(columns, rows, "", paint);
}
