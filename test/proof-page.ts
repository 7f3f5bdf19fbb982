// docs/proof.md: a section for each proof, with the command by which its table was counted.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Proof, Row } from "./proof.ts";

const PAGE = new URL("../docs/proof.md", import.meta.url);
const HEAD = `# What was tried, and what came of it

Written by \`npm run prove\`: each row says what one run has counted, nothing else, and below each table stands the
command of that run, and the commit that it ran on. All of them: \`npm run prove\`, with \`-- --full\` for the
large numbers; one, which takes its place here: \`npm run prove -- --full --write NAME\`.
`;

/** The rows as a table of fault, count and outcome. */
export function tableOf(rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    "| fault | count | outcome |",
    "| --- | --- | --- |",
    ...rows.map((row) => `| ${cell(row.fault)} | ${cell(row.count)} | ${cell(row.outcome)} |`),
  ].join("\n");
}

/** Puts what a proof has counted into its place on the page, by which command; other proofs stay as they are. */
export function writeSection(
  all: readonly Proof[],
  { name, question }: Proof,
  rows: readonly Row[],
  command: string,
): void {
  const day = new Date().toISOString().slice(0, 10);
  const by = `\`${command}\`, ${day}, ${tree()}, Node ${process.version}, ${cpus().length} cores`;
  const sections = new Map(sectionsOf(readFileSync(PAGE, "utf8")));
  sections.set(name, `## ${name}\n\n${question}\n\n${tableOf(rows)}\n\nBy ${by}.\n`);
  const known = all.map((proof) => sections.get(proof.name)).filter((text) => text !== undefined);
  writeFileSync(PAGE, [HEAD, ...known].join("\n"));
}

/** The commit that stands here: a row is of the code of its day. */
function tree(): string {
  const git = (...words: string[]): string =>
    execFileSync("git", ["-C", fileURLToPath(new URL("..", import.meta.url)), ...words], {
      encoding: "utf8",
    }).trim();
  const isChanged = git("status", "--porcelain", "--untracked-files=no") !== "";
  return `commit ${git("rev-parse", "--short=7", "HEAD")}${isChanged ? " and changes" : ""}`;
}

function sectionsOf(page: string): [name: string, text: string][] {
  const parts = page.split(/^## /m).slice(1);
  return parts.map((text) => [text.slice(0, text.indexOf("\n")), `## ${text.trimEnd()}\n`]);
}
