/** What may have been meant by a sentence that was not understood: commands to type, the likeliest first. */
import type { Command } from "../command/command.ts";
import { nearest } from "../terminal/nearest.ts";
import { readPhrase } from "./phrase.ts";

const MOST = 3;
/** Words that belong to a command besides its name and its help. */
const KIN: Readonly<Record<string, string>> = {
  status: "happening going how state overview",
  agents: "slow slowest list who which",
  freeze: "halt stop pause emergency",
  thaw: "resume unfreeze continue",
  heal: "fix repair recover broken",
  restart: "reboot reset",
  route: "avoid around bypass traffic",
  cascade: "sync everyone together ready",
  ask: "question poll sample",
  broadcast: "announce tell everyone message",
  delegate: "task assign job",
  "dead-letters": "undelivered lost bounced",
  kpis: "metrics performance rate accuracy",
  why: "stuck blocked waiting reason",
  scale: "add more grow shrink",
};
const EMPTY = new Set(
  "the a an of to and or is are in on it for with by me i you we all that what how do does be can".split(
    " ",
  ),
);

/** At most three; none when nothing in the sentence sounds like a command. */
export function nearestCommands(sentence: string, commands: readonly Command[]): readonly string[] {
  const read = readPhrase(sentence);
  if (read === undefined) return [];
  const heard = new Set(
    read.words
      .toLowerCase()
      .split(/[^a-z]+/)
      .filter((word) => word.length > 2 && !EMPTY.has(word)),
  );
  const scored = commands.map((command) => ({ command, score: scoreOf(command, heard) }));
  const likely = scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
  const place = [...read.named].find(([mark]) => mark.startsWith("T"))?.[1];
  return likely.slice(0, MOST).map(({ command }) => suggestion(command, place?.toString()));
}

function scoreOf(command: Command, heard: ReadonlySet<string>): number {
  const kin = new Set((KIN[command.name] ?? "").split(" "));
  const about = new Set(command.help.toLowerCase().split(/[^a-z]+/));
  let score = 0;
  for (const word of heard) {
    if (word === command.name || nearest(word, [command.name]) !== undefined) score += 3;
    else if (kin.has(word)) score += 2;
    else if (!EMPTY.has(word) && about.has(word)) score += 1;
  }
  return score;
}

function suggestion({ name, parameters }: Command, place: string | undefined): string {
  const takesPlace = Object.values(parameters).some(
    (parameter) => parameter.place === "positional" && parameter.complete === "address",
  );
  return takesPlace && place !== undefined ? `${name} ${place}` : name;
}
