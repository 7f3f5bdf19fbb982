/**
 * Orders that change the mesh, in the words of the lexicon. Each has to be said outright: a word that no pattern knows,
 * a question, a condition or a negation leaves the sentence not understood, for the price of a wrong guess is not the
 * same on both sides.
 *
 *     "sector 7 needs a reboot" ──▶ "T0 need restart" ──moods──▶ "restart T0" ──▶ restart { address: "sector-7" }
 */
import { given, type Named, type Rule, rule } from "./phrase-rule.ts";

const MODES: Readonly<Record<string, string>> = {
  full: "FULL",
  light: "DEGRADED_LIGHT",
  moderate: "DEGRADED_MODERATE",
  severe: "DEGRADED_SEVERE",
  emergency: "EMERGENCY",
};
const none = (): Record<string, unknown> => ({});
const isAgent = (address: string | undefined): boolean => address?.includes("/agent-") === true;
/** Breakers are those of clusters, sectors and the mesh. */
const breaker =
  (action: string) =>
  ({ text, word }: Named): Record<string, unknown> | undefined =>
    isAgent(text("T"))
      ? undefined
      : { action, target: text("T") ?? (word("global") && "orchestrator") };

/** The first thing named is what it is about, a number or an id; a quotation after it is what is said. */
const idOf = ({ text }: Named): string | undefined => text("I") ?? text("N") ?? text("Q");
const commentOf = ({ text, list }: Named): string | undefined =>
  text("I") === undefined && text("N") === undefined ? list("Q")[1] : text("Q");

const LEVEL = "(?<mode>light|moderate|severe|emergency)";
const ANY_LEVEL = "(?<mode>light|moderate|severe|emergency|full)";
const VERB = "(?:observe|orient|decide|act|record|sync)";
const STRATEGY = "(?:wave|parallel|priorityfirst)";
/** What an operation may be said with, in any order; each at most once. */
const SLOT = `(?:<S>|<D>|<P>|quorum|<N>|times|<Q>|${VERB}|${STRATEGY}|again|first|together|operation|all)`;

const ALL = "(?:ALL|all)";
const PLACED = "(?:every|agent|lead|cluster|sector|member|worker|all) ";
const WORKED = "(?:traffic|something|message|more|all|further) ";
const PARDONED = "(?: (?:again|backinto|rotation|routing|traffic|more))*";

const verbIn = (said: string): string | undefined => new RegExp(`\\b${VERB}\\b`).exec(said)?.[0];
const strategyIn = (said: string): string | undefined =>
  new RegExp(`\\b${STRATEGY}\\b`).exec(said)?.[0].replace("priorityfirst", "priority-first");

const operation = ({ said, text, number, list, whom, all }: Named): Record<string, unknown> => {
  const durations = list("D");
  return given({
    verb: verbIn(said),
    strategy: strategyIn(said),
    at: durations[0] && `in ${durations[0]}`,
    select: all ? undefined : whom,
    count: number("N"),
    quorum: number("P"),
    message: text("Q"),
  });
};

/** Ways to give an order, and the order that they give: whoever says one may say any. */
const MOODS: readonly (readonly [RegExp, string])[] = [
  // "I need sector 7 restarted", "get it healed".
  [
    /^(?:i |we )?(?:need|have|get|show|let) (all |ALL |[TWCI]\d+ )((?:[TWCI]\d+ )*)(?:be )?([a-z]+)\+ed\b/,
    "$3 $1$2",
  ],
  // "sector 7 needs a restart", "… needs to be restarted", "… needs restarting".
  [/^([TWCI]\d+|ALL) need(?:\+s)? (?:do |be |get )?([a-z]+)(?:\+ed|\+ing)?$/, "$2 $1"],
  // "do a restart of sector 7", "give sector 7 a restart".
  [/^(?:do|give|take|have|need|get|let|set) ([TWCI]\d+ )?([a-z]+)( [TWCI]\d+| ALL)?$/, "$2 $1$3"],
  // "sector 7: restart".
  [/^([TWCI]\d+|ALL) ([a-z]+)$/, "$2 $1"],
  // "would you mind restarting sector 7", "try restarting it".
  [/^(?:\?mind|\?try) ([a-z]+)\+ing\b/, "$1"],
  [/^\?try (?:do )?/, ""],
  [/^([TW]\d+) need(?:\+s)? (?:do )?recovery$/, "heal $1"],
  [/^(?:i|we) (?=approve|deny|need|have)/, ""],
  [/ again$/, ""],
];

const MOST_MOODS = 12;

