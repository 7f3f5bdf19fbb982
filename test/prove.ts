// npm run prove -- [--full] [--seed N] [--seeds N] [--write] [NAME…]
//
// Runs the proofs and prints a table of what was done and what came of it. When all are run, or with --write, each
// takes its place in docs/proof.md as soon as it is done: the page says only what a run has counted.
import { parseArgs } from "node:util";
import { tableOf, writeSection } from "./proof-page.ts";
import { proofs } from "./proofs.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    seed: { type: "string" },
    seeds: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name}: expected a whole number, got ${text}`);
  return Number(text);
}

const seed = wholeNumber("seed", values.seed) ?? Math.floor(Math.random() * 2 ** 32);
const seeds = wholeNumber("seeds", values.seeds);
for (const name of positionals) {
  if (!proofs.some((proof) => proof.name === name))
    throw new Error(`no proof is named ${name}: ${proofs.map((proof) => proof.name).join(", ")}`);
}
const all = positionals.length === 0;
const chosen = proofs.filter(({ name }) => all || positionals.includes(name));
const how = [
  ...(values.full ? ["--full"] : []),
  `--seed ${seed}`,
  ...(seeds === undefined ? [] : [`--seeds ${seeds}`]),
].join(" ");

process.stdout.write(`seed ${seed}\n`);
let broken = 0;
for (const proof of chosen) {
  process.stdout.write(`\n${proof.name}: ${proof.question}\n`);
  const tell = (line: string): unknown => process.stdout.write(`  ${line}\n`);
  const rows = await proof.run({ full: values.full, seed, seeds, tell });
  process.stdout.write(`${tableOf(rows)}\n`);
  if (all || values.write)
    writeSection(proofs, proof, rows, `npm run prove -- ${how} ${proof.name}`);
  broken += rows.filter(({ holds }) => !holds).length;
}
process.stdout.write(broken === 0 ? "\nall hold\n" : `\n${broken} DO NOT HOLD\n`);
process.exitCode = broken === 0 ? 0 : 1;
