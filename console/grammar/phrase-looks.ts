/** The topics of sentences that look at the mesh itself: how it is, who is in it, what somebody is at. */
import { type Heard, type Topic, topic } from "./phrase-topics.ts";

const STATES = ["degraded", "offline", "quarantined", "active"] as const;
const SORTS: readonly (readonly [string, RegExp])[] = [
  ["processing", /\bprocessing\b/i],
  ["reliability", /\breliab/i],
  ["drift", /\bdrift/i],
  ["queue", /\b(?:queues?|mailbox|backlog)\b/i],
  ["latency", /\blatency\b/i],
  ["impedance", /\bimpedance\b/i],
];

const sortOf = ({ typed }: Heard): string | undefined =>
  SORTS.find(([, said]) => said.test(typed))?.[0];

const selection = (heard: Heard): Record<string, unknown> => ({
  within: heard.area,
  class: heard.text("C"),
  capability: heard.text("K") ?? capabilityOf(heard),
  state: STATES.find((state) => heard.has(state)),
});

/** `agents with vision`: a word that nobody knows, where only a capability can be meant. */
function capabilityOf({ all, typed }: Heard): string | undefined {
  const said =
    /\b(?:agent|C\d+|ALL|who) (?:with|for|know\+?s?|who|do\+?s?|have|has) (?:do )?(?:a |the )?\?([\w.-]+)/.exec(
      all,
    )?.[1] ?? /\?([\w.-]+) agent\b/.exec(all)?.[1];
  if (said === undefined) return undefined;
  const at = typed.toLowerCase().indexOf(said);
  return at < 0 ? said : typed.slice(at, at + said.length);
}

const STATUS_WORDS =
  "status:3 state:2 change:1 set+ed:1 set+s:1 going:1 news:3 fine:2 happen:3 happen+s:1 ALL:1 alive:1.5 " +
  "frozen:2 freeze+ed:2 health:1 impedance:2.5 active:2 " +
  "degraded:1 offline:1 accurate:0.5 arrive:0.5 fail:1 answer:1 stuck:0.5 memory:1.5 show:1 slow:0.5 " +
  "overnight:0.3 attention:0.5 lead:1 how:1 what:0.5 heal+ed:1 recover:1 go:1 explain:1";

const HOW_MANY: readonly (readonly [RegExp, number])[] = [
  [/^howmany (?:agent|ALL|sector|cluster|T\d+)/, 2],
  [/^howmany .*\b(?:alive|active)\b/, 2],
];

