import { parseArgs } from "node:util";
import { BENCHES } from "./benches.ts";
import { type Bench, type Figure, parameter, parametersOf, runBench } from "./harness.ts";
import { jsonLine, machine, markdown, table } from "./report.ts";

const USAGE = `Usage: npm run bench -- [NAME…] [--smoke] [--runs N] [--json | --markdown]
                              [--traces DIR] [--help]

  NAME        a bench, or the first part of several (heartbeat); all without one
  --smoke     small sizes and one run: shows that the benches work, not how fast anything is
  --runs N    how often each contestant measures (default 5)
  --traces D  measured delays for the bench arrival, see bench/README.md
  --json      one line of JSON a metric on stdout
  --markdown  the table as Markdown

`;
const USAGE_ERROR = 2;
/** A contestant that has not measured after this time hangs. */
const TURN_LIMIT_MS = parameter("turn limit ms", { smoke: 60_000, full: 300_000 });

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (typeof options === "string") {
    process.stderr.write(`${options}\n\n${USAGE}${list()}`);
    return USAGE_ERROR;
  }
  if (options.help) {
    process.stdout.write(`${USAGE}${list()}`);
    return 0;
  }
  const figures: Figure[] = [];
  let failed = 0;
  for (const bench of options.benches) {
    try {
      const measured = await watched(bench, options.runs);
      if (options.json)
        for (const figure of measured) process.stdout.write(`${jsonLine(figure)}\n`);
      figures.push(...measured);
    } catch (error) {
      failed++;
      const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`${bench.name} failed: ${story}\n`);
    }
  }
  if (options.json) return failed === 0 ? 0 : 1;
  const format = options.markdown ? markdown : table;
  process.stdout.write(`${machine()}\n\n${format(BENCHES, figures)}`);
  return failed === 0 ? 0 : 1;
}

interface Options {
  readonly benches: readonly Bench[];
  readonly runs: number;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly help: boolean;
}

/** The options, or the sentence that says what is wrong with them. */
function parse(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        markdown: { type: "boolean", default: false },
        // Read by harness.ts, where the sizes are born.
        smoke: { type: "boolean", default: false },
        // Read by arrival.ts, where the streams are.
        traces: { type: "string" },
        runs: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    const runs = Number(values.runs ?? (values.smoke ? 1 : 5));
    if (!Number.isInteger(runs) || runs < 1) return `--runs must be a whole number: ${values.runs}`;
    for (const name of positionals) {
      if (!BENCHES.some((bench) => matches(bench, name))) return `unknown bench: ${name}`;
    }
    const benches = BENCHES.filter(
      (bench) => positionals.length === 0 || positionals.some((name) => matches(bench, name)),
    );
    return { benches, runs, json: values.json, markdown: values.markdown, help: values.help };
  } catch (error) {
    return (error as Error).message;
  }
}

function matches(bench: Bench, name: string): boolean {
  return bench.name === name || bench.name.startsWith(`${name}.`);
}

/** Runs a bench. A synchronous hang of another thread cannot be undone from here, so a hang ends the process. */
async function watched(bench: Bench, runs: number): Promise<Figure[]> {
  let turn = "";
  const limit = setTimeout(() => {
    process.stderr.write(`${turn} has not ended after ${TURN_LIMIT_MS / 1000} s\n`);
    process.exit(1);
  }, TURN_LIMIT_MS);
  try {
    const onTurn = (contestant: string, run: number): void => {
      turn = `${bench.name} ${run + 1}/${runs} ${contestant}`;
      process.stderr.write(`${turn}\n`);
      limit.refresh();
    };
    const onPeerFailed = (peer: string, run: number, error: Error): void => {
      process.stderr.write(
        `${bench.name} ${run + 1}/${runs} ${peer} failed and is left out: ${error.message}\n`,
      );
    };
    return await runBench(bench, runs, onTurn, onPeerFailed);
  } finally {
    clearTimeout(limit);
  }
}

function list(): string {
  const width = Math.max(...BENCHES.map((bench) => bench.name.length));
  const lines = BENCHES.map((bench) => {
    const sizes = [...parametersOf(bench.name)].map(([name, size]) => `${name} ${size}`).join(", ");
    return `  ${bench.name.padEnd(width)}  ${bench.question}\n  ${" ".repeat(width)}  ${sizes}\n`;
  });
  return `Benches:\n${lines.join("")}`;
}
