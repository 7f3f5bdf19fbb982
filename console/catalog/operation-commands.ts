/** Commands that coordinate agents: forecast, scatter, cascade. */

import type {
  CascadeStrategy,
  Forecast,
  GatherOptions,
  OperationProgress,
} from "../../runtime/api/operation-api.ts";
import { systemClock } from "../../runtime/machine/clock.ts";
import { type MeshCommand, type MeshSession, meshCommand } from "../command/command.ts";
import {
  checkHold,
  GATHER,
  OPERATION,
  operationOf,
  WORDS_HELP,
} from "../command/operation-arguments.ts";
import { choice, wholeNumber } from "../command/values.ts";
import { renderForecast, renderOperation } from "../reports/operation-page.ts";
import {
  type OperationDocument,
  type OperationHead,
  OperationTally,
} from "../reports/operation-report.ts";
import { formatNumber } from "../terminal/format.ts";

const STRATEGIES = ["wave", "parallel", "priority-first"] as const;
/** A page shows so many and still its figures. */
const SKIPS_LISTED = 10;
/** Progress is for eyes. */
const PROGRESS_EVERY_MS = 100;
const REPORT_HELP =
  "p50Ms to p99Ms are of the time until the quorum was READY. With --count, counts are totals and errors over agents " +
  "are the medians of what they were in each. Exit code 1 when a quorum was missed.";

/** `forecast`: what an operation would come to. */
export const forecastCommand: MeshCommand = meshCommand({
  name: "forecast",
  help: "Tell how many agents an operation would have READY in time; sends nothing.",
  details: WORDS_HELP,
  parameters: {
    ...OPERATION,
    limit: {
      schema: wholeNumber(0, 1_000_000).optional(),
      help: `list at most so many skipped agents, slowest first (default: ${SKIPS_LISTED})`,
      value: "N",
    },
  },
  examples: [
    `forecast sync --at "in 500ms"`,
    "forecast --at earliest-quorum --quorum 0.9 --select sector-7 --json",
  ],
  changes: false,
  run: ({ mesh }, { select, quorum, limit, ...words }): Promise<Forecast> =>
    mesh.forecast(operationOf(words), {
      ...(select !== undefined && { select }),
      ...(quorum !== undefined && { quorum }),
      limit: limit ?? SKIPS_LISTED,
    }),
  render: renderForecast,
});

/** `scatter`: a scatter-gather. */
export const scatterCommand: MeshCommand = meshCommand({
  name: "scatter",
  help: "Have agents READY at the same time, and gather how they were.",
  details: `${WORDS_HELP} ${REPORT_HELP}`,
  parameters: { ...OPERATION, ...GATHER },
  examples: [
    `scatter '{"add": 1}' --select sector-7 --at "in 500ms"`,
    "scatter observe --quorum 0.9 --timeout 2s",
  ],
  changes: true,
  actsOnAll,
  check: (args) => checkHold("scatter", args),
  run: (session, args) => {
    const operation = operationOf(args);
    const head: OperationHead = { command: "scatter", verb: operation.verb ?? "sync" };
    return repeated(session, head, args.count, (onProgress) =>
      session.mesh.scatterGather(operation, gatherOptions(session, args, onProgress)),
    );
  },
  render: renderOperation,
  failed: missed,
});

/** `cascade`: an operation down the tree. */
export const cascadeCommand: MeshCommand = meshCommand({
  name: "cascade",
  help: "Run an operation down the tree, tier by tier, and report on its quorum.",
  details: `${WORDS_HELP} ${REPORT_HELP}`,
  parameters: {
    ...OPERATION,
    quorum: {
      ...OPERATION.quorum,
      help: "share of the agents that has to be READY (default: 0.95; parallel 0.9)",
    },
    strategy: {
      schema: choice(STRATEGIES).optional(),
      help: "wave (tier by tier), parallel, or priority-first (class by class; default: wave)",
      value: "strategy",
      complete: STRATEGIES,
    },
    ...GATHER,
  },
  examples: [
    "cascade sync --strategy wave --count 50",
    `cascade act '{"add": 1}' --at "in 500ms" --hold`,
    "cascade 'market closed early' --select sector-7 --quorum 90% --json",
  ],
  changes: true,
  actsOnAll,
  check: (args) => checkHold("cascade", args),
  run: (session, args) => {
    const strategy: CascadeStrategy = args.strategy ?? "wave";
    const operation = operationOf(args);
    const head: OperationHead = { command: "cascade", verb: operation.verb ?? "sync", strategy };
    return repeated(session, head, args.count, (onProgress) =>
      session.mesh.cascade(operation, {
        ...gatherOptions(session, args, onProgress),
        strategy,
      }),
    );
  },
  render: renderOperation,
  failed: missed,
});

/** What the whole mesh is told to do; what it is asked to look at is no act. */
function actsOnAll({
  verb,
  select = "all",
}: {
  readonly verb?: string | undefined;
  readonly select?: string | undefined;
}): boolean {
  return verb === "act" && select === "all";
}

type OnProgress = (progress: OperationProgress) => void;

interface GatherWords {
  readonly select: string | undefined;
  readonly quorum: number | undefined;
  readonly window: number | undefined;
  readonly timeout: number | undefined;
}

function gatherOptions(
  { signal }: MeshSession,
  { select, quorum, window, timeout }: GatherWords,
  onProgress: OnProgress,
): GatherOptions {
  return {
    ...(select !== undefined && { select }),
    ...(quorum !== undefined && { quorum }),
    ...(window !== undefined && { windowMs: window }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    signal,
    onProgress,
  };
}

/** Runs an operation `count` times, one after another; whoever asked may call it off between and within. */
async function repeated(
  { tell, signal }: MeshSession,
  head: OperationHead,
  count = 1,
  operate: (onProgress: OnProgress) => ReturnType<MeshSession["mesh"]["scatterGather" | "cascade"]>,
): Promise<OperationDocument> {
  const tally = new OperationTally(head);
  let toldMs = Number.NEGATIVE_INFINITY;
  for (let nth = 1; nth <= count; nth++) {
    signal.throwIfAborted();
    const result = await operate((progress) => {
      const nowMs = systemClock.nowMs();
      if (tell === undefined || nowMs - toldMs < PROGRESS_EVERY_MS) return;
      toldMs = nowMs;
      tell(progressLine(head, nth, count, progress));
    });
    tally.add(result);
  }
  return tally.document();
}

function progressLine(
  { command }: OperationHead,
  nth: number,
  count: number,
  { tier, sectors, ready, conflict, addressed }: OperationProgress,
): string {
  const which = count === 1 ? command : `${command} ${formatNumber(nth)}/${formatNumber(count)}`;
  const torn = conflict === 0 ? "" : `, ${formatNumber(conflict)} in conflict`;
  const counts = `${formatNumber(ready)} of ${formatNumber(addressed)} agents READY`;
  return `${which}: ${counts}${torn}; ${tier}, ${formatNumber(sectors)} sectors heard`;
}

function missed({ achieved, count }: OperationDocument): boolean {
  return achieved < count;
}
