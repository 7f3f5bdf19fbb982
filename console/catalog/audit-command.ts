/** `audit`: who did what, and whether the log of it is what was written. */

import type { ChainHead } from "../../coordination/log-chain.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text, wholeNumber } from "../command/values.ts";
import {
  type AuditVerdict,
  checkAudit,
  fits,
  type NumberedEntry,
  readAudit,
} from "../operator/audit-check.ts";
import { type AuditPaths, auditPaths } from "../operator/audit-file.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";
import { gateOf } from "./operators-command.ts";

const ACTIONS = ["list", "show", "verify"] as const;
type Action = (typeof ACTIONS)[number];
const OUTCOMES = ["begun", "done", "failed", "error", "refused"] as const;
/** Entries that are listed unless somebody wants more. */
const LISTED = 50;
const MAX_CELL = 60;

const COLUMNS: readonly Column[] = [
  { heading: "N", align: "right" },
  { heading: "WHEN" },
  { heading: "WHO" },
  { heading: "BY" },
  { heading: "WHAT" },
  { heading: "OUTCOME" },
];

type Outcome =
  | { readonly action: "list" | "show"; readonly entries: readonly NumberedEntry[] }
  | ({ readonly action: "verify" } & AuditVerdict);

interface Given {
  readonly action?: Action | undefined;
  readonly number?: number | undefined;
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  readonly outcome?: (typeof OUTCOMES)[number] | undefined;
  readonly limit?: number | undefined;
  readonly signer?: string | undefined;
  readonly head?: string | undefined;
}

/** `audit [list|show N|verify]`. */
export const auditCommand: MeshCommand = meshCommand({
  name: "audit",
  help: "List, show and verify the log of every command: who, with which role, by which face, what came of it.",
  details:
    "It lies under audit/ of the data folder, hash-chained and signed at checkpoints, its oldest segments let go " +
    "beyond 256 MiB. What changes the mesh is written down before it is done, and again with what came of it; a look " +
    "that is repeated within a minute is counted. verify finds what was changed, cut off, taken out or reordered: " +
    "note the head that it prints elsewhere and give it back with --head, and pin the signer with --signer. Works " +
    "where no mesh runs, too. Exit code 1 when the log is not what was written.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "list (default), show or verify",
      place: "positional",
      complete: ACTIONS,
    },
    number: {
      schema: wholeNumber(1, 1e15).optional(),
      help: "the number of the entry to show",
      place: "positional",
    },
    who: { schema: text("a name").optional(), help: "only of them", value: "name" },
    what: {
      schema: text("a command").optional(),
      help: "only this command or event",
      value: "name",
    },
    outcome: {
      schema: choice(OUTCOMES).optional(),
      help: `only with this outcome: ${OUTCOMES.join(", ")}`,
      value: "outcome",
      complete: OUTCOMES,
    },
    limit: {
      schema: wholeNumber(1, 100_000).optional(),
      help: `the newest so many (default: ${LISTED})`,
      value: "N",
    },
    signer: {
      schema: text("the fingerprint of a key").optional(),
      help: "verify: the fingerprint of the key that has to have signed",
      value: "fingerprint",
    },
    head: {
      schema: text("N:HASH as verify prints it").optional(),
      help: "verify: a head that was noted earlier, N:HASH",
      value: "N:HASH",
    },
  },
  examples: ["audit", "audit --outcome refused", "audit show 17", "audit verify --json"],
  changes: false,
  check: ({ action = "list", number, who, what, outcome, limit, signer, head }) => {
    if ((action === "show") !== (number !== undefined)) {
      const wrong =
        action === "show" ? "show needs the <number> of an entry" : `${action} takes no <number>`;
      throw new UsageError(`audit: ${wrong}`, "audit", "number");
    }
    if (action !== "list" && (who ?? what ?? outcome ?? limit) !== undefined)
      throw new UsageError(
        "audit: --who, --what, --outcome and --limit go with list only",
        "audit",
      );
    if (action !== "verify" && (signer ?? head) !== undefined)
      throw new UsageError("audit: --signer and --head go with verify only", "audit");
    if (head !== undefined) headOf(head);
  },
  run: async (session, args): Promise<Outcome> => {
    const { auditLog, auditMemory } = gateOf(session, "audit");
    if (auditLog !== undefined) return told(auditLog.paths, args, auditLog.head);
    return inMemory(auditMemory?.entries ?? [], args);
  },
  withoutMesh: (dataDir, args) => told(auditPaths(dataDir), args),
  render: renderOutcome,
  failed: (outcome) =>
    outcome.action === "verify"
      ? !outcome.ok
      : outcome.action === "show" && outcome.entries.length === 0,
});

async function told(
  paths: AuditPaths,
  { action = "list", number, who, what, outcome, limit = LISTED, signer, head }: Given,
  live?: ChainHead,
): Promise<Outcome> {
  if (action === "verify") {
    const noted = head === undefined ? undefined : headOf(head);
    return { action, ...(await checkAudit(paths, { signer, head: noted, live })) };
  }
  const entries = await readAudit(paths, { number, who, what, outcome, limit });
  return { action, entries };
}

function inMemory(
  kept: readonly { readonly number: number; readonly entry: Omit<NumberedEntry, "number"> }[],
  { action = "list", number, who, what, outcome, limit = LISTED }: Given,
): Outcome {
  if (action === "verify")
    throw new ConsoleError(
      "CONSOLE_AUDIT",
      "audit: this mesh has no data folder: its log is in memory only",
    );
  const query = { number, who, what, outcome, limit };
  const found = kept.filter((each) => fits(each.number, each.entry, query)).slice(-limit);
  return { action, entries: found.map((each) => ({ number: each.number, ...each.entry })) };
}

function headOf(written: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(written);
  if (match !== null) return { count: Number(match[1]), hash: match[2] };
  throw new UsageError(
    `audit: head: expected N:HASH as verify prints it, got ${JSON.stringify(written.slice(0, 80))}`,
    "audit",
    "head",
  );
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if (outcome.action === "verify") return renderVerdict(outcome, paint);
  if (outcome.action === "show") {
    const [entry] = outcome.entries;
    return entry === undefined
      ? "there is no such entry, or it was let go"
      : JSON.stringify(entry, null, 2);
  }
  const rows = outcome.entries.map((entry) => [
    String(entry.number),
    new Date(entry.atMs).toISOString(),
    entry.role === undefined ? entry.who : `${entry.who} (${entry.role})`,
    entry.face ?? "",
    cell(`${entry.what} ${argumentsOf(entry)}`),
    cell(
      [entry.outcome, entry.repeated && `× ${entry.repeated}`, entry.why].filter(Boolean).join(" "),
    ),
  ]);
  return table(COLUMNS, rows, "nothing was done yet", paint);
}

function argumentsOf({ args = {} }: NumberedEntry): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}

function cell(written: string): string {
  const plain = tame(written.trim());
  return plain.length > MAX_CELL ? `${plain.slice(0, MAX_CELL - 1)}…` : plain;
}

function renderVerdict(verdict: AuditVerdict, paint: Paint): string {
  const { ok, fault, entries, first, last, head, checkpoints, unsigned, signer, segments } =
    verdict;
  const lines = [
    ok
      ? paint.green("The audit log is what was written")
      : `${paint.red("NOT what was written")}: ${fault}`,
    `${formatNumber(entries)} entries in ${formatNumber(segments)} segments, ${first} to ${last}`,
    `${formatNumber(checkpoints)} checkpoints signed by ${signer ?? "nobody"}, ${formatNumber(unsigned)} entries since`,
    `head ${last}:${head}`,
  ];
  return lines.join("\n");
}
