/**
 * Places of the mesh as people say them: `cluster 7-4`, `agent 12 in cluster 4 of sector 7`,
 * `SECTOR7-CLUSTER4-AGENT-12`.
 */

/** What stands between the parts of a place. */
const JOINT = String.raw`[\s,/\-_]*(?:of|in|from|on|at)?[\s,/\-_]*(?:the\s+)?`;
const NUMBERED = String.raw`[\s\-_#]*(?:(?:number|num|no|nr)[\s.#]*)?`;
const SECTOR = String.raw`\b(?:sectors?|sec|s)${NUMBERED}(\d+)`;
const CLUSTER = String.raw`(?:clusters?|cl|c)${NUMBERED}(\d+)`;
const AGENT = String.raw`(?:agents?|ag|a)${NUMBERED}(\d+)`;

interface Form {
  readonly pattern: RegExp;
  /** Which group is the sector, the cluster, the agent; 0 for none. */
  readonly groups: readonly [number, number, number];
}

function form(source: string, groups: Form["groups"]): Form {
  return { pattern: new RegExp(String.raw`${source}\b(?![-/]\d)`, "gi"), groups };
}

/** The longer first: a part of a place is a place too. */
const FORMS: readonly Form[] = [
  form(SECTOR + JOINT + CLUSTER + JOINT + AGENT, [1, 2, 3]),
  form(String.raw`\b${AGENT}${JOINT}${CLUSTER}${JOINT}${SECTOR.slice(2)}`, [3, 2, 1]),
  form(String.raw`\b${AGENT}${JOINT}clusters?[\s#]*(\d+)\s*[-./]\s*(\d+)`, [2, 3, 1]),
  form(String.raw`\bclusters?[\s#]*(\d+)\s*[-./]\s*(\d+)${JOINT}${AGENT}`, [1, 2, 3]),
  form(String.raw`\bagents?[\s#]*(\d+)\s*[-./]\s*(\d+)\s*[-./]\s*(\d+)`, [1, 2, 3]),
  form(String.raw`\b${AGENT}${JOINT}(?:cluster\s*)?(\d{1,3})-(\d{1,3})`, [2, 3, 1]),
  form(String.raw`(?<![\w./:#-])(\d{1,3})-(\d{1,3})-(\d{1,3})`, [1, 2, 3]),
  form(SECTOR + JOINT + CLUSTER, [1, 2, 0]),
  form(String.raw`\b${CLUSTER}${JOINT}${SECTOR.slice(2)}`, [2, 1, 0]),
  form(String.raw`\bclusters?[\s#]*(\d+)\s*[-./]\s*(\d+)`, [1, 2, 0]),
  form(String.raw`(?<![\w./:#-])(\d{1,3})-(\d{1,3})`, [1, 2, 0]),
  form(SECTOR, [1, 0, 0]),
];

/** `sectors 3, 4 and 5`, `agents 12 and 19 in cluster 7-4`: several places that share what is said once. */
const LISTS: readonly { readonly pattern: RegExp; readonly noun: string }[] = [
  list("sector"),
  list("cluster"),
  list("agent"),
  list("worker"),
];
const NUMBER = String.raw`\d+(?:\s*[-./]\s*\d+){0,2}`;
const ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split(" ");

function list(noun: string): { readonly pattern: RegExp; readonly noun: string } {
  const number = String.raw`\d+(?:\s*[-./]\s*\d+){0,2}`;
  const more = String.raw`(?:\s*(?:,|and|&|,\s*and)\s*(?:${noun}s?\s*)?(?:${number}))+`;
  const cluster = String.raw`(?:cluster\s*\d+(?:\s*[-./]\s*\d+)?)?`;
  const sector = String.raw`(?:\s*(?:of|in|,)?\s*sector\s*\d+)?`;
  const within = String.raw`(?:\s+(?:of|in|from)\s+(?:the\s+)?${cluster}${sector})?`;
  return {
    pattern: new RegExp(String.raw`\b${noun}s\s+(${number}${more})(${within})`, "gi"),
    noun,
  };
}

/** Writes each place as `place(address)` gives it, everything else as it is. */
export function replacePlaces(text: string, place: (address: string) => string): string {
  let written = spreadOrdinals(text);
  for (const { pattern, noun } of LISTS) {
    written = written.replaceAll(pattern, (_, numbers: string, within: string) => {
      const each = numbers.match(new RegExp(NUMBER, "g")) as string[];
      return each.map((number) => `${noun} ${number.replaceAll(/\s/g, "")}${within}`).join(" and ");
    });
  }
  written = written.replaceAll(/\b(orchestrator|spawned-\d+)\b/gi, (name) =>
    place(name.toLowerCase()),
  );
  for (const { pattern, groups } of FORMS) {
    written = written.replaceAll(pattern, (...found) => {
      const [sector, cluster, agent] = groups.map((group) => found[group] as string);
      const lead = groups[1] === 0 ? "" : `/cluster-${Number(cluster)}`;
      const last = groups[2] === 0 ? "" : `/agent-${Number(agent)}`;
      return place(`sector-${Number(sector)}${lead}${last}`);
    });
  }
  return written;
}

/** `the seventh sector`, `the 7th sector` → `sector 7`. */
function spreadOrdinals(text: string): string {
  const ordinal = String.raw`(${ORDINALS.join("|")}|\d+(?:st|nd|rd|th))`;
  return text.replaceAll(
    new RegExp(String.raw`\b${ordinal}\s+(sector|cluster|worker)\b`, "gi"),
    (_, rank: string, noun: string) => {
      const known = ORDINALS.indexOf(rank.toLowerCase());
      return `${noun} ${known >= 0 ? known + 1 : Number.parseInt(rank, 10)}`;
    },
  );
}
