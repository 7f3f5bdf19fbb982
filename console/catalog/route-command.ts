/** `route`: whom traffic goes around. */
import type { AvoidedRoute } from "../../runtime/api/operation-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatMoment } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "avoid", "allow"] as const;

const COLUMNS: readonly Column[] = [
  { heading: "AVOIDED" },
  { heading: "CAPABILITY" },
  { heading: "SINCE" },
  { heading: "REASON" },
];

type Outcome =
  | { readonly routes: readonly AvoidedRoute[] }
  | { readonly avoided: string; readonly capability: string | undefined }
  | {
      readonly allowed: string;
      readonly capability: string | undefined;
      /** Whether there was something to take back. */
      readonly wasAvoided: boolean;
    };

/** `route [list|avoid TARGET|allow TARGET]`. */
export const routeCommand: MeshCommand = meshCommand({
  name: "route",
  help: "Lead operations, delegations and selections around an agent or a class, or back.",
  details:
    "The agents themselves go on working. Exit code 1 when what is to be allowed was not avoided.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), avoid or allow",
      place: "positional",
      complete: ACTIONS,
    },
    target: {
      schema: text("an address or an impedance class").optional(),
      help: "an address or an impedance class",
      place: "positional",
      complete: "address",
    },
    capability: {
      schema: text("the name of a capability").optional(),
      help: "only for work that needs this capability",
      value: "name",
    },
    reason: { schema: text("a reason").optional(), help: "why it is avoided", value: "text" },
  },
  examples: [
    "route avoid sector-7/cluster-4/agent-12 --reason 'impedance 847ms'",
    "route avoid CLASS_E_LOCAL --capability inference",
    "route allow sector-7/cluster-4/agent-12",
    "route list",
  ],
  changes: ({ action }) => action === "avoid" || action === "allow",
  check: ({ action = "list", target, capability, reason }) => {
    if (action !== "list" && target === undefined) {
      throw new UsageError(`route: ${action} needs a <target>`, "route", "target");
    }
    const surplus = target ?? capability ?? reason;
    if (action === "list" && surplus !== undefined) {
      const got = JSON.stringify(surplus);
      throw new UsageError(`route: list takes nothing more, got ${got}`, "route", "target");
    }
    if (action === "allow" && reason !== undefined) {
      throw new UsageError("route: a reason goes with avoid only", "route", "reason");
    }
  },
  run: ({ mesh }, { action = "list", target, capability, reason }): Outcome => {
    const only = capability === undefined ? {} : { capability };
    switch (action) {
      case "list":
        return { routes: mesh.route.list() };
      case "avoid":
        mesh.route.avoid(String(target), { ...only, ...(reason !== undefined && { reason }) });
        return { avoided: String(target), capability };
      case "allow": {
        const wasAvoided = mesh.route.allow(String(target), only);
        return { allowed: String(target), capability, wasAvoided };
      }
    }
  },
  render: renderOutcome,
  inverse: ({ action, target, capability }) => ({
    command: "route",
    args: {
      action: action === "avoid" ? "allow" : "avoid",
      target,
      ...(capability !== undefined && { capability }),
    },
  }),
  failed: (outcome) => "wasAvoided" in outcome && !outcome.wasAvoided,
});

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("routes" in outcome) {
    const rows = outcome.routes.map(({ target, capability, sinceMs, reason }) => [
      target,
      capability ?? "any",
      formatMoment(sinceMs),
      tame(reason ?? "–"),
    ]);
    return table(COLUMNS, rows, "nothing is avoided", paint);
  }
  const { capability } = outcome;
  const only = capability === undefined ? "" : ` for ${capability}`;
  const mapped = capability !== undefined && /^CLASS_/.test(targetOf(outcome));
  if (mapped && "avoided" in outcome)
    return (
      `Capability mapping updated: ${paint.yellow(outcome.avoided)} agents now excluded ` +
      `from '${capability}' routing`
    );
  if ("avoided" in outcome) {
    return `Routing updated. Traffic${only} now avoids ${paint.yellow(outcome.avoided)}`;
  }
  return outcome.wasAvoided
    ? `Routing updated. Traffic${only} reaches ${paint.green(outcome.allowed)} again`
    : paint.red(`${outcome.allowed} was not avoided${only}`);
}

function targetOf(outcome: Exclude<Outcome, { readonly routes: unknown }>): string {
  return "avoided" in outcome ? outcome.avoided : outcome.allowed;
}
