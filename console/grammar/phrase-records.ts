/** The topics of sentences that look at what the mesh keeps, counts and foresees, and at the console itself. */
import { type Heard, type Topic, topic } from "./phrase-topics.ts";

const spanOf = ({ has }: Heard): string | undefined =>
  (has("hourly") && "hour") || (has("daily") && "day") || (has("each") && "operation") || undefined;

const VERB = ["observe", "orient", "decide", "act", "record"] as const;

const reasonOf = ({ has }: Heard): string | undefined =>
  (has("reasonfull") && "mailbox-full") ||
  (has("expired") && "expired") ||
  (has("poison") && "poison") ||
  (has("breaker", "breakershort") && "circuit-open") ||
  (has("reasonstopped") && "stopped") ||
  (has("reasonunknown") && "unknown-actor") ||
  (has("undecodable") && "undecodable") ||
  (has("dropped") && "dropped-oldest") ||
  (has("quarantined") && "quarantined") ||
  undefined;

const typeOf = ({ has }: Heard): string | undefined =>
  (has("divergence") && "CONTEXT_DIVERGENCE") ||
  (has("contradiction") && "DATA_CONTRADICTION") ||
  (has("paradox") && "TEMPORAL_PARADOX") ||
  (has("mismatch") && "CAPABILITY_MISMATCH") ||
  (has("hashmismatch") && "HASH_MISMATCH") ||
  undefined;

const stateOf = ({ has }: Heard): string | undefined =>
  (has("review") && "review") ||
  (has("resolve+ed") && "resolved") ||
  (has("unresolved", "open", "tripped") && "open") ||
  undefined;

const priorityOf = ({ has, typed }: Heard): number | undefined => {
  if (has("critical")) return 4;
  const word = /\b(background|low|medium|high)(?:[ -]priority)?\b/i.exec(typed)?.[1];
  return word === undefined
    ? undefined
    : ["background", "low", "medium", "high"].indexOf(word.toLowerCase());
};

const breakerOf = ({ has, text }: Heard): string | undefined =>
  text("T") ?? (has("global", "ALL") ? "orchestrator" : undefined);

/** A day that was named; elsewhere than here "today" says nothing. */
const sinceOf = ({ text, typed }: Heard): string | undefined =>
  text("D") ??
  (/\b(?:last|past) hour\b/i.test(typed)
    ? "1h"
    : /\b(?:last|past) day\b/i.test(typed)
      ? "1d"
      : undefined);

