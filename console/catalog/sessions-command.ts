/** `sessions`: who is logged in to the dashboard, and ending it. */
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, flag, text } from "../command/values.ts";
import { endMsOf, type LoginSession } from "../operator/login-sessions.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatDuration } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";
import { gateOf } from "./operators-command.ts";

const ACTIONS = ["list", "kill"] as const;
type Action = (typeof ACTIONS)[number];

const COLUMNS: readonly Column[] = [
  { heading: "SESSION" },
  { heading: "WHO" },
  { heading: "ROLE" },
  { heading: "BY" },
  { heading: "FROM" },
  { heading: "BEGAN" },
  { heading: "ENDS IN", align: "right" },
];

interface Outcome {
  readonly action: Action;
  readonly dryRun: boolean;
  readonly atMs: number;
  /** All that are open, or those that were ended. */
  readonly sessions: readonly (LoginSession & { readonly endMs: number })[];
}

/** `sessions [list|kill ID|OPERATOR|all]`. */
export const sessionsCommand: MeshCommand = meshCommand({
  name: "sessions",
  help: "List who is logged in to the dashboard, and end sessions.",
  details:
    "A session ends 15 minutes after it was last used and 8 hours after it began, at another login of its operator, " +
    "at a logout and when it is killed: its page then sees nothing more.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default) or kill",
      place: "positional",
      complete: ACTIONS,
    },
    which: {
      schema: text("a session, an operator, or all").optional(),
      help: "a session such as s-0a1b2c3d4e5f, an operator, or all",
      place: "positional",
    },
    dryRun: { schema: flag().optional(), help: "show which would be ended, and end none" },
  },
  examples: ["sessions", "sessions kill s-0a1b2c3d4e5f", "sessions kill all"],
  changes: ({ action = "list", dryRun }) => action === "kill" && dryRun !== true,
  destroys: true,
  // A stolen session has to be ended at once, from wherever an admin is.
  need: ({ action, dryRun }) => (action === "kill" && dryRun !== true ? { stepUp: false } : {}),
  check: ({ action = "list", which }) => {
    if ((action === "kill") === (which !== undefined)) return;
    const wrong =
      action === "kill" ? "kill needs a session, an operator, or all" : "list takes no more";
    throw new UsageError(`sessions: ${wrong}`, "sessions", "which");
  },
  run: (session, { action = "list", which = "", dryRun = false }): Outcome => {
    const { logins, nowMs } = gateOf(session, "sessions");
    const open = logins.sessions.list(nowMs());
    const isMeant = ({ id, who }: LoginSession): boolean =>
      which === "all" || which === id || which === who;
    const meant = action === "list" ? open : open.filter(isMeant);
    if (action === "kill" && meant.length === 0 && which !== "all")
      throw new ConsoleError(
        "MESH_NO_SESSION",
        `sessions: no session is open for ${JSON.stringify(which)}`,
      );
    if (action === "kill" && !dryRun) logins.sessions.kill(which, nowMs());
    const sessions = meant.map((each) => ({ ...each, endMs: endMsOf(each) }));
    return { action, dryRun, atMs: nowMs(), sessions };
  },
  render: renderOutcome,
});

function renderOutcome({ action, dryRun, sessions, atMs }: Outcome, paint: Paint): string {
  const rows = sessions.map(({ id, who, role, way, from, beganMs, endMs }) => [
    id,
    who,
    way === "break-glass" ? "observe, freeze" : role,
    way,
    from,
    new Date(beganMs).toISOString(),
    formatDuration(Math.max(0, endMs - atMs)),
  ]);
  const page = table(COLUMNS, rows, "nobody is logged in", paint);
  if (action === "list") return page;
  return `${page}\n${dryRun ? "would be ended; nothing was done" : paint.red("ended")}`;
}
