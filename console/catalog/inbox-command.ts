/** `inbox`: what waits for a person's word. */
import type { InboxItem } from "../../runtime/api/conflict-api.ts";
import { briefly, type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, flag, text } from "../command/values.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatMoment } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, facts, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "show", "approve", "deny", "comment"] as const;

type Outcome = { readonly items: readonly InboxItem[] } | { readonly item: InboxItem };

const COLUMNS: readonly Column[] = [
  { heading: "ITEM" },
  { heading: "KIND" },
  { heading: "STATE" },
  { heading: "SINCE" },
  { heading: "DEADLINE" },
  { heading: "TEXT" },
];

/** `inbox [list|show ID|approve ID|deny ID|comment ID TEXT]`. */
export const inboxCommand: MeshCommand = meshCommand({
  name: "inbox",
  help: "List what waits for a person, show it, approve or deny it, comment on it.",
  details: "Nothing in the mesh stands still for it: who asked goes on when there is an answer.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), or show, approve, deny or comment with an id",
      place: "positional",
      complete: ACTIONS,
    },
    id: { schema: text("the id of an item").optional(), help: "an item", place: "positional" },
    comment: {
      schema: text("a comment").optional(),
      help: "why it is decided so, or what is to be said of it",
      value: "text",
    },
    by: { schema: text("a name").optional(), help: "who speaks", value: "name" },
    all: { schema: flag().optional(), help: "list the decided ones too" },
  },
  examples: [
    "inbox",
    "inbox approve review-conflict-hogw9h0rah6a4ab1 --by anna --comment 'seen on site'",
  ],
  changes: ({ action = "list" }) => action !== "list" && action !== "show",
  touches: () => null,
  check: ({ action = "list", id, comment, all }) => {
    if ((action === "list") === (id !== undefined)) {
      const wrong = action === "list" ? "list takes no <id>" : `${action} needs an <id>`;
      throw new UsageError(`inbox: ${wrong}`, "inbox");
    }
    if (action === "comment" && comment === undefined)
      throw new UsageError("inbox: comment needs --comment", "inbox");
    if (comment !== undefined && (action === "list" || action === "show"))
      throw new UsageError(`inbox: ${action} takes no comment`, "inbox");
    if (all === true && action !== "list")
      throw new UsageError("inbox: --all goes with list only", "inbox");
  },
  run: async ({ mesh }, { action = "list", id = "", comment, by, all }): Promise<Outcome> => {
    const { inbox } = mesh;
    const who = by === undefined ? {} : { by };
    const word = { ...who, ...(comment !== undefined && { comment }) };
    switch (action) {
      case "list":
        return { items: await inbox.list({ all: all === true }) };
      case "approve":
        return { item: await inbox.approve(id, word) };
      case "deny":
        return { item: await inbox.deny(id, word) };
      case "comment":
        return { item: await inbox.comment(id, String(comment), who) };
      case "show": {
        const item = await inbox.show(id);
        if (item === undefined) throw new ConsoleError("MESH_NO_ITEM", `the inbox has no ${id}`);
        return { item };
      }
    }
  },
  render: renderOutcome,
});

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("items" in outcome) {
    const rows = outcome.items.map((item) => [
      item.itemId,
      tame(item.kind),
      item.state,
      formatMoment(item.openedMs),
      deadlineOf(item),
      tame(item.text),
    ]);
    return table(COLUMNS, rows, "nobody is waited for", paint);
  }
  const { item } = outcome;
  const pairs: (readonly [string, string])[] = [
    ["item", item.itemId],
    ["kind", tame(item.kind)],
    [
      "state",
      item.decidedBy === undefined ? item.state : `${item.state} by ${tame(item.decidedBy)}`,
    ],
    ["since", new Date(item.openedMs).toISOString()],
    ["deadline", deadlineOf(item)],
    ["text", tame(item.text)],
    ["about", tame(briefly(item.about))],
  ];
  for (const { atMs, by, text: said } of item.comments)
    pairs.push(["comment", `${formatMoment(atMs)} ${tame(by)}: ${tame(said)}`]);
  return facts(pairs, paint);
}

function deadlineOf({ deadlineMs, overdue }: InboxItem): string {
  if (deadlineMs === undefined) return "–";
  return overdue ? `${formatMoment(deadlineMs)} overdue` : formatMoment(deadlineMs);
}
