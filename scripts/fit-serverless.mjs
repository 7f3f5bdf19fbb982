// Fits remote/serverless-table.ts: `node scripts/fit-serverless.mjs DIR`, where DIR holds a faas.csv.gz
// in the format of examples/traces/README.md. The table holds quantiles, so that the measurements
// themselves need not be shipped.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const LEVELS = [
  0, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99,
  1,
];
const OUTPUT = new URL("../remote/serverless-table.ts", import.meta.url);

const directory = process.argv[2];
if (directory === undefined) {
  process.stderr.write("usage: node scripts/fit-serverless.mjs DIR   (DIR holds faas.csv.gz)\n");
  process.exit(64);
}
writeFileSync(OUTPUT, moduleText(readStreams(join(directory, "faas.csv.gz"))));

/** Stream name → what a caller waits besides the way there and back: execution, gateway, scheduling. */
function readStreams(file) {
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");
  const columns = header.split(",");
  const streams = new Map();
  for (const line of lines) {
    const fields = line.split(",");
    const field = (name) => fields[columns.indexOf(name)];
    // A measured round trip would have to be kept apart from the processing, which this table cannot say.
    if (field("rtt_ms") !== "") throw new Error(`${file}: a stream measures rtt_ms: ${line}`);
    const delays = streams.get(field("agent")) ?? [];
    delays.push(Number(field("proc_ms")) + Number(field("other_ms")));
    streams.set(field("agent"), delays);
  }
  return streams;
}

function quantile(sorted, level) {
  const position = level * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

function brief(value) {
  return String(Number(value.toPrecision(4)));
}

/** Numbers in lines of at most 100 columns, as the formatter would break them. */
function filled(numbers, indent) {
  const lines = [];
  let line = indent;
  for (const [index, number] of numbers.entries()) {
    const piece = `${number},`;
    const isFull = line.length + 1 + piece.length > 100;
    if (index > 0 && isFull) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? piece : ` ${piece}`;
  }
  return [...lines, line].join("\n");
}

function moduleText(streams) {
  const names = [...streams.keys()].sort();
  const rows = names.map((name) => {
    const sorted = streams.get(name).sort((a, b) => a - b);
    const mean = sorted.reduce((sum, delay) => sum + delay, 0) / sorted.length;
    const quantiles = LEVELS.map((level) => brief(quantile(sorted, level)));
    return `  {
    name: ${JSON.stringify(name)},
    samples: ${sorted.length},
    meanMs: ${brief(mean)},
    quantilesMs: [
${filled(quantiles, "      ")}
    ],
  },`;
  });
  return `// Written by scripts/fit-serverless.mjs; fit it again rather than edit it.
//
// Quantiles of warm serverless functions on three clouds: execution, gateway, transit and scheduling
// added up, since the caller waits for all of them; connection set-up is not in it. Each stream is one
// provider-benchmark-memory of the SeBS measurements (spcl/serverless-benchmarks-artifact, Zenodo
// 10.5281/zenodo.5209001). A quantile is the linear interpolation between the two nearest of the
// stream's sorted samples, to four digits.

/** What is known of the delay of one serverless function. */
export interface ServerlessStream {
  /** provider-benchmark-memory */
  readonly name: string;
  /** How many invocations the quantiles were fitted on. */
  readonly samples: number;
  /** Mean of those invocations, to check draws against. */
  readonly meanMs: number;
  /** One value for each of {@link QUANTILE_LEVELS}, ascending. */
  readonly quantilesMs: readonly number[];
}

/** The levels of every row, closer together in the tails, where the interpolation would err most. */
export const QUANTILE_LEVELS: readonly number[] = [
${filled(LEVELS, "  ")}
];

/** One row a function. */
export const SERVERLESS_STREAMS: readonly ServerlessStream[] = [
${rows.join("\n")}
];
`;
}
