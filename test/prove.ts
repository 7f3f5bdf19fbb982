// npm run prove -- [--full] [--seed N] [--seeds N] [--write] [NAME…]
//
// Runs the proofs and prints a table of what was done and what came of it. When all are run, or with --write, each
// takes its place in docs/proof.md as soon as it is done: the page says only what a run has counted.
import { parseArgs } from "node:util";
import { tableOf, writeSection } from "./proof-page.ts";
import { proofs } from "./proofs.ts";

const HELP = `Usage: npm run prove -- [options] [name ...]

Tries what docs/proof.md tells of, and prints what came of it; without names all of it.

Options:
  --full      the large numbers, which take hours
  --seed N    that of the run (default: drawn)
  --seeds N   so many simulated seeds
  --write     put the tables of the named proofs on docs/proof.md; those of a run of all are put there anyway
  --help      this page

Proofs:
${proofs.map(({ name, question }) => `  ${name.padEnd(18)}${question}`).join("\n")}
`;

interface Wanted {
  readonly names: readonly string[];
  readonly isFull: boolean;
  readonly writes: boolean;
  readonly seed: number;
  readonly seeds: number | undefined;
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name}: expected a whole number, got ${text}`);
  return Number(text);
}

/** What the words ask for; undefined for the help. */
function read(words: readonly string[]): Wanted | undefined {
  const { values, positionals: names } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      full: { type: "boolean", default: false },
      seed: { type: "string" },
      seeds: { type: "string" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  for (const name of names) {
    if (!proofs.some((proof) => proof.name === name))
      throw new Error(`no proof is named ${name}: ${proofs.map((proof) => proof.name).join(", ")}`);
  }
  return {
    names,
    isFull: values.full,
    writes: values.write || names.length === 0,
    seed: wholeNumber("seed", values.seed) ?? Math.floor(Math.random() * 2 ** 32),
    seeds: wholeNumber("seeds", values.seeds),
  };
}

/** Runs them; gives how many rows do not hold. */
async function prove({ names, isFull, writes, seed, seeds }: Wanted): Promise<number> {
  const chosen = proofs.filter(({ name }) => names.length === 0 || names.includes(name));
  const how = [
    ...(isFull ? ["--full"] : []),
    `--seed ${seed}`,
    ...(seeds === undefined ? [] : [`--seeds ${seeds}`]),
  ].join(" ");
  process.stdout.write(`seed ${seed}\n`);
  let broken = 0;
  for (const proof of chosen) {
    process.stdout.write(`\n${proof.name}: ${proof.question}\n`);
    const tell = (line: string): unknown => process.stdout.write(`  ${line}\n`);
    const rows = await proof.run({ full: isFull, seed, seeds, tell });
    process.stdout.write(`${tableOf(rows)}\n`);
    if (writes) writeSection(proofs, proof, rows, `npm run prove -- ${how} ${proof.name}`);
    broken += rows.filter(({ holds }) => !holds).length;
  }
  process.stdout.write(broken === 0 ? "\nall hold\n" : `\n${broken} DO NOT HOLD\n`);
  return broken;
}

let wanted: Wanted | undefined;
try {
  wanted = read(process.argv.slice(2));
  if (wanted === undefined) process.stdout.write(HELP);
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
if (wanted !== undefined) process.exitCode = (await prove(wanted)) === 0 ? 0 : 1;
