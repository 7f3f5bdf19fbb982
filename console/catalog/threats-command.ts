/** `threats`: who attacks the mesh, what was done about it, and that it is over. */
import type { Threat, ThreatStatus } from "../../runtime/api/threat-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text, wholeNumber } from "../command/values.ts";
import { operatorOf } from "../operator/role.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatMoment } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, facts, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

const ACTIONS = ["list", "show", "lift"] as const;

const COLUMNS: readonly Column[] = [
  { heading: "THREAT" },
  { heading: "STATE" },
  { heading: "KIND" },
  { heading: "FROM" },
  { heading: "SINCE" },
  { heading: "DONE" },
];

type Outcome =
  | { readonly status: ThreatStatus; readonly threats: readonly Threat[] }
  | { readonly threat: Threat };

/** `threats [list|show ID|lift ID --by NAME]`. */
export const threatsCommand: MeshCommand = meshCommand({
  name: "threats",
  help: "List the threats that were found, show one with its evidence, or lift it.",
  details:
    "To lift one says, as a person, that it is over: locked weights learn again, a suspended operator may act, " +
    "circuits that were opened for it close, and a mesh that was frozen for it may be thawed. That of an operator is " +
    "lifted at the console of the mesh's machine only: where the credential that is in doubt is not what lets you in.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), or show or lift with an id",
      place: "positional",
      complete: ACTIONS,
    },
    id: {
      schema: text("the id of a threat").optional(),
      help: "a threat, such as threat-1",
      place: "positional",
    },
    by: { schema: text("a name").optional(), help: "the person who lifts it", value: "name" },
    reason: { schema: text("a reason").optional(), help: "why it is over", value: "text" },
    limit: {
      schema: wholeNumber(1, 1_000).optional(),
      help: "at most so many, newest first (default: 50)",
      value: "N",
    },
  },
  examples: [
    "threats",
    "threats show threat-1",
    "threats lift threat-1 --by ada --reason 'the drill of Tuesday'",
  ],
  changes: ({ action }) => action === "lift",
  touches: () => null,
  check: ({ action = "list", id, by, reason, limit }) => {
    if ((action === "list") === (id !== undefined)) {
      const wrong = action === "list" ? "list takes no <id>" : `${action} needs an <id>`;
      throw new UsageError(`threats: ${wrong}`, "threats", "id");
    }
    if ((action === "lift") === (by === undefined)) {
      const wrong = action === "lift" ? "lift needs --by, your name" : "--by goes with lift only";
      throw new UsageError(`threats: ${wrong}`, "threats", "by");
    }
    if (action !== "lift" && reason !== undefined)
      throw new UsageError("threats: a reason goes with lift only", "threats", "reason");
    if (action !== "list" && limit !== undefined)
      throw new UsageError("threats: --limit goes with list only", "threats", "limit");
  },
  run: ({ mesh, watch }, { action = "list", id = "", by = "", reason, limit = 50 }): Outcome => {
    const { threats } = mesh;
    const who = operatorOf(watch?.caller);
    if (action === "list")
      return { status: threats.status(), threats: threats.list().slice(0, limit) };
    const threat = threats.show(id);
    if (threat === undefined)
      throw new ConsoleError("MESH_NO_THREAT", `no threat has the id ${tame(id)}`);
    if (action === "show") return { threat };
    if (threat.kind === "orchestrator_compromise" && !who.local)
      throw new ConsoleError(
        "MESH_NOT_HERE",
        `threats: ${id} is lifted at the console of the mesh's machine, and not over ${who.origin}`,
      );
    return { threat: threats.lift(id, { by, ...(reason !== undefined && { reason }) }) };
  },
  render: (outcome, paint) =>
    "threat" in outcome ? renderThreat(outcome.threat, paint) : renderList(outcome, paint),
});

function renderList(
  { status, threats }: { readonly status: ThreatStatus; readonly threats: readonly Threat[] },
  paint: Paint,
): string {
  const rows = threats.map(({ id, state, kind, subject, detectedMs, responses }) => [
    id,
    stateOf(state, paint),
    kind,
    tame(subject),
    formatMoment(detectedMs),
    tame(responses.at(-1) ?? "–"),
  ]);
  return [table(COLUMNS, rows, "no threat was found", paint), ...inForce(status, paint)].join("\n");
}

/** What is not as it usually is. */
function inForce({ weightsLocked, held, suspended }: ThreatStatus, paint: Paint): string[] {
  const lines: string[] = [];
  if (weightsLocked) lines.push("impedance weights are locked");
  if (held) lines.push("the mesh stays frozen until the threat is lifted");
  if (suspended.length > 0) lines.push(`suspended: ${suspended.map(tame).join(", ")}`);
  return lines.map((line) => paint.red(line));
}

function stateOf(state: Threat["state"], paint: Paint): string {
  return state === "open" ? paint.red(state) : state;
}

function renderThreat(threat: Threat, paint: Paint): string {
  const { id, kind, subject, rule, state, detectedMs, answeredMs, evidence, responses } = threat;
  const { liftedMs, liftedBy, reason } = threat;
  const answered =
    answeredMs === undefined ? "not yet" : `within ${Math.round(answeredMs - detectedMs)} ms`;
  const pairs: (readonly [string, string])[] = [
    ["threat", id],
    ["state", stateOf(state, paint)],
    ["kind", kind],
    ["from", tame(subject)],
    ...(rule === undefined ? [] : [["rule", rule] as const]),
    ["found", formatMoment(detectedMs)],
    ["answered", answered],
    ...evidence.map((line, place) => [place === 0 ? "evidence" : "", tame(line)] as const),
    ...responses.map((line, place) => [place === 0 ? "done" : "", tame(line)] as const),
    ...(liftedMs === undefined ? [] : [["ended", formatMoment(liftedMs)] as const]),
    ...(liftedBy === undefined ? [] : [["by", tame(liftedBy)] as const]),
    ...(reason === undefined ? [] : [["reason", tame(reason)] as const]),
  ];
  return facts(pairs, paint);
}
