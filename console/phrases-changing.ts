/**
 * Phrases that change the mesh. Each has to be said outright: a word that no pattern knows, a question or a negation
 * leaves the sentence not understood, for the price of a wrong guess is not the same on both sides.
 */
import { given, type Named, type Rule, rule } from "./phrase-rule.ts";

const MODES: Readonly<Record<string, string>> = {
  full: "FULL",
  "degraded light": "DEGRADED_LIGHT",
  light: "DEGRADED_LIGHT",
  "degraded moderate": "DEGRADED_MODERATE",
  moderate: "DEGRADED_MODERATE",
  "degraded severe": "DEGRADED_SEVERE",
  severe: "DEGRADED_SEVERE",
  emergency: "EMERGENCY",
};
const none = (): Record<string, unknown> => ({});
const address = ({ text }: Named): Record<string, unknown> => ({ address: text("T") });
const hereOrAll = ({ text }: Named): Record<string, unknown> =>
  given({ scope: text("T") ?? text("C") });
const VERB = "(?<verb>observe|orient|decide|act|record|sync|synchroni[sz]e)";
const RUN =
  "(?:(?:run|start|do|launch|trigger|fire|execute|send|make|perform|kick off|begin|issue|initiate) )?";
const USING =
  "(?: (?:using|with|as|by|in)(?: a)? (?<strategy>wave|parallel|priority[ -]?first)(?: strategy| cascade)?)";
const STRATEGY = "(?<strategy>wave|parallel|priority[ -]?first)";

/** The first thing named is what it is about, a number or an id; a quotation after it is what is said. */
const idOf = ({ text, list }: Named): string | undefined => text("N") ?? list("Q")[0];
const commentOf = ({ text, list }: Named): string | undefined =>
  text("N") === undefined ? list("Q")[1] : list("Q")[0];
const place = ({ text, word, number, list, whom, all }: Named): Record<string, unknown> => {
  const durations = list("D");
  return given({
    verb: word("verb")?.replace(/^synchroni[sz]e$/, "sync"),
    strategy: word("strategy")?.replace(/^priority ?first$/, "priority-first"),
    at: durations[0] && `in ${durations[0]}`,
    select: all ? undefined : whom,
    count: number("N"),
    quorum: number("P"),
    message: text("Q"),
  });
};