/** In the order in which an even score is settled. */
export const RECORDS: readonly Topic[] = [
  topic(
    "dead-letters",
    "deadletter:6 howmany:3 count:3 show:0.3",
    [[/\bstatus\b|\bby\b/, 2]],
    () => ({ action: "summary" }),
    ({ has, typed }) =>
      has("deadletter") &&
      (has("howmany", "count") || /\bsummar|\bby reason\b|\btotals?\b/i.test(typed)),
  ),
  topic(
    "dead-letters",
    "deadletter:6 bounced:4 message:2 offline:2 expired:3 poison:4 reasonfull:3 breaker:2 undecodable:3 " +
      "reasonunknown:2 reasonstopped:2 dropped:3 last:0.5 show:0.3 discard+ed:2 deny+ed:2 lose+ed:3 " +
      "deliver:2 receive:3 replay+ed:2 restart:0 fail:1 lag:0",
    [[/\bbreaker\b.*\bdeadletter|\bdeadletter.*\bbreaker\b/, 3]],
    (heard) => ({
      reason: reasonOf(heard),
      target: heard.text("T"),
      limit: heard.number("N"),
    }),
    ({ has }) =>
      has("deadletter", "bounced") ||
      (has("message") &&
        has(
          "bounced",
          "expired",
          "poison",
          "reasonfull",
          "lose+ed",
          "discard+ed",
          "deny+ed",
          "undecodable",
          "reasonunknown",
          "replay+ed",
          "offline",
          "fail",
        )) ||
      (has("message") && has("not") && has("receive", "arrive", "replay", "get", "answer")),
  ),
  topic(
    "conflicts",
    "conflict:4 verify:5 integrity:4 log:3 change+ed:2 set+ed:3 touch:1",
    [],
    () => ({ action: "verify" }),
    ({ has }) =>
      has("conflict", "log") && has("verify", "integrity", "set+ed", "impact+ed", "impact"),
  ),
  topic(
    "conflicts",
    "I:5 show:1 memory:1 conflict:1 what:0.5 explain:2 inspect:2 happen:1 status:1 state:1 open:0.5 news:1",
    [],
    ({ text }) => ({ action: "show", id: text("I") }),
    ({ text, has }) =>
      text("I")?.startsWith("conflict-") === true &&
      !has("quarantine", "quarantinedata", "quarantined"),
  ),
  topic(
    "conflicts",
    "conflict:5 divergence:5 contradiction:5 paradox:6 mismatch:6 hashmismatch:6 T:1 unresolved:1 critical:1 " +
      "review:1 resolve+ed:4 open:1 show:0.3 howmany:1 last:0.5 D:0.5 tripped:1 wait:1 decide:1 get:0.5",
    [],
    (heard) => ({
      agent: heard.text("T"),
      state: stateOf(heard),
      type: typeOf(heard),
      priority: priorityOf(heard),
      last: sinceOf(heard),
      limit: heard.number("N"),
    }),
    ({ has }) => !has("I") && (!has("rate") || !has("conflict") || has("show")),
  ),
  topic(
    "quarantine",
    "I:3 quarantine:4 quarantinedata:4 quarantined:3 show:1 inspect:1",
    [],
    ({ text }) => ({ action: "show", id: text("I") }),
    ({ has }) => has("I") && has("quarantine", "quarantinedata", "quarantined"),
  ),
  topic(
    "quarantine",
    "quarantine:4.5 item:2 quarantinedata:6 quarantined:3.8 show:0.5 what:1 conflict:0.5 keep+ed:1 freeze+ed:1",
    [],
    ({ number }) => ({ limit: number("N") }),
    ({ has, text }) => !has("I", "agent", "C", "K", "who") && text("T") === undefined,
  ),
  topic(
    "inbox",
    "I:5 show:1 inbox:2 open:1 item:1 review:1 inspect:1 memory:1 what:0.5 explain:1",
    [],
    ({ text }) => ({ action: "show", id: text("I") }),
    ({ text }) => text("I")?.startsWith("review-") === true,
  ),
  topic(
    "inbox",
    "inbox:6 approve:4 deny:2 decide:3 waiting:3 wait:3 stuck:3 forme:2 review:3 C:1 attention:3 something:1 " +
      "need:1.5 decided:0.3 message:2 open:0.5 have:0.5 unresolved:1 act:1",
    [[/\bmessage\b/, 1]],
    ({ has, typed }) => ({
      all:
        has("inbox") && (has("decided") || /\b(?:all|whole|entire|including|every)\b/i.test(typed))
          ? true
          : undefined,
    }),
    ({ has, text, all, typed }) =>
      text("T") === undefined &&
      !has("I", "deadletter", "conflict", "kpi") &&
      (has("inbox", "attention", "review") ||
        (has("approve", "decide") &&
          /\b(?:something|i|we|me|us|my|need\+?s?|human|C\d+)\b/.test(all)) ||
        /\bwait\w* (?:for|on) (?:me|us|my|our|an? (?:human|person)|human|somebody|people)\b/i.test(
          typed,
        ) ||
        (has("waiting", "wait") && /\b(?:me|us|forme|C\d+|need\+?s?)\b/.test(all)) ||
        /\b(?:do|have|got|any|is there) (?:i )?(?:\w+ )?(?:mail|post)\b/i.test(typed)),
  ),
  topic(
    "circuits",
    "breaker:6 show:0.3 tripped:1 T:1 open:0.5 close:0.5 state:1 status:1 global:1 reset+ed:3 trip+ed:3 " +
      "breakershort:1 fine:1 trip:1",
    [],
    (heard) => ({ action: "show", target: breakerOf(heard) }),
    (heard) => heard.has("breaker") && breakerOf(heard) !== undefined && heard.agent === undefined,
  ),
  topic(
    "circuits",
    "breaker:6 breakershort:6 tripped:1.5 trip+ed:4 open:0.5 close+ed:1 show:0.3 reset+ed:3 status:1 state:1 " +
      "overnight:1 isolate+ed:3 trip:1",
    [],
    () => ({}),
    ({ has }) => has("breaker", "breakershort"),
  ),
  topic(
    "mode",
    "mode:5 freeze:0 restriction:5 emergency:2 degraded:2 light:2 moderate:2 severe:2 full:1 show:0.3 " +
      "what:0.5 which:0.5",
    [[/\b(?:are|is) (?:we|ALL|it)\b/, 1.5]],
    () => ({}),
    ({ has, all, typed }) =>
      has("mode", "restriction") ||
      (/\b(?:are|is) (?:we|ALL|it)\b/.test(all) &&
        has("emergency", "degraded", "light", "moderate", "severe") &&
        !has("agent", "C", "K", "T") &&
        !/\bagents\b/i.test(typed)),
  ),
  topic(
    "route",
    "routing:5 avoidlist:5 avoid+ing:5 avoid+ed:5 avoid+s:4 avoid:4 rotation:1 traffic:1 show:0.5 who:1 " +
      "which:1 what:1 agent:0.5 send+ed:1 send+ing:1",
    [],
    () => ({}),
    ({ has, look, text }) =>
      has("routing", "avoidlist", "avoid+ing", "avoid+ed") ||
      (has("avoid") && !/^avoid/.test(look) && text("T") === undefined),
  ),
  topic(
    "kpis",
    "kpi:5 rate:5 target:4 accurate:3 prediction:1.5 hourly:1 daily:1 each:1 show:0.3 conflict:0 " +
      "impedance:0.5 cascade:0.5 recovery:1 soon:1 heal:1 heal+ing:1 howmany:0.5 do+ing:0.5 record:0 " +
      "cascade+s:0.5 fail:0.5 predict+ing:2 predict+s:2 arrive:1 ALL:0.3 fine:1",
    [
      [/\b(?:soon|how)\b.*\b(?:heal|recovery)\b/, 3],
      [/\bfine\b.*\b(?:prediction|predict)/, 2],
      [/^(?:hourly|daily|each)(?: status| show)?$/, 3],
      [/\bprediction \?error\b/, 3],
    ],
    (heard) => ({ by: spanOf(heard) }),
    ({ has, text, number }) =>
      text("T") === undefined &&
      number("N") === undefined &&
      (has("kpi", "rate", "target", "accurate", "hourly", "daily", "each") ||
        (has("prediction") && has("fine", "do+ing")) ||
        has("soon") ||
        has("prediction")),
  ),
  topic(
    "health",
    "checkup:6 attention:5 something:1 overnight:4 health:2 current:2 backups:2 back:1 breaker:0.5 " +
      "breakershort:0.5 fine:1 happen:1 go:1 daily:1 show:0.5 do:1 news:1 check:2 snapshot:1 ALL:0.5 " +
      "conflict:0.3 need:0.5 act:1",
    [
      [/\b(?:back|backups)\b.*\b(?:current|fine)\b|\b(?:current|fine)\b.*\b(?:back|backups)\b/, 4],
      [/\bdaily\b.*\b(?:show|check)\b|\bhealth (?:check|show)\b/, 4],
      [/\bdo (?:daily |health )+/, 3],
      [/^(?:show|do|get|give) health$/, 3],
    ],
    () => ({}),
    ({ has, text }) =>
      text("T") === undefined &&
      (has("checkup", "attention", "overnight", "current") ||
        (has("health") && has("daily", "do", "check", "show")) ||
        (has("back", "backups") && has("fine"))),
  ),
  topic(
    "forecast",
    "predict:6 would:1.5 ready:3.5 soon:2.5 toolate:4 sync:2 cascade:2 arrive:3 D:1.5 P:0.5 howmany:1 " +
      "who:0.5 scatter:2 observe:2 orient:2 decide:2 act:2 record:2 ALL:0.3 C:0.3 T:0.3 when:1.5 " +
      "prediction:1 operation:1 recovery:0 quorum:1",
    [],
    (heard) => ({
      verb: VERB.find((verb) => heard.has(verb)),
      at: heard.text("D") && `in ${heard.text("D")}`,
      select: heard.text("T") ?? heard.text("C") ?? heard.text("K"),
      ...(heard.has("P") &&
        (/\b(?:probab|confiden|sure|certain|likel)/i.test(heard.typed)
          ? { readyBy: heard.number("P") }
          : { quorum: heard.number("P") })),
    }),
    ({ has }) =>
      has("predict") ||
      (has("would", "soon", "when") &&
        has(
          "ready",
          "arrive",
          "toolate",
          "sync",
          "cascade",
          "scatter",
          "answer",
          "act",
          "observe",
          "decide",
          "record",
          "orient",
        )) ||
      (has("toolate") && has("cascade", "sync", "D")),
  ),
  topic(
    "backup",
    "backups:5 back:3 show:1 which:1 what:0.5 when:2 last:2 have:0.5 howmany:1 back+ed:2 do+ed:1 take+ed:1 current:0",
    [[/\b(?:show|which|what|when|list)\b.*\b(?:back|backups)\b/, 1]],
    () => ({ action: "list" }),
    ({ has, all }) =>
      has("backups") ||
      (has("back") &&
        (has("when", "which", "last", "howmany") || /^(?:show|what|is|are|do) /.test(all)) &&
        !/^(?:back|do|take)\b/.test(all)),
  ),
  topic(
    "incident",
    "incident:6 walk:2 do:0.5 declare:1 T:1 answer:1 stuck:1 offline:1",
    [],
    ({ area }) => ({ target: area }),
    ({ area, has }) => area !== undefined && has("incident"),
  ),
  topic(
    "incident",
    "stuck:2 offline:2 answer:2 not:0.5 T:1.5",
    [],
    ({ area }) => ({ target: area }),
    ({ area, all }) =>
      area !== undefined &&
      /^T\d+ (?:is |do\+s |do |has )*(?:not |stuck|offline)+ ?(?:answer|answer\+ing|any|at|all|more|stuck| )*$/.test(
        all,
      ),
  ),
  topic(
    "scale",
    "capacity:5 agent:0.5 howmany:1 more:1 grow:2 shrink:1 add:0 have:0.5 would:0.5 left:1",
    [],
    () => ({ action: "status" }),
    ({ has, text }) => has("capacity") && text("T") === undefined,
  ),
  topic(
    "keys",
    "key:5 show:0.5 which:0.5 revoke+ed:2 rotate+ed:1",
    [],
    ({ text }) => ({ action: "list", scope: text("T") }),
    ({ has }) => has("key"),
  ),
  topic(
    "what-if",
    "lose:4 kill:3 offline:3 fail:3 would:1 happen:2 what:1 if:1 simulate:3 W:1 T:1",
    [[/\bif\b|\bsimulate\b/, 2]],
    ({ text }) => ({ kill: text("W") ?? text("T") }),
    ({ has, all, text }) =>
      /^(?:what|simulate|\?suppose|\?imagine|\?pretend)\b/.test(all) &&
      has("lose", "offline", "fail", "kill") &&
      (text("W") !== undefined || /^sector-\d+$/.test(text("T") ?? "")),
  ),
  topic(
    "trace",
    "trace:6 last:2 chain:4 operation:3 cascade:3 scatter:3 broadcast:2 show:0.5 what:0.5 how:0.5 walk:0",
    [],
    () => ({ target: "last" }),
    ({ has, text }) =>
      has("last") &&
      has("trace", "chain") &&
      has("operation", "cascade", "scatter", "broadcast") &&
      text("T") === undefined,
  ),
  topic(
    "diff",
    "compare:5 what:0.5 change+ed:2 set+ed:2 F:2 Q:1 between:1",
    [],
    ({ list }) => ({
      first: [...list("F"), ...list("Q")][0],
      second: [...list("F"), ...list("Q")][1],
    }),
    ({ list }) => list("F").length + list("Q").length === 2,
  ),
  topic(
    "simulate",
    "simulate:6 simulation:5 fault:1 agent:0.5 do:1 D:0.5 N:0.5",
    [],
    ({ text, number, typed }) => ({
      for: text("D"),
      agents: /\bagents?\b/i.test(typed) ? number("N") : undefined,
      seed: /\bseed\b/i.test(typed) ? number("N") : undefined,
      faults: /\b(none|default|network|crashes|byzantine|floods|storm)\b/i
        .exec(typed)?.[1]
        .toLowerCase(),
    }),
    ({ has, text }) =>
      has("simulate", "simulation") && text("T") === undefined && text("W") === undefined,
  ),
  topic(
    "doctor",
    "doctor:6 machine:4 suitable:2 fine:1 show:1 check:1 explain:1 do:0.5 inspect:1 health:0.5 news:0.5",
    [],
    () => ({}),
    ({ has, text }) =>
      has("doctor") || (has("machine") && text("T") === undefined && !has("version")),
  ),
  topic(
    "version",
    "version:6 release:1 which:0.5 what:0.5 show:0.3 do+ing:0.3 machine:0.5 agent:0.5",
    [[/\b(?:which|what) release\b/, 5]],
    () => ({}),
    ({ has, all, text }) =>
      text("T") === undefined && (has("version") || /\b(?:which|what) release\b/.test(all)),
  ),
];
