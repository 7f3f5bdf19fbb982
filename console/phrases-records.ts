/** Phrases that look at what the mesh keeps, counts and foresees. */
import { given, type Rule, rule } from "./phrase-rule.ts";

const none = (): Record<string, unknown> => ({});

/** In the order in which they are tried. */
export const RECORDS: readonly Rule[] = [
  rule(
    "dead-letters",
    [
      "(?:show|list|see|what|which|are there)?(?: me)?(?: all)? ?(?<reason>poison|expired|" +
        "mailbox full|stopped|quarantined|undecodable|circuit open|unknown actor|dropped " +
        "oldest)(?: dead)? (?:letters?|messages?|mail)(?: (?:to|for) <T>)?",
      "(?:show|list)?(?: me)? ?dead letters (?:that are |because of |with reason |that " +
        ")(?<reason>poison|expired|mailbox full|stopped|quarantined|undecodable)",
    ],
    ({ word, text }) => given({ reason: word("reason")?.replaceAll(" ", "-"), target: text("T") }),
  ),
  rule(
    "inbox",
    [
      "(?:show|list|open)?(?: me)? ?inbox (?:with|including) (?:decided|closed|all)(?: ones| " +
        "items)*(?: too)?",
      "(?:show|list)(?: me)? all inbox items",
    ],
    () => ({ all: true }),
  ),
  rule(
    "backup",
    [
      "(?:show|list|see|what)(?: me)?(?: all| our)? ?backups?(?: are there| do we have| exist)?",
      "(?:which|what) backups (?:are there|do we have|exist)",
      "backups",
    ],
    () => ({ action: "list" }),
  ),
  rule(
    "kpis",
    [
      "(?:show |list |print |give |display |see |get |check )?(?:me |us )?(?:all |current " +
        ")?(?:kpis?|key performance indicators?|metrics|indicators|performance|numbers|figures|" +
        "score|scores|scorecard|statistics|stats|success metrics)(?: ~)?(?: ALL)?(?: by (?<by>hour|" +
        "day|operation)s?)?(?: (?:per|for each|each|every) (?<each>hour|day|operation))?",
      "(?<each>hourly|daily)(?: kpis?| metrics| figures| numbers| report)?",
      "(?:kpis?|metrics|figures) (?<each>hourly|daily)",
      "how (?:well|good|accurate|punctual|reliable) (?:are|is|do|does|were|was) (?:predictions?|" +
        "prediction|arrivals?|we|coordination|ALL|forecasts?|timing|operations?)(?: doing| " +
        "performing| do| perform| work| working| at predicting)?",
      "(?:what is|show|how (?:high|low|good) is)(?: me)?(?: current| our)? ?(?:coordination " +
        "success rate|success rate|arrival window hit rate|hit rate|arrival rate|prediction " +
        "accuracy|accuracy|conflict rate|availability|mesh availability|uptime share|cascade " +
        "latency|cascade p95|p95|recovery time)(?: ~ ALL)?",
      "(?:are|do) we (?:meeting|hitting|on|reaching|meet|hit|reach|within)(?: all)? (?:targets?|" +
        "kpis?|goals?|slos?|objectives?)",
      "how long (?:does|do|did) (?:recovery|cascades?|recoveries)(?: usually| normally)? take",
      "what (?:percentage|share|fraction|part) (?:of )?(?:agents|operations|ALL) (?:arrive|" +
        "arrived|succeed|succeeded|reach|reached|hit)(?: in time| on time| quorum| target)?",
    ],
    ({ word }) => given({ by: SPANS[word("by") ?? word("each") ?? ""] }),
  ),
  rule(
    "dead-letters",
    [
      "(?:show |summary of |count |count of |number of |how many )?(?:dead letters?|dead " +
        "letter)(?: summary| counts?| by reason| statistics)(?: ~ ALL)?",
      "(?:count|summari[sz]e|how many)(?: are| of)?(?: there)? ?(?:dead letters?|undelivered " +
        "messages|undeliverable messages)(?: are there| do we have| have we)?",
    ],
    () => ({ action: "summary" }),
  ),
  rule(
    "dead-letters",
    [
      "(?:show|list|see|get|print|display|view|open|check|what are|what is in|look at|are there|" +
        "is there)?(?: me)?(?: any| all| latest| last| recent| newest| <N>)* ?(?:dead letters?|" +
        "dead letter office|undelivered messages?|undeliverable messages?|lost messages?|failed " +
        "messages?|bounced messages?|dropped messages?)(?: (?:to|for|of) <T>)?",
      "(?:what|which)(?: messages?| mail)? (?:could|can|were|was|have|has) (?:not |been )*(?:be " +
        ")?(?:delivered|undelivered|undeliverable|dropped|lost|bounced)(?: (?:to|for) <T>)?",
      "(?:messages|letters) (?:that )?(?:could|were) not (?:be )?delivered(?: to <T>)?",
    ],
    ({ text, number }) => given({ target: text("T"), limit: number("N") }),
  ),
  rule(
    "conflicts",
    [
      "(?:verify|check|audit|validate|prove)(?: integrity)?(?: ~)? (?:conflict log|conflicts log|" +
        "log of conflicts|conflicts chain|conflict chain|conflicts)(?: integrity| chain)?",
      "(?:is|has) (?:conflict log|log of conflicts|conflict chain)(?: been)?(?: intact| ok| " +
        "tampered with| valid| whole| complete| changed)+",
    ],
    () => ({ action: "verify" }),
  ),
  rule(
    "conflicts",
    [
      "(?:show|see|describe|explain|details? of|inspect|look at|open|what is|what was)(?: me)? " +
        "conflict(?: number)? (?:<N>|<Q>)",
    ],
    ({ text }) => ({ action: "show", id: text("Q") ?? text("N") }),
  ),
  rule(
    "conflicts",
    [
      "(?:show|list|see|get|print|display|view|check|what are|which are|are there|is there|" +
        "review|what)?(?: me)?(?: any| all| open| unresolved| pending| recent| latest| critical| " +
        "new| current)* ?(?:conflicts?|conflict log|disagreements?|contradictions?)(?: there| open|" +
        " pending| unresolved)?(?: (?:are there|do we have|exist))?(?: (?:~|by|reported by) " +
        "<T>)?(?: ~ ALL)?",
      "how many(?: open| unresolved)? conflicts(?: are there| do we have| are open| were there)?(?: (?:~) <T>)?",
      "(?:who|which agents|what agents) (?:disagrees?|conflicts?|(?:is|are) in conflict)(?: ~ <T>)?",
    ],
    ({ text }) => given({ agent: text("T") }),
  ),
  rule(
    "circuits",
    [
      "(?:show|see|check|what is state of|how is|is)?(?: me)?(?: state of)? ?(?:circuit |circuit " +
        "?breaker |breaker |circuit breaker )(?:of|for|on|in|at) <T>(?: open| closed| tripped| " +
        "half open)?(?: right)?",
      "(?:is |show |check )?<T> (?:circuit|breaker|circuit breaker)(?: open| closed| tripped)?",
    ],
    ({ text }) => ({ action: "show", target: text("T") }),
  ),
  rule(
    "circuits",
    [
      "(?:show|check|is|how is|state of)? ?(?:global|mesh|ALL) (?:circuit|breaker|circuit " +
        "breaker)(?: open| closed| tripped)?",
    ],
    () => ({ action: "show", target: "orchestrator" }),
  ),
  rule(
    "conflicts",
    [
      "(?:show|list|see|are there|what|which)?(?: me)?(?: all)? ?(?<state>open|unresolved|" +
        "pending|resolved)? ?(?<type>context divergences?|data contradictions?|temporal " +
        "paradox(?:es)?|capability mismatch(?:es)?|hash mismatch(?:es)?)(?: conflicts?)?(?: there| " +
        "open)?(?: ~ <T>)?",
      "(?:show|list|see|are there|what|which|how many)?(?: me)?(?: all)? ?(?<state>open|" +
        "unresolved|pending|resolved|settled) conflicts?(?: are there| there| do we have)?(?: ~ " +
        "<T>)?",
      "(?:show|list|see|are there)?(?: me)?(?: all)? ?(?<grade>critical|high|medium|low|" +
        "background)(?: priority)? conflicts?(?: ~ <T>)?",
      "(?:show|list|what)?(?: me)? ?conflicts(?: (?:of|in|from|over))? (?:last|past) <D>",
    ],
    ({ word, text }) =>
      given({
        agent: text("T"),
        state: {
          open: "open",
          unresolved: "open",
          pending: "open",
          resolved: "resolved",
          settled: "resolved",
        }[word("state") ?? ""],
        type: word("type")
          ?.replace(/(?:es|s)$/, "")
          .replaceAll(" ", "_")
          .toUpperCase()
          .replace("PARADOXE", "PARADOX"),
        priority: { critical: 4, high: 3, medium: 2, low: 1, background: 0 }[word("grade") ?? ""],
        last: text("D"),
      }),
  ),
  rule(
    "circuits",
    [
      "(?:show|list|see|print|display|check|view|what is state of|are|is)?(?: me)?(?: any| all| " +
        "open| tripped)* ?(?:circuits?|breakers?|circuit breakers?)(?: open| tripped| states?| " +
        "status| closed)*(?: ~)?(?: <T>)?",
      "(?:which|what)(?: circuits?| breakers?| circuit breakers?) (?:are|is|have|has)(?: been)? " +
        "(?:open|tripped|closed|half open)",
      "(?:did|has|have) (?:any )?(?:circuit )?(?:breakers?|circuits?)(?: been)? (?:trip|tripped|" +
        "open|opened)(?: overnight| today)?",
    ],
    none,
  ),
  rule(
    "mode",
    [
      "(?:show |what is |which is |tell me )?(?:current |operating |operational |mesh )*mode(?: ~ ALL)?",
      "(?:what|which) (?:operational |operating )?mode (?:is|are) (?:ALL|we|it|mesh)(?: in| running in)?",
      "in (?:what|which) mode (?:is|are) (?:ALL|we|it)(?: running)?",
      "(?:are|is) (?:we|ALL|it) (?:in )?(?:degraded|emergency)(?: mode)?",
      "what is restricted",
      "(?:which|what) restrictions (?:are in force|apply|hold|are there)",
    ],
    none,
  ),
  rule(
    "route",
    [
      "(?:show|list|see|print|display)?(?: me)?(?: all| current)* ?(?:routes|routing|routing " +
        "table|avoided agents|avoid list|detours)",
      "(?:what|who|whom|which agents?)(?: is| are| do| does)?(?: we| ALL| traffic| being)* " +
        "(?:avoided|avoid|avoiding|routing around|route around|routed around|bypassed|" +
        "bypassing)(?: by ALL)?",
    ],
    none,
  ),
  rule(
    "forecast",
    [
      "(?:show |give |make )?(?:me )?(?:forecast|predict|prediction|estimate|outlook)(?: for| " +
        "of)?(?: cascade| operation| sync| arrivals?| arrival)?(?: (?:to|of|for|across) <S>)?(?: " +
        "(?:in|for|at|within) <D>)?(?: (?:to|of|for|across) <S>)?",
      "how many(?: agents| of <S>| <S>| of them)?(?: ~ <S>)? (?:would|could|will|can|might)(?: " +
        "be)? (?:ready|make it|arrive|finish|respond|answer|there)(?: ready)?(?: (?:in|by|within|" +
        "after|for) <D>)?(?: (?:at|with) <P>)?(?: from ALL)?",
      "(?:can|could|would|will) <S> (?:be ready|make it|arrive|all be ready|all make it)(?: " +
        "(?:in|within|after|by) <D>)?",
      "(?:when|how soon|how fast|how quickly) (?:can|could|would|will) (?:<S>|agents|they|we)(?: " +
        "all)? (?:be ready|make it|arrive|converge|reach quorum|sync|synchroni[sz]e)(?: at " +
        "earliest)?",
      "who (?:would|will|could) (?:not )?(?:make it|be ready|be late|be skipped|miss it)(?: " +
        "(?:in|within|after|by|for) <D>)?(?: ~ <S>)?",
      "(?:what|which) is earliest (?:time|moment|quorum|possible time)(?: ~ <S>)?",
      "(?:earliest quorum)(?: ~ <S>)?",
      "if (?:we|i) (?:cascaded|cascade|synced|sync|ran cascade|run cascade)(?: (?:in|within) " +
        "<D>)?(?: how many| who)+ (?:would|will|could) (?:be ready|make it|arrive)(?: (?:in|" +
        "within) <D>)?",
    ],
    (named) =>
      given({
        at: named.text("D") && `in ${named.text("D")}`,
        select: named.whom,
        readyBy: named.number("P"),
      }),
  ),
  rule(
    "what-if",
    [
      "what(?: would| will)?(?: happens| happen| be)?(?: if)? (?:i |we |someone )?(?:kill|lose|" +
        "lost|killed|loses|losing|terminate|drop) (?:<T>|<W>)",
      "what(?: would| will)?(?: happens| happen| be)? if (?:<T>|<W>) (?:dies|died|fails|failed|" +
        "goes down|went down|crashes|crashed|is lost|is gone|is down|breaks|disappears|hangs)",
      "(?:simulate|imagine|suppose|pretend) (?:losing|loss of|killing|death of|failure of) (?:<T>|<W>)",
    ],
    ({ text }) => ({ kill: text("W") ?? text("T") }),
  ),
  rule(
    "simulate",
    [
      "(?:run |start |do )?(?:simulate|simulation)(?: (?:~ )?ALL)?(?: (?:of|for) <D>)?(?: " +
        "(?:with|using)(?: faults?| seed)*(?: <N>)?)?",
      "simulate(?: <N>)?(?: agents)?(?: for)?(?: <D>)?",
    ],
    ({ text }) => given({ hours: hoursOf(text("D")) }),
  ),
  rule(
    "diff",
    [
      "(?:diff|compare|difference between|show difference between|what changed between) <Q> " +
        "(?:and|with|to|against)? ?<Q>",
    ],
    ({ list }) => ({ first: list("Q")[0], second: list("Q")[1] }),
  ),
];

const SPANS: Readonly<Record<string, string>> = {
  hour: "hour",
  hourly: "hour",
  day: "day",
  daily: "day",
  operation: "operation",
};

function hoursOf(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const [, amount, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(duration) as RegExpExecArray;
  const hours: Readonly<Record<string, number>> = {
    ms: 1 / 3_600_000,
    s: 1 / 3600,
    m: 1 / 60,
    h: 1,
    d: 24,
  };
  return Number(amount) * hours[unit];
}
