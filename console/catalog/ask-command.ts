/** `ask`: one agent and its answer, or a sample of agents and their answers by value (spec 7.1). */
import type { AskOptions } from "../../actors/context.ts";
import type { Answer } from "../../actors/result.ts";
import type { AskGroups, AskSelection } from "../../runtime/api/operation-api.ts";
import { systemClock } from "../../runtime/machine/clock.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import {
  MESSAGE,
  PRIORITY,
  renderAnswer,
  TTL,
  tellOptions,
  timeoutParameter,
} from "../command/message.ts";
import { SELECT } from "../command/operation-arguments.ts";
import { text, wholeNumber } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";
import { ADDRESS } from "./agent-commands.ts";

/** A digest tells groups apart by its beginning. */
const DIGEST = /^[0-9a-f]{32,}$/i;
const DIGEST_LETTERS = 8;
/** Of any other value a line shows so much. */
const VALUE_LETTERS = 80;

/** What became of an `ask`. */
type AskOutcome = (Answer & { readonly address: string; readonly elapsedMs: number }) | AskGroups;

/** `ask <address> <message>`, `ask --sample N <message>`. */
export const askCommand: MeshCommand = meshCommand({
  name: "ask",
  help: "Send a message to an agent, or to a sample of agents, and print what they answer.",
  details:
    "With an address: READY, CONFLICT or TRANSIT, and exit code 1 when no answer came in time " +
    "(TRANSIT); a CONFLICT is an answer. With --sample, --capability or --select instead of an " +
    "address agents are drawn at random and their answers grouped by value, the largest group " +
    "first; exit code 1 when none of them answered.",
  parameters: {
    address: {
      ...ADDRESS,
      schema: ADDRESS.schema.optional(),
      unless: ["sample", "capability", "select"],
    },
    message: MESSAGE,
    sample: {
      schema: wholeNumber(1, 1_000_000).optional(),
      help: "ask so many agents (default: 100, with --capability or --select)",
      value: "N",
    },
    capability: {
      schema: text("the name of a capability").optional(),
      help: "draw the sample from agents with a capability",
      value: "name",
    },
    select: SELECT,
    timeout: timeoutParameter("5s"),
    priority: PRIORITY,
    ttl: TTL,
  },
  examples: [
    `ask sector-7/cluster-4/agent-12 '{"add": 1}'`,
    "ask sector-1/cluster-1/agent-1 hello --timeout 2s",
    `ask --sample 10 "What's your current context hash?"`,
    "ask --sample 20 --capability inference --select sector-7 status",
  ],
  changes: true,
  check: (args) => {
    const isSample = selectionOf(args) !== undefined;
    if (isSample !== (args.address !== undefined)) return;
    const got = isSample ? "both" : "neither";
    throw new UsageError(
      `ask: expected an address, or --sample, --capability or --select, got ${got}`,
      "ask",
      "address",
    );
  },
  run: async ({ mesh, signal }, args): Promise<AskOutcome> => {
    const { address, message, timeout, priority, ttl } = args;
    const options: AskOptions = {
      ...tellOptions(priority, ttl),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      signal,
    };
    const selection = selectionOf(args);
    if (selection !== undefined) return mesh.ask(selection, message, options);
    const startedMs = systemClock.nowMs();
    const answer = await mesh.ask(String(address), message, options);
    const elapsedMs = systemClock.nowMs() - startedMs;
    return { address: String(address), ...answer, elapsedMs };
  },
  render: (outcome, paint) =>
    "groups" in outcome
      ? renderGroups(outcome, paint)
      : renderAnswer(outcome, outcome.elapsedMs, paint),
  failed: (outcome) => ("groups" in outcome ? outcome.responses === 0 : outcome.state === 0),
});

interface Whom {
  readonly sample: number | undefined;
  readonly capability: string | undefined;
  readonly select: string | undefined;
}

/** The selection, or undefined when nothing of one is given. */
function selectionOf({ sample, capability, select }: Whom): AskSelection | undefined {
  const selection = {
    ...(select !== undefined && { select }),
    ...(capability !== undefined && { capability }),
    ...(sample !== undefined && { sample }),
  };
  return Object.keys(selection).length > 0 ? selection : undefined;
}

function renderGroups({ asked, responses, groups }: AskGroups, paint: Paint): string {
  const of = responses < asked ? ` of ${formatNumber(asked)}` : "";
  const noun = responses === 1 && of === "" ? "response" : "responses";
  const lines = groups.map(({ count, outcome }) => {
    const agents = `${formatNumber(count)} ${count === 1 ? "agent" : "agents"}`;
    return `- ${agents}: ${renderOutcome(outcome, paint)}`;
  });
  const head = `${formatNumber(responses)}${of} ${noun}`;
  return lines.length === 0 ? head : [`${head}:`, ...lines].join("\n");
}

function renderOutcome(outcome: AskGroups["groups"][number]["outcome"], paint: Paint): string {
  if ("error" in outcome) return `${paint.red("FAILED")} (${brief(outcome.error)})`;
  switch (outcome.state) {
    case 1:
      return outcome.value === undefined ? paint.green("READY") : brief(outcome.value);
    case 0:
      return `${paint.yellow("TRANSIT")} (no answer in ${formatDuration(outcome.waitedMs)})`;
    case -1: {
      const type = outcome.conflict.type.toLowerCase().replaceAll("_", " ");
      return `${paint.red("CONFLICT")} (${type} detected)`;
    }
  }
}

/** A value on the rest of a line. */
function brief(value: unknown): string {
  const written = typeof value === "string" ? value : JSON.stringify(value);
  const line = tame(written).replaceAll(/\s+/g, " ");
  if (DIGEST.test(line)) return `${line.slice(0, DIGEST_LETTERS)}...`;
  return line.length > VALUE_LETTERS ? `${line.slice(0, VALUE_LETTERS)}...` : line;
}