/** In the order in which they are tried. */
export const CHANGING: readonly Rule[] = [
  rule(
    "mode",
    [
      "(?:set|switch|change|go|put|move|bring|enter|force|take)(?: ALL| mesh| us| operating| " +
        "operational)*(?: mode)?(?: (?:to|into|in|as))? (?<mode>full|degraded[ _-]light|degraded[ " +
        "_-]moderate|degraded[ _-]severe|light|moderate|severe|emergency)(?: mode)?(?: operation)?",
      "(?<mode>full|degraded[ _-]light|degraded[ _-]moderate|degraded[ _-]severe|emergency) mode",
    ],
    ({ word }) => ({ action: "set", mode: MODES[(word("mode") ?? "").replaceAll(/[ _-]/g, " ")] }),
  ),
  rule(
    "mode",
    [
      "(?:set|put|switch|change|let|go|return)(?: ALL| mode)*(?: (?:back )?(?:to|on|into))? " +
        "(?:automatic|auto|automatic mode|auto mode|normal mode control)",
      "(?:back|return|go back) to (?:automatic|auto)(?: mode)?",
      "(?:let )?mode (?:follow|follows|decide)(?: ALL| mesh| itself| agents)*(?: again)?",
      "(?:follow|obey) (?:ALL|mesh|health|share of active agents)(?: again)?",
    ],
    () => ({ action: "auto" }),
  ),
  rule(
    "thaw",
    [
      "(?:thaw|unfreeze|unpause|resume|wake|wake up|defrost)(?: operations?| work)?(?: ~)?(?: <T>| ALL)?",
      "(?:continue|resume|restart) (?:operations|operation|work|normal operations?)(?: ~)?(?: <T>| ALL)?",
      "(?:lift|end|release|undo) freeze(?: (?:of|on) (?:<T>|ALL))?",
      "let (?:<T>|ALL) (?:run|continue|go on|work|proceed)(?: again)?",
    ],
    ({ text }) => given({ scope: text("T") }),
  ),
  rule(
    "freeze",
    [
      "(?:freeze|halt|pause|suspend)(?: all| operations| operation| work)*(?: ~)?(?: <T>| <C>| ALL)?",
      "(?:stop|hold) (?:ALL|all operations|operations|all work)",
      "(?:emergency stop|emergency freeze|full stop|stop all|all stop|freeze all)(?: ~)?(?: ALL)?",
      "put (?:<T>|ALL) on (?:hold|ice)",
      "bring (?:<T>|ALL) to (?:halt|stop|standstill)",
    ],
    hereOrAll,
  ),
  rule(
    "heal",
    [
      "(?:heal|fix|repair|recover|cure|mend|nurse|revive|bring back)(?: up)?(?: ~)? (?:<T>|<W>)",
      "(?:heal|fix|repair|recover|restore) (?:<T>|<W>)(?: to (?:health|healthy|normal|service))?",
      "restore <T>",
      "(?:get|make) (?:<T>|<W>) (?:healthy|well|going|working|running|right)(?: again)?",
      "(?:bring|nurse|get) (?:<T>|<W>) back (?:to (?:health|life|normal)|up|online|on line|on its feet)",
      "(?:start|run|trigger|begin) (?:healing|recovery|repair|repairs)(?: procedures?)? (?:of|for|on|in) (?:<T>|<W>)",
    ],
    ({ text }) => ({ target: text("T") ?? text("W") }),
  ),
  rule(
    "heal",
    [
      "(?:heal|fix|repair|recover|cure|mend)(?: ALL| all| auto| automatically| mesh| what is " +
        "broken| whatever is broken| what needs it| whatever needs it| ALL that is broken| " +
        "yourself| what you can)*",
      "(?:start|run|trigger|begin) (?:automatic |auto )?(?:healing|recovery|repair|repairs)(?: " +
        "procedures?)?(?: ~ ALL)?",
    ],
    () => ({ target: "auto" }),
  ),
  rule(
    "circuits",
    [
      "(?:reset|close|clear|untrip|re-?arm)(?: circuit)? ?(?:breakers?|circuits?)(?: ~)? <T>",
      "(?:reset|close|clear) <T> (?:circuit )?(?:breakers?|circuits?)",
    ],
    ({ text }) => ({ action: "reset", target: text("T") }),
  ),
  rule(
    "circuits",
    [
      "(?:trip|open|blow)(?: circuit)? ?(?:breakers?|circuits?)(?: ~)? <T>",
      "(?:trip|open) <T> (?:circuit )?(?:breakers?|circuits?)",
      "(?:isolate|cut off|quarantine|fence off|fence) <T>",
    ],
    ({ text }) =>
      text("T")?.includes("/agent-") ? undefined : { action: "trip", target: text("T") },
  ),
  rule(
    "restart",
    [
      "(?:get|have|need|want) (?:all )?(?:agents (?:of|in) )?<T> (?:restarted|rebooted|bounced)",
      "(?:restart|reboot|bounce) all(?: agents)? (?:of|in) <T>",
      "(?:restart|reboot|bounce) (?:lead|coordinator|agents) (?:of|in) <T>",
      "(?:restart|reboot|reset|bounce|respawn|relaunch|recycle)(?: agents?| cluster| sector)?(?: ~)? <T>",
      "turn <T> off and on again",
    ],
    address,
  ),
  rule(
    "kill",
    ["(?:kill|terminate|crash|shoot|end)(?: agent| worker| process)? (?:<T>|<W>)"],
    ({ text }) => ({ target: text("T") ?? text("W") }),
  ),
  rule(
    "route",
    [
      "(?:stop|do not|never|no longer|no more) (?:sending|send|routing|route|giving|give|" +
        "directing|direct|assigning|assign)? ?(?:anything |any )?(?:traffic |work |messages |tasks " +
        "|operations |requests |load )*(?:through |via )?(?:to )?(?:<T>|<C>)(?: any ?more| any " +
        "longer)?",
      "(?:route|steer|direct|send|lead|redirect|move|drive)(?: all)?(?: traffic| work| messages| " +
        "load| operations| tasks)*(?: (?:around|away from|past)) (?:<T>|<C>)",
      "(?:avoid|bypass|skip|exclude|sideline|shun|ignore|drain) (?:traffic to )?(?:<T>|<C>)(?: " +
        "from (?:routing|traffic|rotation|operations|pool|routing pool))?",
      "(?:take|pull|remove|get|keep|leave) (?:<T>|<C>) (?:out of|out from|off|from|out) " +
        "?(?:routing|rotation|traffic|service|routes?|routing pool|pool|routing table|loop)?",
      "(?:keep|move|steer|lead)(?: all)? (?:traffic|work|load|messages) (?:away from|off|from|around) (?:<T>|<C>)",
      "(?:exclude|keep|remove|ban|bar) <C> (?:from|away from) (?:<Q>|<K>)(?: (?:work|tasks|routing|requests))?",
      "(?:stop|do not) (?:giving|give|sending|send|assigning|assign|routing|route) <Q>(?: work| " +
        "tasks| requests)? to <C>",
    ],
    ({ text }) =>
      given({
        action: "avoid",
        target: text("T") ?? text("C"),
        capability: text("Q") ?? text("K"),
      }),
  ),
  rule(
    "route",
    [
      "(?:stop|no longer|do not|end|cease) (?:avoiding|avoid|bypassing|bypass|skipping|skip|" +
        "routing around|route around|excluding|exclude) (?:<T>|<C>)(?: any ?more| any longer)?",
      "(?:allow|permit|include|re-?admit|readmit|reinstate|re-?enable|unavoid|use)(?: traffic| " +
        "work| messages)*(?: (?:to|through|for))? (?:<T>|<C>)(?: again| back| in routing| once " +
        "more)*",
      "(?:route|send|let)(?: traffic| work| messages)*(?: back| again| flow| through)*(?: to| " +
        "through| into)+ (?:<T>|<C>)(?: again| once more| back)*",
      "(?:put|bring|take|let|get) (?:<T>|<C>) (?:back|in|into|again)+(?: into| in| to)?(?: " +
        "routing| rotation| traffic| service| the pool| pool| loop)?",
    ],
    ({ text }) => ({ action: "allow", target: text("T") ?? text("C") }),
  ),
  rule(
    "cascade",
    [
      `${RUN}(?:${STRATEGY} )?cascade(?: operation)?(?: ${VERB})?(?: <Q>)?<WHERE><IN TIME>(?: <N> times)?`,
      `${RUN}cascade(?: ${VERB})?(?: <Q>)?<WHERE><IN TIME>${USING}(?: <N> times)?`,
      `${RUN}<N> (?:${STRATEGY} )?cascades?(?: ${VERB})?<WHERE><IN TIME>`,
      `(?:${VERB}|cascade) ALL<IN TIME>${USING}`,
      `(?:${VERB}|cascade) ALL<IN TIME>`,
      "(?:get|have|make|bring) ALL (?:to be )?(?:ready|in sync|synced|synchroni[sz]ed|together|" +
        "aligned)(?: together)?<IN TIME>",
      `(?:have|make|let|get) ALL (?:to )?${VERB}(?: (?:in|within|after) <D>)?`,
      "(?:in|within) <D> (?:get|have|make) ALL (?:ready|in sync|synced)",
    ],
    place,
  ),
  rule(
    "scatter",
    [
      `${RUN}scatter(?:[ -]gather)?(?: operation)?(?: ${VERB})?(?: <Q>)?<WHERE><IN TIME>(?: <N> times)?`,
      "(?:get|have|make|bring) (?:<T>|<C>|<K>) (?:to be )?(?:ready|in sync|synced|" +
        "synchroni[sz]ed|together)(?: together)?<IN TIME>",
      `(?:have|make|let|get) (?:<T>|<C>|<K>) (?:to )?${VERB}(?: (?:in|within|after) <D>)?`,
      `${VERB} (?:<T>|<C>|<K>)<IN TIME>`,
    ],
    place,
  ),
  rule(
    "conflicts",
    [
      "(?:resolve|settle|reconcile|close)(?: conflict)?(?: number)? (?:<N>|<Q>)",
      "(?:resolve|settle|reconcile) conflict (?<id>[\\w-]*\\d[\\w-]*)",
    ],
    ({ text, word }) => ({
      action: "resolve",
      id: text("Q") ?? text("N") ?? word("id"),
    }),
  ),
  rule(
    "quarantine",
    [
      "(?<action>release|free|discard|delete|drop|throw away|remove)(?: quarantined?)?(?: item| " +
        "data| entry)?(?: number)? (?:<N>|<Q>)(?: from quarantine)?",
      "(?<action>release|free|discard|delete|drop|throw away|remove) quarantine(?:d)?(?: item| " +
        "data| entry)?(?: number)? (?:<N>|<Q>)",
      "let (?:<N>|<Q>) out of quarantine",
    ],
    ({ text, word }) => ({
      action: /discard|delete|drop|throw|remove/.test(word("action") ?? "") ? "discard" : "release",
      id: text("Q") ?? text("N"),
    }),
  ),
  rule(
    "inbox",
    [
      "(?<action>approve|accept|deny|reject|refuse|decline|allow|grant)(?: inbox)?(?: item| " +
        "request| approval| review)?(?: number)? (?:<N>|<Q>)(?: (?:with comment|because|saying|comment|" +
        "with note|noting|with reason))?(?: <Q>)?",
      "say (?<answer>yes|no) to(?: item| request| review)? (?:<N>|<Q>)",
    ],
    (named) => {
      const no =
        /deny|reject|refuse|decline/.test(named.word("action") ?? "") ||
        named.word("answer") === "no";
      return given({
        action: no ? "deny" : "approve",
        id: idOf(named),
        comment: commentOf(named),
      });
    },
  ),
  rule(
    "inbox",
    [
      "(?:comment|note|add comment|add note|remark)(?: (?:on|to))?(?: inbox)?(?: item| request| " +
        "review)?(?: number)? (?:<N>|<Q>)(?: (?:with|saying|that))? <Q>",
      "(?:add )?(?:comment|note) <Q> (?:to|on)(?: item| request)? <N>",
    ],
    (named) => ({ action: "comment", id: idOf(named), comment: commentOf(named) }),
  ),
  rule(
    "dead-letters",
    [
      "(?:replay|resend|redeliver|retry|send again|deliver again|send)(?: dead)?(?: letter| " +
        "message)?(?: number)? <N>(?: again)?",
    ],
    ({ number }) => ({
      action: "replay",
      id: number("N"),
    }),
  ),
  rule(
    "reassign",
    [
      "(?:reassign|hand over|hand off|give away|move)(?: the| all| all the)?(?: stuck| delegated)? " +
        "(?:task|tasks|work)(?: (?:of|from|at|on))? <T>(?: and <T>)*(?: to (?:others|another|another " +
        "agent|somebody else|someone else|other agents))?",
      "reassign <T>(?: and <T>)*",
      "take(?: the| all)? (?:task|tasks|work) (?:away )?from <T>(?: and <T>)*",
    ],
    ({ list }) => ({ agents: list("T") }),
  ),
  rule(
    "scale",
    [
      "(?<action>add|provision|create|spin up|spawn|launch|bring up|bring in)(?: another)? " +
        "<N>(?: more| new| additional| extra)*(?: agents)?(?: (?:to|in|into) (?:ALL|<T>))?",
      "scale(?: mesh| ALL)? (?<action>up|out)(?: by)? <N>(?: agents)?",
      "grow(?: mesh| ALL)?(?: by)? <N>(?: agents)?",
    ],
    ({ number, text }) => ({ action: "add", count: number("N"), within: text("T") }),
  ),
  rule(
    "scale",
    [
      "(?:remove|retire|take away|decommission|shed|drop|delete) <N>(?: agents)?(?: from (?:ALL|<T>))?",
      "scale(?: mesh| ALL)? (?:down|in)(?: by)? <N>(?: agents)?",
      "shrink(?: mesh| ALL)?(?: by)? <N>(?: agents)?",
    ],
    ({ number, text }) => ({ action: "remove", count: number("N"), within: text("T") }),
  ),
  rule(
    "undo",
    [
      "(?:undo|revert|roll back|rollback|take back|take that back|reverse)(?: it| that| last| " +
        "last change| last command| last action| what i did| previous change)*",
      "(?:put|change) it back",
    ],
    none,
  ),
  rule(
    "backup",
    [
      "(?:make|take|create|do|run|start)? ?(?:backup|back up|back-up)(?: now| ALL| everything| " +
        "registry| conflict log| of ALL)*",
      "save (?:backup|ALL)",
    ],
    none,
  ),
  rule(
    "restore",
    ["restore(?: from)?(?: backup)? <Q>", "(?:load|bring back|go back to)(?: backup)? <Q>"],
    ({ text }) => ({ from: text("Q") }),
  ),
  rule(
    "incident",
    [
      "(?:run|start|open|begin|walk|walk through|follow)(?: the)? ?(?:incident|runbook|incident " +
        "runbook|incident response|incident procedure)(?: ~)? <T>",
      "(?:incident|runbook)(?: ~)? <T>",
      "declare incident (?:in|on|for|at) <T>",
    ],
    ({ text }) => ({ target: text("T") }),
  ),
  rule(
    "fork",
    [
      "(?:fork|clone|duplicate|copy|make copy of|run copy of)(?: ~)?(?: ALL)?(?: beside| alongside)?",
    ],
    none,
  ),
];