/** In the order in which an even score is settled. */
export const LOOKS: readonly Topic[] = [
  topic(
    "why",
    "why:5 stuck:4 slow:2 traffic:2 wait:4 block:4 hang:4 lag:3 explain:4 keep:4 answer:2 fail:1 what:1 " +
      "alive:0.5 news:3.5 waiting:4 queue:1 degraded:1 quarantined:1 offline:1 freeze+ed:1 do+ing:3 " +
      "attention:1 toolate:2",
    [
      [/\bwhat\b.*\bdo\b/, 2],
      [/(?:T\d+ )+(?:and )?(?:is )?stuck/, 1],
    ],
    ({ list }) => ({ agents: [...new Set(list("T"))].join(",") }),
    ({ list }) => list("T").length > 0 && list("T").every((place) => place.includes("/agent-")),
  ),
  topic(
    "trace",
    "trace:6 origin:5 chain:5 M:4 cause:2 last:1 message:1 send+ed:3",
    [[/\blast message\b/, 4]],
    ({ text, agent, number }) => ({ target: text("M") ?? agent ?? number("N")?.toString() }),
    ({ has, agent, number }) => has("M") || agent !== undefined || number("N") !== undefined,
  ),
  topic(
    "inspect",
    "inspect:4 show:1.2 traffic:1 memory:2.5 state:1.5 status:2 queue:3 lead:2 fine:1.5 alive:2 worker:2 " +
      "impedance:2 restart+ed:3.5 restart+s:3 message:1 active:1 news:0.5 health:1.5 slow:1.5 how:1 what:0.5 " +
      "frozen:1 freeze+ed:1 kill+ed:1 offline:1.5 degraded:1.5 quarantined:1.5 go:1 happen:2 get:1 give:1 " +
      "find:1 open:1 which:0.5 explain:1 who:1",
    [
      [/./, 2.5],
      [/^T\d+$/, 1],
    ],
    ({ agent }) => ({ address: agent }),
    ({ agent, list }) => agent !== undefined && list("T").length === 1,
  ),
  topic(
    "inspect",
    "inspect:6 lead:6 memory:2 explain:0.5",
    [],
    ({ area }) => ({ address: area }),
    ({ area, agent, has }) => area !== undefined && agent === undefined && has("inspect", "lead"),
  ),
  topic(
    "agents",
    "agent:2 slow:4 degraded:3.5 offline:3.5 quarantined:3.5 active:2 C:3 K:4 member:4 who:1 which:1 show:1 " +
      "N:0.5 ALL:0.5 first:0.5 find:1 have:0.3 lag:3 fall:1 reside:3 alive:0.5 howmany:0.5 top:1 in:0.2 " +
      "worker:1 get:0.5 give:0.5 impedance:1 frozen:0.5 open:0",
    [
      [/\b(?:agent|C\d+) \?[\w.-]+$/, 2],
      [/\b(?:agent|member) T\d+/, 1.5],
      [/\?[\w.-]+ agent\b/, 2],
      [/^(?:show|give|get|find|find\+ing)? ?(?:me )?(?:all )?(?:agent|ALL)$/, 1.5],
      [/^(?:N\d+ )?slow\b/, 1],
    ],
    (heard) =>
      heard.agent !== undefined
        ? undefined
        : {
            ...selection(heard),
            slow:
              heard.has("slow", "lag") || (heard.has("by") && heard.has("impedance"))
                ? true
                : undefined,
            limit: heard.number("N"),
          },
    ({ has, typed, all }) =>
      !has("message", "deadletter") &&
      (has("slow", "C", "K", "member", "agent", "lag", "who", "howmany") ||
        /\bagents\b/i.test(typed) ||
        // A place that is down is one thing, those who are down in it another.
        (has(...STATES) &&
          !/\b(?:is|are|has|have) (?:T\d|ALL$|ALL (?!agent)|we\b|it\b)/.test(all) &&
          !/^T\d+ (?:is |are |has )?(?:degraded|offline)/.test(all) &&
          !/\bALL (?:degraded|offline)$/.test(all))),
  ),
  topic(
    "top",
    "top:5 live:7 watch:5 queue:1 by:1 impedance:0.5 show:0.5 open:1 ALL:0.5 N:0.5 reliab:1",
    [
      [/\b(?:\?busiest|\?loaded|\?longest queue|\?deepest queue)\b/, 6],
      [/T\d+/, 0.5],
    ],
    (heard) => ({
      sort: sortOf(heard),
      within: heard.area ?? heard.agent,
      limit: heard.number("N"),
    }),
    ({ has, typed }) =>
      (has("top") && !has("slow")) ||
      has("live", "watch") ||
      /\b(?:busiest|most loaded|longest queues?|deepest queues?)\b/i.test(typed),
  ),
  topic(
    "tree",
    "tree:7 structure:5 member:1 level:2 show:0.5 sector:2 cluster:2 which:1 what:0.5 reside:2 have:0.5 " +
      "draw:1 N:0.3 ALL:0.3",
    [
      [/\b(?:all )?sector(?! ?N\d)\b/, 1],
      [/\bcluster(?! ?N\d)\b.*T\d+/, 1.5],
      [/T\d+.*\bcluster\b/, 1.5],
      [/^(?:show |all )*(?:sector|cluster)$/, 1],
    ],
    ({ text, number }) => ({ address: text("T"), depth: number("N") }),
    ({ has, agent }) =>
      agent === undefined &&
      (has("tree", "structure") ||
        (has("sector", "cluster") &&
          !has("fine", "news", "alive", "health", "degraded", "offline", "slow"))),
  ),
  topic(
    "status",
    STATUS_WORDS,
    [
      ...HOW_MANY,
      [/T\d+/, 2],
      [/^T\d+$/, 2],
      [/^(?:show |how |what |give |get |check )*T\d+$/, 1.5],
      [/\b(?:what|how)\b.*\bT\d+|\bT\d+.*\b(?:what|how)\b/, 1.5],
      [/\bhow\b.*\bgoing\b/, 2],
      [/^how (?:agent|ALL)$|^how \?stand$|\?fire$/, 2.5],
      [
        /^(?:which |what |show |any |worst )*(?:sector|cluster) (?:degraded|offline|slow|fine|alive|active)/,
        5,
      ],
      [/\bsomething\b.*\bT\d+/, 1],
      [/\blast\b.*\bcascade\b|\bcascade\b.*\blast\b/, 5],
      [/^how(?: (?:go\+ing|go|do\+ing|do))*(?: ALL| pronoun)?(?: (?:go\+ing|do\+ing|do|go))*$/, 2],
      [/\bgo\+ing\b|\bdo\+ing\b/, 1],
      [/^(?:is |are )(?:we|ALL|all|pronoun|you|us) (?:\S+ )?(?:fine|alive|healthyagain)/, 2],
      [/\bdo\+ed\b.* heal\b|\bheal\+ed\b/, 2],
      [/^(?:current )?state$|^health$/, 2],
    ],
    ({ area }) => ({ target: area }),
    ({ agent, has }) => agent === undefined && !has("C", "K"),
  ),
];
