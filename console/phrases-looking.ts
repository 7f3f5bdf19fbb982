/** Phrases that only look. */
import { given, type Named, type Rule, rule } from "./phrase-rule.ts";
import { RECORDS } from "./phrases-records.ts";

const isAgent = (address: string | undefined): boolean => address?.includes("/agent-") === true;

/** `status` of a place; an agent's is `inspect`, a class's or a capability's the list of its agents. */
const place = ({ text }: Named): Record<string, unknown> | undefined =>
  text("K") !== undefined || text("C") !== undefined || isAgent(text("T"))
    ? undefined
    : given({ target: text("T") });
const agent = ({ text }: Named): Record<string, unknown> | undefined =>
  isAgent(text("T")) ? { address: text("T") } : undefined;
const target = ({ text }: Named): Record<string, unknown> => given({ target: text("T") });
const none = (): Record<string, unknown> => ({});

const selection = ({ text }: Named): Record<string, unknown> =>
  given({ within: text("T"), class: text("C"), capability: text("K") });

const GOING_ON = [
  "(?:show |give )?(?:me |us )?(?:quick |short |brief |overall |general |current |full " +
    ")?(?:status|state|overview|summary|report|picture|situation|condition)(?: report| update)?(?: " +
    "~)?(?: <S>)?",
  "(?:show |give )?(?:me |us )?<S> (?:status|state|overview|summary|report|health)(?: report)?",
  "(?:show|see|check|check on|check up on|look at|view|display|report on|tell me about|tell us " +
    "about|status|status report on)(?: on)? <S>",
  "(?:tell|show)(?: me| us)? how <S> (?:is|are)(?: doing| going)?",
  "how (?:is|are|does|do|was|were)(?: things| everything| it| life| that)?(?: doing| going| " +
    "looking| look)?(?: ~)?(?: <S>)?(?: doing| going| look| looking| feeling| holding up| holding| " +
    "performing| behaving| getting on| getting along| coming along| running| working| right| so " +
    "far| overall)*",
  "how (?:are|is) (?:things|everything|it|we|you|all)(?: all)?(?: doing| going| looking| holding up)?(?: ~ <S>)?",
  "how (?:healthy|well|good|bad|busy|loaded) (?:is|are) (?:<S>|we|things|it)",
  "what (?:is|are|was)(?: <S>)? (?:happening|going on|up|wrong|news|new|cooking|status|state|" +
    "situation|condition|latest|state of play)(?: right)?(?: ~)?(?: <S>)?",
  "what (?:is|are) (?:status|state|health|condition|situation|overall health|overall status)(?: " +
    "~)? (?:<S>|things|everything)",
  "what is <S> (?:doing|up to|status|state)",
  "what (?:happened|goes on|gives|has happened|has gone on)(?: ~ <S>)?",
  "what about <S>",
  "(?:is|are)(?: there)? (?:anything|something|everything|all|things|it|we|<S>)(?: all)?(?: " +
    "wrong| ok| okay| fine| good| well| alright| all right| healthy| up| alive| running| down| " +
    "normal| broken| unhealthy| in order| in trouble| going on| happening| responding| active| " +
    "online| working)+(?: ~ <S>)?",
  "any (?:news|problems|issues|trouble|troubles|incidents|concerns|alarms)(?: ~)?(?: <S>)?",
  "(?:is|are) there (?:any )?(?:problems|issues|trouble|problem|issue|news)(?: ~)?(?: <S>)?",
  "(?:is|are) <S> (?:ok|okay|fine|good|well|alright|healthy|up|alive|running|down|there|" +
    "responding|reachable|frozen|paused|busy|overloaded|stable|back)(?: and running| again)?",
  "how many (?:agents|of them|sectors|of ALL|ALL)(?: are| is| do we have| have we)?(?: active| " +
    "up| alive| online| running| healthy| working| available| there| left)?(?: ~ <S>)?",
  "how many (?:agents )?(?:does|do|has|have) <S> (?:have|got)?",
  "(?:count|number) (?:of )?(?:active |healthy |live )?agents(?: ~ <S>)?",
  "when (?:was|did) (?:last|latest|most recent)? ?cascade(?: run| happen| end| ran)?(?: ~ <S>)?",
  "(?:what is |show )?(?:mean|average|overall|typical) impedance(?: ~ <S>)?",
  "(?:are|is) (?:any )?(?:sectors|clusters)(?: down| unhealthy| degraded| healthy)+",
  "(?:update me|fill me in|brief me|catch me up|give me update|sitrep|pulse|heartbeat|vitals)(?: (?:on|about) <S>)?",
  "how <S>",
];

