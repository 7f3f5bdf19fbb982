// npm run prove -- [--full] [--seed N] [NAME…]
//
// Runs the proofs and prints a table of what was done and what came of it. When all are run, docs/proof.md is written
// anew: it says only what that run has counted.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Proof, proofs, type Row } from "./proofs.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: "boolean", default: false }, seed: { type: "string" } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!Number.isInteger(seed)) throw new Error(`--seed: expected a whole number, got ${values.seed}`);
for (const name of positionals) {
  if (!proofs.some((proof) => proof.name === name))
    throw new Error(`no proof is named ${name}: ${proofs.map((proof) => proof.name).join(", ")}`);
}
const chosen = proofs.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

function tableOf(rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    "| fault | count | outcome |",
    "| --- | --- | --- |",
    ...rows.map((row) => `| ${cell(row.fault)} | ${cell(row.count)} | ${cell(row.outcome)} |`),
  ].join("\n");
}

function pageOf(results: readonly (readonly [Proof, readonly Row[]])[]): string {
  const command = `npm run prove -- ${values.full ? "--full " : ""}--seed ${seed}`;
  const day = new Date().toISOString().slice(0, 10);
  const sections = results.map(
    ([{ name, question }, rows]) => `## ${name}\n\n${question}\n\n${tableOf(rows)}\n`,
  );
  return `# What was tried, and what came of it

Written by \`${command}\` on ${day}, Node ${process.version}, ${cpus().length} cores. Each row says
what that run counted, nothing else. A proof by its name alone: \`npm run prove -- NAME\`.

${sections.join("\n")}`;
}

process.stdout.write(`seed ${seed}\n`);
const results: [Proof, readonly Row[]][] = [];
for (const proof of chosen) {
  process.stdout.write(`\n${proof.name}: ${proof.question}\n`);
  const rows = await proof.run(values.full, seed, (line) => process.stdout.write(`  ${line}\n`));
  process.stdout.write(`${tableOf(rows)}\n`);
  results.push([proof, rows]);
}
if (chosen.length === proofs.length)
  writeFileSync(new URL("../docs/proof.md", import.meta.url), pageOf(results));
const broken = results.flatMap(([, rows]) => rows.filter(({ holds }) => !holds));
process.stdout.write(broken.length === 0 ? "\nall hold\n" : `\n${broken.length} DO NOT HOLD\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
