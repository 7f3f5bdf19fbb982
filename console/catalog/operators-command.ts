/** `operators`: who may log in, and with what. */
import {
  type CommandWatch,
  type MeshCommand,
  type MeshSession,
  meshCommand,
} from "../command/command.ts";
import { choice, flag, text } from "../command/values.ts";
import type { Gate } from "../operator/gate.ts";
import { INVITED_MS } from "../operator/logins.ts";
import { ROLES, type Role } from "../operator/role.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const ACTIONS = ["list", "invite", "remove", "break-glass", "no-break-glass"] as const;
type Action = (typeof ACTIONS)[number];

const COLUMNS: readonly Column[] = [
  { heading: "OPERATOR" },
  { heading: "ROLE" },
  { heading: "AUTHENTICATORS", align: "right" },
  { heading: "SYNCED", align: "right" },
  { heading: "SINCE" },
];

interface Listed {
  readonly name: string;
  readonly role: Role;
  readonly authenticators: number;
  /** Of these, which can be copied to other devices. */
  readonly synced: number;
  readonly sinceMs: number;
}

interface Outcome {
  readonly action: Action;
  readonly dryRun: boolean;
  readonly operators: readonly Listed[];
  readonly hasBreakGlass: boolean;
  /** Of `invite`. Whoever has it may enrol, once: it is shown here and nowhere else. */
  readonly invitation?: string;
  /** Where it is used; null while no HTTP face listens. */
  readonly url?: string | null;
  readonly untilMs?: number;
  /** Of `break-glass`: shown once, and kept nowhere in the open. */
  readonly breakGlass?: { readonly passphrase: string; readonly uri: string };
}

/** The gate of a session; ConsoleError where nobody keeps watch. */
export function gateOf({ watch }: MeshSession, command: string): Gate {
  if (watch !== undefined) return watch.gate;
  throw new ConsoleError(
    "CONSOLE_NO_GATE",
    `${command}: this mesh is not served: it keeps no operators`,
  );
}

/** `operators [list|invite NAME [--role R]|remove NAME|break-glass|no-break-glass]`. */
export const operatorsCommand: MeshCommand = meshCommand({
  name: "operators",
  help: "List, invite and remove those who may log in to the dashboard; set up break-glass.",
  details:
    "An invitation opens a page on which a security key, a phone or this computer is enrolled; it is good once, for " +
    "15 minutes. Operators log in by an assertion of it, with its own check of the person (PIN, finger, face). " +
    "`break-glass` makes a passphrase and a TOTP secret, shown once: with both, somebody without an authenticator " +
    "may look and freeze, nothing else. From the first operator on the token of the printed URL only looks " +
    "(--token-role). They are kept under operators/ of the data folder.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), invite, remove, break-glass or no-break-glass",
      place: "positional",
      complete: ACTIONS,
    },
    name: {
      schema: text("the name of an operator").optional(),
      help: "whom",
      place: "positional",
    },
    role: {
      schema: choice(ROLES).optional(),
      help: `what they may: ${ROLES.join(", ")} (default: operate)`,
      value: "role",
      complete: ROLES,
    },
    dryRun: { schema: flag().optional(), help: "show what it would do, and do nothing" },
  },
  examples: [
    "operators",
    "operators invite alice --role admin",
    "operators remove alice",
    "operators break-glass",
  ],
  changes: ({ action = "list", dryRun }) => action !== "list" && dryRun !== true,
  destroys: true,
  check: ({ action = "list", name, role }) => {
    const isNamed = action === "invite" || action === "remove";
    if (isNamed !== (name !== undefined)) {
      const wrong = isNamed ? `${action} needs a <name>` : `${action} takes no <name>`;
      throw new UsageError(`operators: ${wrong}`, "operators", "name");
    }
    if (role !== undefined && action !== "invite")
      throw new UsageError("operators: --role goes with invite only", "operators", "role");
  },
  run: async (
    session,
    { action = "list", name = "", role = "operate", dryRun = false },
  ): Promise<Outcome> => {
    const gate = gateOf(session, "operators");
    if (dryRun) return outcomeOf(gate, action, true);
    const who = (session.watch as CommandWatch).caller.who;
    switch (action) {
      case "list":
        return outcomeOf(gate, action);
      case "invite": {
        const invitation = gate.logins.invite(name, role);
        const untilMs = Math.floor(gate.nowMs()) + INVITED_MS;
        gate.access("invite", name, { role, more: { by: who } });
        const place = gate.loginOrigin;
        const url = place ? `${place}/#invitation=${invitation}` : null;
        return { ...outcomeOf(gate, action), invitation, url, untilMs };
      }
      case "remove":
        if (gate.logins.remove(name)) return outcomeOf(gate, action);
        throw new ConsoleError(
          "MESH_NO_OPERATOR",
          `operators: there is no operator ${JSON.stringify(name)}`,
        );
      case "break-glass": {
        const breakGlass = await gate.logins.breakGlass.set("break-glass");
        return { ...outcomeOf(gate, action), breakGlass };
      }
      case "no-break-glass":
        gate.logins.breakGlass.clear();
        gate.logins.sessions.kill("break-glass", gate.nowMs());
        return outcomeOf(gate, action);
      default:
        return action satisfies never;
    }
  },
  render: renderOutcome,
});

function outcomeOf(gate: Gate, action: Action, dryRun = false): Outcome {
  const { operators, breakGlass } = gate.logins;
  const listed = operators.list.map(({ name, role, authenticators }) => ({
    name,
    role,
    authenticators: authenticators.length,
    synced: authenticators.filter(({ isSynced }) => isSynced).length,
    sinceMs: Math.min(...authenticators.map(({ enrolledMs }) => enrolledMs)),
  }));
  return { action, dryRun, operators: listed, hasBreakGlass: breakGlass.isSet };
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  const { action, dryRun, operators, hasBreakGlass, invitation, url, breakGlass } = outcome;
  if (dryRun && action !== "list") return `Would ${action}; nothing was done`;
  if (invitation !== undefined) {
    const how = url ? `Open ${paint.bold(url)}` : `Its word is ${paint.bold(invitation)}`;
    return `${how}\ngood once, for ${INVITED_MS / 60_000} minutes; whoever has it can enrol`;
  }
  if (breakGlass !== undefined) {
    return [
      paint.bold("Write this down and lock it away: it is not shown again."),
      `Passphrase: ${breakGlass.passphrase}`,
      `For an authenticator app: ${breakGlass.uri}`,
      "With both, somebody may look and freeze, nothing else.",
    ].join("\n");
  }
  const rows = operators.map(({ name, role, authenticators, synced, sinceMs }) => [
    name,
    role,
    String(authenticators),
    String(synced),
    new Date(sinceMs).toISOString(),
  ]);
  const none = "nobody is enrolled: operators invite NAME --role admin";
  const page = table(COLUMNS, rows, none, paint);
  return `${page}\nbreak-glass ${hasBreakGlass ? "is set up" : "is not set up"}`;
}