/** In the order in which they are tried. */
export const LOOKING: readonly Rule[] = [
  rule(
    "help",
    [
      "(?:help|usage|manual|commands|options|menu)(?: me)?",
      "(?:what|which) (?:can|could|do) (?:you|i|we) (?:do|say|ask|type|know|understand)(?: here| to you)?",
      "(?:show|list|what are|give)(?: me)?(?: all)?(?: available)? (?:commands|options)",
      "how do(?:es)? (?:it|i|you|one)(?: use)?(?: it)?(?: work)?",
    ],
    none,
  ),
  rule(
    "help",
    [
      "(?:help|explain|how do i use|what does|what is|manual for|usage of)(?: with| for| on| " +
        "about| command)? (?<command>[a-z][a-z-]+)(?: command)?(?: do| for)?",
    ],
    ({ word }) => ({
      command: word("command"),
    }),
  ),
  rule(
    "version",
    [
      "(?:show |print )?version(?: number)?",
      "(?:what|which) version(?: is| are| of)?(?: it| you| mesh| we| ALL)?(?: running| on| using)?",
    ],
    none,
  ),
  rule(
    "doctor",
    [
      "(?:run )?(?:doctor|machine check|self test|diagnostics|environment check)",
      "(?:check|diagnose|examine) (?:machine|host|environment|computer|installation|setup|node " +
        "version|system requirements)",
      "is (?:machine|host|computer|environment)(?: ok| okay| fine| ready| set up| good| suitable)+(?: enough)?",
    ],
    none,
  ),
  rule(
    "health",
    [
      "(?:run |do |perform |make |start |give me )?(?:daily |morning |overnight |full |quick " +
        ")?(?:health|daily)[ -]?(?:check|checkup|check up|report|inspection)(?: ~ ALL)?",
      "(?:do|run) (?:daily|morning|overnight) (?:check|checks|round|rounds|routine)",
      "(?:what happened|anything happen|how did it go) (?:overnight|last night|over night)",
      "(?:are|is) (?:backups?|snapshots?)(?: current| up to date| ok| fine| fresh)+",
    ],
    none,
  ),
  rule(
    "why",
    [
      "(?:and )?(?:show|tell)(?: me)? what <T>(?: and <T>)* (?:is|are) (?:stuck on|waiting for|" +
        "waiting on|doing|working on|busy with|blocked on|blocked by)",
      "what (?:is|are) <T>(?: and <T>)* (?:stuck|waiting|hung|hanging|blocked|held up|busy|" +
        "working|doing|processing|handling|doing there)(?: on| for| by| up| with| at)?",
      "why (?:is|are|was|does|do) <T>(?: and <T>)*(?: so| not| always| still| being| be| " +
        "too)*(?: stuck| slow| blocked| waiting| busy| hung| hanging| unresponsive| slower| silent|" +
        " late| late again| responding| respond| answering| answer| answered| ready| failing| take " +
        "so long| taking so long| taking long| held up| quiet| down| degraded| quarantined| " +
        "offline)+",
      "why (?:does|do|did) <T>(?: and <T>)* (?:not )?(?:answer|respond|reply|work|hang|take so " +
        "long|take long|lag|fail|crash)",
      "why <T>",
      "(?:explain|tell me|say|show)(?: me)? why <T>(?: and <T>)*(?: is| are| hangs?| stuck| " +
        "blocked| slow| waits| waiting| not answering| so)*",
      "who is <T> waiting (?:on|for)",
      "(?:whom|who) (?:does|is) <T> (?:wait|waiting)(?: for| on)?",
      "is <T> (?:blocked|stuck|hung|waiting)(?: by| on| for)?(?: something| anything| someone| anybody)?",
      "why (?:is|are) <T>(?: and <T>)* not (?:answering|responding|working|ready|done|moving)",
      "what (?:is )?(?:holds|holding|blocks|blocking|keeps|keeping|delays|delaying|slows|" +
        "slowing)(?: up| down)? <T>(?: up| down| busy)?",
      "(?:what is )?(?:cause|root cause|reason)(?: ~)? <T>(?: being)?(?: stuck| slow| slowness| blocked)?",
      "(?:explain|diagnose|debug|analyse|analyze|investigate) <T>",
      "what is (?:wrong|problem|matter|issue) with <T>",
    ],
    ({ list }) => (list("T").every(isAgent) ? { agents: list("T").join(",") } : undefined),
  ),
  rule(
    "trace",
    [
      "(?:trace|follow|track)(?: path| way| hops?)*(?: ~)? (?:last|latest|newest|current) " +
        "(?:operation|cascade|scatter|broadcast)",
      "(?:show|what is)(?: me)? (?:trace|path|way|hops|journey)(?: ~)? (?:last|latest|newest|current) " +
        "(?:operation|cascade|scatter|broadcast)",
    ],
    () => ({ target: "last" }),
  ),
  rule(
    "trace",
    [
      "(?:trace|follow|track|walk)(?: operation| message| path| chain| cascade)?(?: ~)? (?:<T>|<N>|<Q>)",
      "(?:show|what is)(?: me)? (?:trace|path|causation chain|causation|chain|history|hops|" +
        "journey)(?: ~)? (?:operation )?(?:<T>|<N>|<Q>)",
      "where did (?:message|operation|cascade) (?:<N>|<Q>) (?:go|come from|originate)",
    ],
    ({ text }) => ({ target: text("T") ?? text("Q") ?? text("N") }),
  ),
  rule(
    "inspect",
    [
      "(?:inspect|describe|examine|detail|details|info|information|look up|lookup|look into|look " +
        "closely at|dig into)(?: ~)? <T>",
      "(?:show|give|tell|see|get)(?: me)?(?: all| everything| more| details| full details| " +
        "information| info| data)*(?: ~)? <T>",
      "(?:what do we|what do you|what is) know(?:n)? about <T>",
      "who is <T>",
      "(?:queue|mailbox|state|memory|restarts|current message)(?: ~)? <T>",
      "what is (?:queue|mailbox|state|current message|impedance|latency|class)(?: depth)?(?: ~)? <T>",
      "(?:what is|show) <T> (?:queue|mailbox|state|current message|impedance|latency)",
    ],
    agent,
  ),
  rule("inspect", GOING_ON, agent),
  rule("inspect", ["(?:inspect|describe|examine|details)(?: ~)? <T>"], ({ text }) => ({
    address: text("T"),
  })),
  rule(
    "quarantine",
    [
      "(?:show|see|inspect|open|what is)(?: me)? (?:quarantine(?:d)?(?: item| data| entry)?|" +
        "item)(?: number)? (?:<N>|<Q>)(?: in quarantine)?",
    ],
    ({ text }) => ({ action: "show", id: text("Q") ?? text("N") }),
  ),
  rule(
    "quarantine",
    [
      "(?:show|list|see|open|print|display|check|view)?(?: me)?(?: all)? ?(?:quarantine|" +
        "quarantined (?:data|items|values|information|entries)|quarantine list|quarantine " +
        "store)(?: list| contents?)?",
      "what is (?:in|inside|held in|sitting in) quarantine",
    ],
    none,
  ),
  rule(
    "inbox",
    [
      "(?:show|see|open|read)(?: me)? (?:inbox )?(?:item|request|approval|review)(?: number)? " +
        "(?:<N>|<Q>)(?: in inbox)?",
    ],
    ({ text }) => ({ action: "show", id: text("Q") ?? text("N") }),
  ),
  rule(
    "inbox",
    [
      "(?:show|list|see|open|check|print|read|view)?(?: me)?(?: human| pending| open| all)* " +
        "?(?:inbox|approvals?|pending approvals?|human reviews?|pending reviews?|approval " +
        "requests?|open requests)(?: list)?",
      "(?:what|which|anything)(?: is| are| requests| decisions| items)*(?: that)? (?:waiting|" +
        "waits|wait|pending|needs?|awaiting|await|needing)(?: for| ~)?(?: me| us| (?:human " +
        ")?(?:approval|decision|review|attention)| human| C\\d+| operator)*",
      "(?:is|are)(?: there)? (?:anything|something|requests|approvals)(?: waiting| pending| for " +
        "me| to approve| i have to approve| i need to approve| i should decide)+",
      "(?:what|who) (?:do i|should i|must i) (?:have to |need to )?(?:approve|decide|review)",
    ],
    none,
  ),
  rule(
    "agents",
    ["(?:show|list|give|see)(?: me)? all agents", "(?:show|list|see)?(?: me)? ?ALL agents"],
    () => ({}),
  ),
  rule(
    "agents",
    [
      "(?:show|list|find|see|get|give|display|print)?(?: me)?(?: all| top)?(?: <N>)? ?(?:slow|" +
        "slowest|laggy|sluggish|high impedance|worst|lagging|late)(?: <N>)?(?: agents| ones| <C>| " +
        "ALL)?(?: (?:~ )?<S>)*",
      "(?:who|what|which)(?: agents| ones| <C>| of <S>| of them)?(?: in <T>)?(?: is| are)? " +
        "(?:slow|slowest|laggy|lagging|sluggish|slow ones|slowest ones|slowest agents|slow agents|" +
        "late|worst)(?: agents)?(?: ~)?(?: <S>)?",
      "(?:who|what|which)(?: agents| ones)? (?:has|have|with) (?:highest|worst|biggest|most|" +
        "high) (?:impedance|latency)(?: ~)?(?: <S>)?",
      "(?:is|are)(?: there| any| some)*(?: agents| <S>| of <S>)? (?:slow|consistently slow|" +
        "lagging|slow agents)(?: ~)?(?: <S>)?",
      "(?:slow agents|slow ones|slowest)(?: ~)?(?: <S>)?",
      "(?:show|list)(?: me)? <S> (?:slowest|slow)(?: first| agents| ones)?",
      "(?:agents|<S>) (?:slowest first|by impedance|sorted by impedance)(?: ~ <S>)?",
      "(?:which|what) <C> (?:~ <T> )?(?:is|are) slow",
    ],
    (named) => given({ ...selection(named), slow: true, limit: named.number("N") }),
  ),
  rule(
    "agents",
    [
      "(?:show|list|find|see|get|give|display|print|which|what|who|count)?(?: me)?(?: all)?(?: " +
        "of)?(?: agents| ones| <C>| ALL)?(?: (?:is|are|has been|have been))? ?(?<state>degraded|" +
        "offline|quarantined|active|dead|down|crashed|unreachable|isolated|sick|unhealthy|in " +
        "quarantine|lost|missing)(?: agents| ones| <C>)?(?: ~)?(?: <S>)?",
      "(?:which|what|who)(?: agents)? ~ <S> (?:is|are) (?<state>degraded|offline|quarantined|" +
        "active|dead|down|crashed|unreachable|isolated|sick|unhealthy|in quarantine|lost|missing)",
      "(?:which|what)(?: of)? <S> (?:is|are) (?<state>degraded|offline|quarantined|active|dead|" +
        "down|crashed|unreachable|isolated|sick|unhealthy|in quarantine|lost|missing)",
      "(?:is|are)(?: there| any| some)* (?:agents )?(?<state>degraded|offline|quarantined|dead|" +
        "down|crashed|unreachable|isolated|in quarantine)(?: agents)?(?: ~)?(?: <S>)?",
      "how many(?: agents| of them| <S>)?(?: are| is)? (?<state>degraded|offline|quarantined|" +
        "dead|down|crashed|unreachable|isolated|in quarantine)(?: ~)?(?: <S>)?",
    ],
    (named) => given({ ...selection(named), state: STATES[named.word("state") as string] }),
  ),
  rule(
    "agents",
    [
      "(?:show|list|find|see|get|give|display|print|enumerate)(?: me)?(?: all| first)?(?: <N>)? " +
        "?(?:agents|<C>)(?: (?:~|that are in|with))?(?: <S>)*",
      "(?:agents|<C>)(?: ~)?(?: <S>)*",
      "(?:who|what|which)(?: agents)? (?:is|are|lives|live|belongs|belong|work|works|run|runs) (?:~ )?<S>",
      "(?:which|what)(?: agents|ones)?(?: have)? <K>(?: ~ <S>)?",
      "(?:show|list|find|who|anyone|anybody|is there anyone|is there anybody)?(?: me)?(?: agents|" +
        " all| an agent| agent)? ?<K>(?: ~ <S>)?",
      "who (?:are )?(?:members )?(?:of |in )<S>",
      "members(?: ~)? <S>",
    ],
    (named) =>
      named.list("K").length + named.list("C").length + named.list("T").length === 0 &&
      !named.all &&
      named.number("N") === undefined
        ? {}
        : given({ ...selection(named), limit: named.number("N") }),
  ),
  rule(
    "top",
    [
      "(?:open |show |start |run )?(?:top|live view|live|monitor|dashboard in terminal)(?: " +
        "agents| view)?(?: (?:by|sorted by) (?<sort>impedance|latency|processing|queue|reliability|" +
        "drift))?(?: ~ <T>)?",
      "(?:watch|monitor|observe|keep (?:an )?eye on)(?: <T>| ALL)?(?: live)?(?: ~ <T>)?",
      "(?:show|which|who)(?: me)?(?: agents)?(?: are| is| has| have)? (?:busiest|busy|longest " +
        "queues?|deepest queues?|most loaded)(?: agents)?(?: ~ <T>)?",
    ],
    ({ word, text }) => given({ sort: word("sort"), within: text("T") }),
  ),
  rule(
    "top",
    [
      "(?:show|open|give)?(?: me)? ?(?:top|live view|live monitor|monitor|live)(?: <N>)?(?: " +
        "agents)?(?: (?:by|sorted by|ordered by) (?<sort>impedance|latency|processing|queue|" +
        "reliability|drift))?(?: (?:~ )?<T>)?",
    ],
    ({ word, text, number }) =>
      given({ sort: word("sort"), within: text("T"), limit: number("N") }),
  ),
  rule(
    "tree",
    [
      "(?:show|draw|print|list)?(?: me)? ?(?:tree|hierarchy|structure)(?: ~)?(?: <T>| ALL)?(?: " +
        "(?:with|down|to depth|depth))? <N>(?: levels?)?(?: deep)?",
      "(?:show|draw|print)(?: me)? <T> as tree",
      "(?:show|list)(?: me)? all sectors",
    ],
    ({ text, number }) => given({ address: text("T"), depth: number("N") }),
  ),
  rule(
    "tree",
    [
      "(?:show |print |draw |display )?(?:me )?(?:tree|hierarchy|structure|topology|layout|org " +
        "chart|organisation|organization)(?: ~)?(?: <T>| ALL)?",
      "(?:show|list|print|display)(?: me)?(?: all)? (?:sectors|clusters)(?: ~)?(?: <T>| ALL)?",
      "(?:which|what) clusters (?:are )?(?:in|does|belong to) <T>(?: have| contain)?",
      "(?:show|draw|print) <T> (?:tree|hierarchy|structure|clusters)",
      "how is (?:<T>|ALL) (?:organised|organized|structured|laid out|built)",
    ],
    ({ text }) => given({ address: text("T") }),
  ),
  ...RECORDS,
  rule("status", GOING_ON, place),
  rule("agents", GOING_ON, (named) =>
    named.text("C") === undefined && named.text("K") === undefined ? undefined : selection(named),
  ),
  rule("status", ["(?:and )?<T>", "status <T>"], target),
];

const STATES: Readonly<Record<string, string>> = {
  degraded: "degraded",
  sick: "degraded",
  unhealthy: "degraded",
  offline: "offline",
  dead: "offline",
  down: "offline",
  crashed: "offline",
  unreachable: "offline",
  lost: "offline",
  missing: "offline",
  quarantined: "quarantined",
  isolated: "quarantined",
  "in quarantine": "quarantined",
  active: "active",
};