/** An order as it was given, and as it would be given outright. */
export function moodsOf(order: string): readonly string[] {
  const said = new Set([order.replaceAll(/ +/g, " ").trim()]);
  // Of what was found too: "we need sector 7 restarted again" is given in three ways at once.
  for (const one of said) {
    if (said.size > MOST_MOODS) break;
    for (const [way, outright] of MOODS)
      if (way.test(one)) said.add(one.replace(way, outright).replaceAll(/ +/g, " ").trim());
  }
  return [...said];
}

/** In the order in which they are tried. */
export const ORDERS: readonly Rule[] = [
  rule(
    "mode",
    [
      `(?:set|go|bring|put|need|do|take|have|let|get) (?:ALL |us |mode |backinto |` +
        `degraded )*${LEVEL}(?: mode| operation)*`,
      `(?:set|go|bring|put|need|do|take|have|let|get) (?:ALL |us |backinto |mode )*(?<mode>full)(?: mode| operation)+`,
      `(?:set|go|bring|put|take) (?:backinto )?(?:ALL )?mode (?:backinto )?${ANY_LEVEL}`,
      `(?:set|go|bring|put|take) (?:ALL )?(?:backinto )?(?<mode>full)`,
      `mode ${ANY_LEVEL}`,
      `${ANY_LEVEL} mode`,
    ],
    ({ word }) => ({ action: "set", mode: MODES[word("mode") as string] }),
  ),
  rule(
    "mode",
    [
      "(?:set|put|go|let|bring|get|do|have) (?:backinto |ALL |mode )*auto(?: mode| again| ALL)*",
      "(?:keep|let) mode (?:auto|ALL)(?: again)?",
      "(?:let )?mode (?:backinto )?auto(?: again| ALL)*",
      "(?:auto|backinto auto) mode",
      "backinto auto(?: mode)?",
    ],
    () => ({ action: "auto" }),
  ),
  rule(
    "thaw",
    [
      `thaw(?: operation| traffic| agent| all)*(?: <T>| ${ALL})?(?: again)?`,
      `let (?:<T>|${ALL}) (?:do|go|happen|thaw|live|alive|\\?work|traffic)(?: again)?`,
      `(?:get|set|put) (?:<T>|${ALL}) (?:going|do\\+ing|go\\+ing|happen\\+ing)(?: again)?`,
      `(?:take|get) (?:<T>|${ALL}) out (?:freeze|frozen)`,
      `(?:\\?lift|kill|release|undo|remove) freeze(?: <T>| ${ALL})?`,
      `(?:do|thaw) (?:operation|traffic)(?: <T>| ${ALL})? again`,
    ],
    ({ text }) => given({ scope: text("T") }),
  ),
  rule(
    "freeze",
    [
      `freeze(?: operation| traffic| agent| all)*(?: <T>| ${ALL})(?:(?: and (?:\\?save|put|keep)(?: pronoun)?)? <F>)?`,
      `freeze (?:operation|traffic|all agent|agent)(?: <F>)?`,
      `(?:put|set|bring|take|keep) (?:<T>|${ALL}) (?:frozen|freeze|\\?standstill)`,
      `(?:emergency|all) freeze(?: ${ALL})?`,
      `(?:do )?freezeall(?: ${ALL})?`,
    ],
    ({ text }) => given({ scope: text("T"), to: text("F") }),
  ),
  rule(
    "heal",
    [
      "heal(?: agent| cluster| sector| all| what| which| who| is| are| news| degraded| offline| stuck)* (?:<T>|<W>)" +
        "(?: healthyagain| fine| news)?",
      "restore <T>(?: healthyagain| fine| health| rotation)?",
      "(?:get|bring|put|take|do|nurse|heal) (?:<T>|<W>) (?:backinto )?(?:healthyagain|fine|alive|health|" +
        "\\?life|live)(?: again)?",
      "do (?:heal|heal\\+ing|recovery|back recovery) (?:<T>|<W>)",
      "do recovery (?:<T>|<W>)",
    ],
    ({ text }) => ({ target: text("T") ?? text("W") }),
  ),
  rule(
    "heal",
    [
      "heal(?: (?:ALL|all|auto|yourself|agent|sector|cluster|\\?yourself|\\?itself))*",
      "heal (?:what|which|all|ALL|\\?whatever|\\?whoever|who) (?:is |has |are )?(?:news|degraded|offline|" +
        "stuck|need\\+s|needs|quarantined|fail\\+ed|fail\\+s)(?: heal\\+ing| heal| pronoun)?",
      "heal (?:all |ALL )?(?:degraded|offline|quarantined|news)(?: agent)?",
      "do (?:auto )?(?:recovery|heal\\+ing|heal)(?: ALL)?",
    ],
    () => ({ target: "auto" }),
  ),
  rule(
    "circuits",
    [
      "(?:reset|close) (?:(?<global>global|ALL) )?breaker(?: <T>)?",
      "(?:reset|close) breaker (?<global>ALL)",
      "(?:reset|close) <T> breaker",
      "restore (?:<T> )?breaker(?: <T>)?",
    ],
    breaker("reset"),
  ),
  rule(
    "circuits",
    [
      "(?:trip|open|fail) (?:(?<global>global|ALL) )?breaker(?: <T>)?",
      "(?:trip|open|fail) <T> breaker",
      "trip <T>(?: breaker)?",
      "(?:put|set) <T> quarantined",
      "quarantine <T>",
    ],
    breaker("trip"),
  ),
  rule("restart", [`restart (?:${PLACED})*<T>(?: (?:agent|lead|again))*`], ({ text }) => ({
    address: text("T"),
  })),
  // A sector may have its breaker reset as well as its agents.
  rule("restart", ["reset (?:agent )?<T>"], ({ text }) =>
    isAgent(text("T")) ? { address: text("T") } : undefined,
  ),
  rule("kill", [`kill (?:${PLACED})*(?:<T>|<W>)(?: (?:lead|agent))?`], ({ text }) => ({
    target: text("T") ?? text("W"),
  })),
  rule(
    "route",
    [
      `avoid (?:${WORKED}|routing |agent )*(?:<T>|<C>)(?: (?:rotation|routing|traffic|more|` +
        `again))*(?: (?:<Q>|<K>|\\?(?<cap>[\\w.-]+)))?(?: traffic)?`,
      "(?:take|put|keep|remove|get|bring|let) (?:<T>|<C>) (?:out|away)(?: (?:rotation|routing|traffic|rotation))+",
      "remove (?:<T>|<C>) (?:rotation|routing)",
      "(?:keep) (?:<T>|<C>) out",
      "(?:put|add|set) (?:<T>|<C>) avoidlist",
      `(?:send|give) (?:not |traffic )+(?:<T>|<C>)`,
      `(?:send|give) (?:<T>|<C>) not traffic`,
      `(?:keep|send|get|give) (?:${WORKED})*(?:away|out|around) (?:<T>|<C>)`,
      `(?:do )?(?:freeze|not) (?:send|give|use|let)(?:\\+ing)? (?:${WORKED})*(?:<T>|` +
        `<C>)(?: (?:more|again|any|longer|traffic|rotation))*`,
      `(?:do )?(?:freeze|not) (?:give|send)(?:\\+ing)? (?:<T>|<C>) (?:any |${WORKED})*(?:traffic|message)(?: more)?`,
      "not (?:traffic|message)(?: traffic)* (?:<T>|<C>)(?: more)?",
    ],
    ({ text, word }) =>
      given({
        action: "avoid",
        target: text("T") ?? text("C"),
        capability: text("Q") ?? text("K") ?? word("cap"),
      }),
  ),
  rule(
    "route",
    [
      "(?:do )?(?:freeze|not|kill) avoid(?:\\+ing)? (?:<T>|<C>)(?: (?:more|again|any|longer))*",
      `allow (?:${WORKED})*(?:<T>|<C>)${PARDONED}`,
      "(?:take|remove|get|discard|shrink) (?:<T>|<C>) (?:out )?avoidlist",
      `(?:<T>|<C>) (?:would|may) (?:be )?(?:take|get|have|receive|use|use\\+ed) (?:${WORKED})*again`,
      `use (?:<T>|<C>)(?: (?:again|backinto|more))+`,
      `(?:do|thaw) (?:routing|traffic|send\\+ing|use\\+ing|allow\\+ing) (?:${WORKED})*(?:<T>|<C>)(?: again)?`,
      `(?:send|give|let|put|bring|take|have|get) (?:${WORKED})+(?:\\?flow )?(?:backinto ` +
        `)?(?:again )?(?:<T>|<C>)(?: (?:again|backinto|more))+`,
      `(?:send|give|let|put|bring|take|have|get) (?:${WORKED})*(?:backinto|\\?flow) (?:again )?(?:<T>|<C>)(?: again)?`,
      "(?:put|bring|take|let|get|have|send|add) (?:<T>|<C>) (?:(?:backinto|again) )+(?:rotation|routing|" +
        "traffic)(?: again)?",
    ],
    ({ text }) => given({ action: "allow", target: text("T") ?? text("C") }),
  ),
  rule(
    "cascade",
    [`(?:(?:do|send|get|need|let|have|repeat) )?(?:${SLOT} )*cascade(?:\\+s)?(?: ${SLOT})*`],
    (named) => (fewEnough(named) ? operation(named) : undefined),
  ),
  rule(
    "cascade",
    [
      `${VERB} (?:ALL|all)(?: (?:<D>|${STRATEGY}|together))*`,
      `(?:get|have|do|bring|need|let) (?:ALL|all)(?: be)? (?:ready|together|healthyagain|${VERB}|` +
        `sync\\+ed)(?: (?:<D>|together))*`,
      `<D> (?:get|have|do) (?:ALL|all) (?:ready|sync)`,
      `do sync (?:ALL|all)(?: <D>)?`,
    ],
    operation,
  ),
  rule(
    "scatter",
    [`(?:(?:do|send|get|need|let|have) )?(?:${SLOT} )*scatter(?:\\+s)?(?: ${SLOT})*`],
    (named) =>
      fewEnough(named) && strategyIn(named.said) === undefined ? operation(named) : undefined,
  ),
  rule(
    "scatter",
    [
      `(?:get|have|do|bring|need|let) (?:<T>|<C>|<K>)(?: be)? (?:ready|together|${VERB}|` +
        `sync\\+ed)(?: (?:<D>|together))*`,
      `sync (?:<T>|<C>|<K>)(?: (?:<D>|together))*`,
      `${VERB} (?:<T>|<C>|<K>)(?: together)? <D>(?: together)?`,
      `<D> (?:get|have|do) (?:<T>|<C>|<K>) (?:ready|sync)`,
      `do sync (?:<T>|<C>|<K>)(?: <D>)?`,
    ],
    operation,
  ),
  rule(
    "conflicts",
    [
      "resolve (?:conflict )?(?:item )?(?:<I>|<N>)(?: (?:outcome|\\?outcome|comment|item|note) <Q>| <Q>)?",
      "set (?:conflict )?<I> (?:resolve\\+ed|decided)",
      "close (?:conflict )?(?:<I>)",
      "close conflict <N>",
    ],
    ({ text }) =>
      text("I")?.startsWith("review-")
        ? undefined
        : given({ action: "resolve", id: text("I") ?? text("N"), outcome: text("Q") }),
  ),
  rule(
    "quarantine",
    [
      "(?<action>release|discard|remove) (?:(?:quarantinedata|quarantine|quarantined|conflict|item|message|" +
        "memory) )*(?:<I>|<N>)(?: (?:quarantine|quarantined|out|data))*(?: (?<caller>\\?caller))?",
      "let (?:item )?(?:<I>|<N>) (?:out )?(?:quarantine|quarantined)",
      "(?:take|get) (?:<I>|<N>) out (?:quarantine|quarantined)",
    ],
    (named) => {
      const action = named.word("action") ?? "release";
      const id = named.text("I") ?? named.text("N");
      if (id?.startsWith("review-")) return undefined;
      return given({
        action: action === "release" ? "release" : "discard",
        id,
        to: named.word("caller") && "caller",
      });
    },
  ),
  rule(
    "inbox",
    [
      "(?<action>approve|deny|allow) (?:(?:inbox|item|review) )*(?:<I>|<N>)(?: (?:comment|\\?saying|say|note|" +
        "\\?noting))?(?: <Q>)?",
    ],
    (named) =>
      idOf(named)?.startsWith("conflict-")
        ? undefined
        : given({
            action: named.word("action") === "deny" ? "deny" : "approve",
            id: idOf(named),
            comment: commentOf(named),
          }),
  ),
  rule(
    "inbox",
    [
      "(?:give|decide|answer|say) <I> (?<answer>yes|approve|not|deny|inbox)",
      "(?<answer>yes|not) <I>",
    ],
    ({ text, word }) =>
      text("I")?.startsWith("conflict-")
        ? undefined
        : { action: /not|deny/.test(word("answer") ?? "") ? "deny" : "approve", id: text("I") },
  ),
  rule(
    "inbox",
    [
      "comment (?:(?:inbox|item|review) )*(?:<I>|<N>)(?: \\?saying| say| that)? <Q>",
      "(?:put |give |have |add )?comment <Q> (?:(?:inbox|item|review) )*(?:<I>|<N>)",
      "add <Q> (?:comment )?(?:<I>|<N>)(?: comment)?",
      "say <Q> (?:<I>|<N>)",
    ],
    (named) => ({
      action: "comment",
      id: named.text("I") ?? named.text("N"),
      comment: named.text("Q"),
    }),
  ),
  rule(
    "dead-letters",
    [
      "(?:replay|send|do|give) (?:(?:deadletter|message|item) )*<N>(?: deadletter)?(?: again)?",
      "(?:\\?try|\\?attempt) (?:replay|send)\\+ing (?:(?:deadletter|message|item) )*<N>(?: again)?",
    ],
    ({ number }) => ({ action: "replay", id: number("N") }),
  ),
  rule(
    "reassign",
    [
      "reassign (?:all |ALL |more |traffic |message |stuck |agent )*<T>(?: and <T>| <T>)*" +
        "(?: (?:agent|other|\\?others?|\\?another|\\?someone|\\?somebody|else|\\?else))*",
    ],
    ({ list }) => (list("T").every(isAgent) ? { agents: [...list("T")] } : undefined),
  ),
  rule(
    "scale",
    [
      "(?:add|do|bring|get|need|have) <N>(?: more)* agent(?: (?:ALL|<T>))?",
      "add <N>(?: more)* (?:ALL|<T>)",
      "(?:grow|\\?scale)(?: ALL)?(?: (?:up|out|by|alive))*(?: by)? <N>(?: more)*(?: agent)?",
      "grow <T>(?: by)? <N>(?: more)*(?: agent)?",
    ],
    ({ number, text }) => given({ action: "add", count: number("N"), within: text("T") }),
  ),
  rule(
    "scale",
    [
      "(?:remove|discard) <N> agent(?: (?:ALL|<T>))?",
      "remove <N> (?:ALL|<T>)",
      "shrink(?: ALL| <T>)?(?: by)? <N>(?: agent)?",
    ],
    ({ number, text }) => given({ action: "remove", count: number("N"), within: text("T") }),
  ),
  rule(
    "scale",
    ["admit (?:all |more |agent |pronoun |that |waiting |stuck |\\?newcomers |again )*"],
    () => ({ action: "admit" }),
  ),
  rule(
    "keys",
    ["(?:rotate|renew|set|\\?renew) (?:all )?key(?: <T>| ALL)?", "(?:rotate|renew) <T> key"],
    ({ text }) => given({ action: "rotate", scope: text("T") }),
  ),
  rule("keys", ["revoke (?:all )?key <T>", "revoke <T>(?: key)?"], ({ text }) => ({
    action: "revoke",
    scope: text("T"),
  })),
  rule("keys", ["(?:do|add) (?:all )?key"], () => ({ action: "init" })),
  rule(
    "undo",
    [
      "undo(?: (?:pronoun|that|this|change|last|again|backinto|what (?:i|we|you)|do\\+ed|i|we|you|undo|" +
        "\\?mistake|set\\+ed))*",
      "(?:put|set|take|bring|get) (?:pronoun|that) backinto(?: how)?",
    ],
    none,
  ),
  rule(
    "backup",
    [
      "(?:(?:do|take|get|need|have|let|show|put|save|\\?save) )?(?:more |current )*back(?: (?:ALL|all|state|" +
        "conflict|log|and|\\?registry))*(?: <F>)?",
      "\\?save (?:back|ALL|state ALL)(?: <F>)?",
    ],
    ({ text }) => given({ to: text("F") }),
  ),
  rule(
    "restore",
    ["restore(?: (?:back|ALL|state|all))* (?:<F>|<Q>)", "(?:go|set) backinto back (?:<F>|<Q>)"],
    ({ text }) => ({ from: text("F") ?? text("Q") }),
  ),
  rule(
    "incident",
    ["(?:(?:do|walk|open|declare) )?incident <T> (?:and |do )?yes(?: all)?"],
    ({ text }) => ({ target: text("T"), yes: true }),
  ),
  // With the mesh that runs: it stands still for as long as that takes.
  rule(
    "diff",
    [
      "compare (?:(?:ALL|live|and) )*<F>(?: (?:ALL|live|and))*",
      "what (?:has |have )?set\\+ed since <F>",
    ],
    ({ text }) => ({ first: text("F") }),
  ),
  rule("fork", ["(?:do )?fork(?: ALL| mesh| live| alive)*", "do more fork(?: ALL)?"], none),
  rule("fork", ["(?:do )?fork(?: freeze\\+ed| frozen| ALL)* (?:<F>|<Q>)"], ({ text }) => ({
    file: text("F") ?? text("Q"),
  })),
  rule("fork", ["(?:freeze|kill|close) (?:fork |item )*\\?(?<id>fork-\\d+)"], ({ word }) => ({
    stop: word("id"),
  })),
];

/** At most one of each kind: two of them belong to two orders. */
function fewEnough({ list }: Named): boolean {
  return (
    ["D", "P", "N", "Q"].every((letter) => list(letter).length <= 1) &&
    ["T", "C", "K"].reduce((sum, letter) => sum + list(letter).length, 0) <= 1
  );
}
