/**
 * The words that plain sentences are made of, each with all that people say for it. A sentence is read as these words
 * alone (console/grammar/phrase-words.ts), so that an order or a topic is written once, whatever it is called.
 *
 *     "bounce", "power cycle", "reboot"  ──▶  restart        "rebooted"  ──▶  restart+ed
 */

/** What changes a mesh. Where one of these stands and nothing else fits, a sentence is not taken for a look. */
export const DEEDS: Readonly<Record<string, string>> = {
  restart:
    "restart, re-start, reboot, bounce, relaunch, respawn, recycle, kick, cycle, boot, start again, start " +
    "over, start afresh, power cycle, power-cycle, turn off and on again",
  kill:
    "kill, kill off, finish off, terminate, end, shoot, shoot down, slay, crash, take out, take down, " +
    "shut down, bring down, put down, destroy",
  freeze:
    "freeze, halt, pause, suspend, hold, immobilise, immobilize, stop, put on ice, put on hold, quiesce, " +
    "park, lock, lock down, put to sleep, stand down, stand still, hold still",
  freezeall:
    "stop the world, emergency stop, full stop, all stop, emergency freeze, emergency halt, hit the brakes, " +
    "complete stop",
  thaw:
    "thaw, unfreeze, unpause, resume, defrost, continue, wake up, wake, unlock, rouse, carry on, proceed," +
    " unsuspend",
  heal:
    "heal, fix, repair, recover, cure, mend, patch, patch up, fix up, nurse, revive, rescue, remedy, " +
    "rehabilitate, sort out",
  avoid:
    "avoid, bypass, sideline, shun, route around, route past, route away from, steer clear of, steer around, " +
    "stay away " +
    "from, keep away from, keep clear of, work around, go around, detour around, skip, ignore, exclude, " +
    "drain, boycott, " +
    "redirect around, direct around, circumvent, blacklist, ban, bar, steer away from, divert around, " +
    "divert from, lead around, lead away from, go round, work round, route round, leave out",
  allow:
    "allow, permit, include, readmit, re-admit, reinstate, re-enable, reenable, enable, unavoid, reintegrate, " +
    "reintroduce, re-include, welcome back, whitelist",
  use: "use, reuse, utilise, utilize",
  trip: "trip, blow, isolate, cut off, fence off, fence, seal off, disconnect, ring-fence, detach",
  reset: "reset, untrip, un-trip, re-arm, rearm, clear",
  undo: "undo, revert, scrap, roll back, rollback, reverse, take back",
  resolve: "resolve, settle, reconcile, mark as resolved, mark as settled, mark resolved",
  release: "release, let go, let go of, free, set free, unquarantine",
  discard:
    "discard, delete, drop, throw away, throw out, dispose of, get rid of, erase, bin, trash",
  approve:
    "approve, accept, grant, sign off, sign off on, green light, greenlight, agree to, say yes to",
  deny: "deny, reject, refuse, decline, turn down, veto, disapprove, say no to",
  comment:
    "comment, remark, annotate, note, add comment, add note, leave comment, leave note, write",
  replay: "replay, resend, re-send, redeliver, re-deliver, retry, deliver, deliver again",
  restore: "restore",
  cascade: "cascade",
  scatter: "scatter, scatter gather, scatter-gather",
  sync: "coordinate, align, sync, synchronise, synchronize, synch",
  observe: "observe",
  orient: "orient",
  decide: "decide",
  act: "act",
  record: "record",
  broadcast: "broadcast, announce, proclaim, shout",
  delegate: "delegate, assign, outsource, entrust",
  reassign: "reassign, re-assign, hand over, hand off, give away, redistribute",
  rotate: "rotate, renew",
  revoke: "revoke, withdraw",
  admit: "admit, let in",
  add: "add, provision, spin up, bring up, spawn, deploy",
  remove: "remove, retire, decommission, shed, take away",
  grow: "grow, scale up, scale out, enlarge, extend",
  shrink: "shrink, scale down, scale in, downsize",
};

/** Verbs that say nothing by themselves: what they are about decides. */
export const VERBS: Readonly<Record<string, string>> = {
  do:
    "do, run, perform, execute, trigger, launch, kick off, start, begin, initiate, fire, issue, carry out, conduct, " +
    "operate, go for, go through, fire off, fire up, set off, create, make",
  take: "take, pull, grab",
  put: "put",
  bring: "bring",
  get: "get, fetch",
  have: "have",
  keep: "keep, leave",
  let: "let",
  give: "give",
  send: "send, route, direct, steer, push, forward, lead, move, redirect, dispatch",
  set: "set, switch, change, turn, flip, mark, put into, force, enter, switch over, move into, lower, drop",
  go: "go, return, come",
  open: "open",
  close: "close, shut",
  need: "would like, would love, need, require, deserve, want, could use, could do with",
  back: "back up, backup, back-up, snapshot",
  show:
    "show, list, display, print, see, view, tell, dump, name, enumerate, report, present, pull up, bring up list, " +
    "check, check on, check up on, look at, look into, have a look at, take a look at, look, find, know, hear, read, " +
    "output, browse, draw, render, report on, tell about, describe",
  inspect:
    "inspect, examine, dig into, look up, drill into, look closer at, look closely at, take a closer look at," +
    " closer look at, zoom into, zoom in on, scrutinise, scrutinize, detail",
  explain: "explain, diagnose, debug, analyse, analyze, investigate, clarify",
  watch:
    "watch, monitor, observe live, keep an eye on, keep eye on, keep watching, follow live, track live, stream",
  trace: "trace, follow, track, walk back",
  repeat: "repeat, rerun, re-run, refresh, keep showing, keep running, keep printing, poll",
  predict: "predict, forecast, foresee, estimate, project, prognose",
  compare: "compare, diff, difference between, differ",
  simulate: "simulate",
  fork: "fork, clone, duplicate, copy",
  verify:
    "verify, audit, validate, prove, tamper with, tamper, falsify, manipulate, alter, forge, modify",
  walk: "walk through, walk, work through, go through, step through",
  declare: "declare, raise, report an",
  count: "count, count up, tally, add up",
  help: "help, assist",
  lose: "lose",
  wait: "wait, await",
  answer: "answer, respond, reply, react, acknowledge",
  happen: "happen, occur, go on, take place",
  hang: "hang, lag, stall, wait around, freeze up, drag, dawdle",
  block: "block, hold up, holdup, slow down, delay, hinder, obstruct, stop from",
  arrive: "arrive, make it, finish, converge, turn up, be there",
  fail: "fail, break, malfunction",
  reside: "belong, sit, reside, live in, live on",
  receive: "receive",
  lag: "fall behind, trail",
};

/** Everything that is not inflected but for a plural. */
export const NOUNS: Readonly<Record<string, string>> = {
  status:
    "status, overview, big picture, bird's eye view, summary, situation, condition, update, sitrep, status " +
    "report, state of affairs, state of play, " +
    "picture, status update, rundown, briefing, stat, health status, current state, overall state, vitals, pulse",
  state: "state",
  news:
    "news, up with, going on, new, wrong, wrong with, problem, issue, trouble, concern, alarm, broken, is " +
    "off, seems off, off in, life, matter with, " +
    "the matter, odd, strange, unusual, cooking, problematic, amiss, sup, wassup, whatsup, whazzup, off with",
  fine:
    "fine, ok, okay, good, well, alright, all right, healthy, in order, in good shape, normal, stable, sound," +
    " in shape, " +
    "all good, happy, holding up, feeling, doing well, in trouble, unhappy, bad, ill, in bad shape, in one piece",
  alive:
    "alive, up, up and running, running, online, reachable, responsive, available, still there, working, connected",
  frozen: "to sleep, asleep, on standby, paused, on ice, on hold, halted",
  agent: "agent, node, one, guy, bot, instance, unit, device, machine agent, process",
  key: "key, identity, identities, certificate, seed of key, credential",
  capacity:
    "capacity, room for more agents, room to grow, places in reserve, reserve, growth, size of mesh, how big",
  sector: "sector",
  cluster: "cluster",
  member: "member, inside of, content, contents",
  something: "anything, something",
  worker: "worker, thread, shard",
  lead:
    "leading, in command, commanding, coordinates, coordinating, leader, coordinator, in charge, boss, " +
    "chief, leads, heads, head, responsible, cluster lead, lead of",
  slow:
    "slow, slowest, laggy, sluggish, high impedance, worst, lagging, laggard, straggler, slowpoke, late, " +
    "behind, slower, slowness, speed, " +
    "highest impedance, highest latency, worst impedance, worst latency, high latency, dragging, falling " +
    "behind, tardy, " +
    "poor performer, least responsive, biggest impedance, most impedance, with the worst impedance",
  degraded:
    "degraded, sick, unhealthy, impaired, ailing, struggling, in bad health, limping, not healthy, poorly",
  offline:
    "offline, dead, down, crashed, unreachable, lost agent, missing, gone, not reachable, disconnected, not " +
    "alive, not up, off line, died, not online",
  quarantined:
    "quarantined, isolated, in quarantine, in isolation, under quarantine, put in quarantine",
  active: "active, healthy agent, live agent",
  stuck:
    "stuck, blocked, held up, hung, hung up, hanging, jammed, busy, busy with, occupied, not responding, not " +
    "answering, " +
    "not moving, unresponsive, working on, up to, at the moment doing, waiting for, waiting on, chewing on, " +
    "processing, handling, tied up, silent, quiet, not reacting, idle, stalled, frozen up, not progressing, " +
    "lagging behind",
  why:
    "why, how come, what for, what makes, reason, cause, root cause, the reason, for what reason, whats the reason, " +
    "what keeps, what holds, what slows, what blocks",
  chain:
    "chain, causation chain, causation, causal chain, path, way, hops, journey, ancestry, lineage, provenance, " +
    "history of message",
  origin:
    "come from, came from, originate, originate from, start from, stem from, begin, origin, led to, lead to, " +
    "caused by, what caused, coming from, triggered by, source",
  message: "message, mail, letter, post",
  last: "last, latest, most recent, newest, recent, previous",
  kpi:
    "kpi, key performance indicator, performance indicator, metric, indicator, performance, figure, " +
    "score, scorecard, statistic, stats, success metric, key figure, numbers, performance data, performance numbers",
  rate:
    "rate, succeeded, succeed, success, successful, hit rate, success rate, success ratio, share, percentage," +
    " availability, uptime, p95, p99, p50, latency p95, recovery time, mean time to recovery, mttr, time " +
    "to recovery, time to recover, accuracy, " +
    "prediction error, forecast error, arrival error, conflict rate, coordination success rate, cascade " +
    "latency, arrival window hit rate, " +
    "prediction accuracy, mesh availability, success percentage, window hit rate, reliability figure",
  target: "target, goal, slo, objective, sla, service level",
  accurate:
    "accurate, punctual, reliable, precise, on time, in time, timely, exact, good at predicting",
  prediction: "prediction, arrival, coordination, timing",
  hourly:
    "hourly, by hour, per hour, each hour, every hour, for each hour, hour by hour, by the hour, over the " +
    "hours, an hour",
  daily:
    "daily, by day, per day, each day, every day, for each day, day by day, by the day, over the days, a day",
  each:
    "by operation, per operation, each operation, every operation, for each operation, operation by " +
    "operation, by op, per op",
  checkup:
    "health check, healthcheck, health-check, checkup, check-up, daily check, morning check, daily health check, " +
    "morning checkup, daily round, morning round, daily inspection, health report, daily report, overnight check, " +
    "morning report, health inspection, routine check, morning routine, daily routine, health checkup, health audit, " +
    "daily checks, morning checks, health checks, check of health, medical, full check, mesh check, general check",
  attention:
    "attention, worry, worry about, take care of, attend to, look after, worried about, concern me, concerned about, " +
    "worrying, need to know, has to be done, to be done, needs doing, need doing",
  overnight:
    "overnight, last night, over night, during the night, through the night, over the weekend, while i was away, " +
    "since yesterday, while i slept, in the night, yesterday",
  health: "health",
  live:
    "live, in real time, realtime, real time, real-time, continuously, live view, live monitor, live " +
    "dashboard, live table, live list",
  top: "top",
  tree:
    "tree, expand, unfold, subtree, hierarchy, topology, org chart, organisation chart, organization " +
    "chart, organigram, tree view, as a tree",
  structure:
    "structure, below, beneath, underneath, structured, organised, organized, laid out, layout, organisation," +
    " organization, built up, built, composed, made up, made of, set out, arranged",
  level: "level, depth, deep, levels deep, tier, layer",
  impedance: "impedance, mean impedance, average impedance, avg impedance, latency",
  queue: "queue, mailbox, backlog, inbox length, queue length, mailbox length, queue depth",
  memory:
    "memory, history, restart count, number of restarts, how often, details, detail, data, info, information," +
    " facts, everything, all about, full picture, " +
    "all details, full details, in detail, the works, particulars, whole story, deep dive, close look, " +
    "closer look, about",
  deadletter:
    "dead letter, dead-letter, deadletter, dead letter office, dead letter queue, dlq, undelivered message, " +
    "undeliverable message, " +
    "undelivered mail, undeliverable mail, undelivered letter, undeliverable, undelivered, lost message, " +
    "lost mail, failed message, bounced message, bounced mail, " +
    "dropped message, rejected message, not delivered, not be delivered, could not be delivered, failed delivery, " +
    "failed to deliver, not get delivered, not deliver, never arrived, not arrive, messages got lost, " +
    "message got lost, " +
    "unsent message, not received, dead mail, lost letter, unable to deliver, not get through, not go " +
    "through, never delivered",
  bounced:
    "bounced, got lost, went missing, got dropped, got lost, went missing, got dropped, dropped on floor, " +
    "bounce back, bounced back",
  expired: "expired, expire, timed out, ran out of time, too old, outlived, out of date",
  poison: "poison, poisoned, poisonous, toxic",
  full: "full",
  reasonfull:
    "mailbox full, mailbox was full, full mailbox, mailboxes were full, mailbox being full, queue full, " +
    "queue was full, overflow, overflowed",
  reasonstopped:
    "stopped agent, agent stopped, agent was stopped, recipient stopped, recipient had stopped",
  reasonunknown:
    "unknown actor, unknown agent, unknown recipient, unknown address, nonexistent agent, unknown-actor, no such agent",
  undecodable: "undecodable, unreadable, garbled, malformed, corrupt, not decodable",
  dropped: "dropped oldest, oldest dropped, dropped-oldest, displaced",
  conflict:
    "conflict, conflict log, disagreement, disagree, contradict, contradiction, dispute, in conflict, clash, " +
    "conflicts log, log of conflicts, at odds",
  divergence:
    "context divergence, divergence, diverging context, divergent context, context drift, diverged context",
  contradiction: "data contradiction, data conflict, contradicting data, contradictory data",
  paradox:
    "temporal paradox, temporal paradoxes, time paradox, paradox, paradoxes, time paradoxes, temporal conflict",
  mismatch:
    "capability mismatch, capability mismatches, mismatched capability, mismatched capabilities, capability conflict",
  hashmismatch:
    "hash mismatch, hash mismatches, hash conflict, hash difference, mismatched hash, mismatched hashes",
  unresolved:
    "unresolved, pending, outstanding, unsettled, still open, not resolved, undecided, not yet resolved, " +
    "currently open, not settled",
  critical:
    "critical, most serious, severest, top priority, most urgent, most important, highest priority, gravest",
  review: "review, human review, peer review",
  integrity:
    "integrity, intact, tampered, consistent, untouched, genuine, authentic, unchanged, in one piece log, " +
    "complete, trustworthy, whole",
  log: "log",
  quarantine: "quarantine, quarantine list, quarantine store",
  quarantinedata:
    "quarantined data, quarantined item, quarantined value, quarantined message, quarantined entry, " +
    "quarantined entries, held data, " +
    "data in quarantine, held in quarantine, conflicting data, quarantined information, quarantined stuff, " +
    "quarantined record, data held back",
  breaker: "breaker, circuit, circuit breaker, circuit-breaker, fuse, circuitbreaker",
  global: "global, mesh-level, mesh level, top-level, top level, main, master, central",
  tripped: "open, tripped, trip, not closed, half open, half-open, blown",
  mode: "mode, operating mode, operation mode, operational mode, mode of operation, running mode, regime",
  restriction: "restriction, restricted, limitation, not allowed, limits in force, constraint",
  emergency: "emergency",
  light:
    "degraded light, degraded-light, lightly degraded, slightly degraded, degraded_light, light degradation, " +
    "light degraded",
  moderate:
    "degraded moderate, degraded-moderate, moderate, moderately degraded, degraded_moderate, moderate " +
    "degradation, moderate degraded",
  severe:
    "degraded severe, degraded-severe, severe, severely degraded, degraded_severe, severe degradation, severe degraded",
  auto:
    "auto, automatic, automatically, on its own, by itself, autopilot, follow the mesh, follow mesh, follow " +
    "health, follow ALL, " +
    "itself decide, decide itself, decide by itself, decide on its own, follow, choose itself, choose its own",
  routing: "routing table, routing, routes, route list, routing rules, route table",
  avoidlist:
    "avoid list, avoidance list, avoidances, detour, detours, detour list, list of avoided, black list, ban list",
  rotation:
    "rotation, routing pool, pool, loop, service, duty, game, play, circulation, load balancing, business, mix",
  traffic: "work, traffic, load, task, job, requests, operations, anything, stuff, workload",
  out: "out of, out, off",
  away: "away, away from, out from, clear of, far",
  backinto: "back into, back in, back to, back onto, back on, again into, back",
  healthyagain:
    "healthy, back to health, back to life, back on its feet, well again, up again, healthy again, working " +
    "again, back online, back to normal, right again",
  going: "going, moving",
  breakershort: "breakers",
  inbox:
    "inbox, in-box, in box, in-tray, approval, pending approval, approval request, approval queue, human " +
    "inbox, pending review, human reviews, open review, " +
    "review queue, pending decision, decision, open decisions, reviews, approvals, open approvals, open " +
    "items, to-do, todo, to do list, todo list, things to approve, " +
    "sign-off, sign off requests, sign-offs, open questions, open request, human decision, human approval",
  waiting: "waiting, pending for, awaiting, on my desk, on my plate, queued for me, in my queue",
  forme:
    "for me, for us, for a human, for human, for a person, for somebody, my, for a decision, from me, on me, " +
    "my approval, my decision, me to decide",
  decided:
    "decided, closed, done ones, decided ones, old ones, closed ones, finished, already decided, handled " +
    "ones, past ones, everything incl",
  backups:
    "backups, back ups, back-ups, saved copies, list of backups, saved backups, existing backups, snapshots",
  current: "up to date, current, fresh, recent enough, outdated, stale",
  incident:
    "incident, runbook, run book, playbook, incident response, incident procedure, incident runbook, " +
    "emergency procedure, outage procedure",
  command: "command, instruction, option, sentence",
  version: "version, version number, release, release number, build number, build",
  machine:
    "machine, computer, host, box, environment, installation, setup, system requirements, laptop, hardware, " +
    "server setup, operating system, pc, my system, this system, node installation",
  doctor:
    "doctor, self test, self-test, selftest, diagnostics, machine check, environment check, preflight, " +
    "preflight check, system check, diagnosis of machine",
  suitable:
    "fit, suitable, set up, properly, enough, capable, good enough, up to it, big enough, strong enough, " +
    "fast enough, configured",
  simulation: "simulation, simulated run, simulator, virtual run",
  fault: "fault, storm, network faults, crashes",
  bench: "bench, benchmark, benches",
  recovery:
    "recovery, healing, repair, repairs, recovery procedure, healing procedure, self healing, self-healing, " +
    "auto heal, recovery process, repair procedure",
  around: "around, past, clear of",
  ALL: "it all, whole lot, all of it, all together, each and every one",
  pronoun: "it, them, him, her, they, he, she, that one, those ones, this one, these ones",
  what: "what, whats",
  who: "who, whom, whos, anyone, anybody",
  which: "which",
  how: "how",
  howmany: "how many, how much, number of, the number of, count of, how many of",
  when: "when, what time, at what time, how long ago",
  soon:
    "how soon, how fast, how quickly, how long, soonest, earliest, how early, as early as, what is the " +
    "soonest, what is the earliest, fastest",
  would:
    "would, could, can, might, will, likely, probable, probability, odds, chances, possible, feasible, " +
    "achievable, going to, be able to, able to, able, should be able to",
  ready:
    "ready, make it, in sync, synced, prepared, on time ready, there in time, be back, in time, caught up, " +
    "ready for it",
  toolate:
    "too late, miss it, miss the deadline, be late, not make it, too slow, left behind, skipped, be skipped, miss out",
  not:
    "no longer, not any longer, not anymore, no more, not any more, never again, not, never, no, nobody, " +
    "none, neither, nor, nothing, no one, dont, didnt, isnt, doesnt, arent, wont, cant, wasnt, havent, hasnt," +
    " couldnt, wouldnt",
  and: "and, plus, as well as, also",
  again:
    "again, another try, another go, another chance, another attempt, once more, once again, another time, " +
    "one more time, anew, afresh, back again",
  first: "first",
  times: "times, in row, in row, times over, times in a row, rounds, repetitions, runs",
  by: "by, sorted by, ordered by, sort by, order by, ranked by, sort it by, sorted on",
  quorum: "quorum",
  all: "all",
  every: "every",
  wave: "wave, waves, tier by tier, in waves, wave strategy",
  parallel: "parallel, in parallel, parallel strategy, all at once, concurrently",
  priorityfirst:
    "priority first, priority-first, class by class, by priority, priority first strategy, highest priority first",
  together:
    "together, at the same time, at the same moment, simultaneously, at one time, in unison, at the same instant",
  operation: "operation",
  more: "more, any more, anymore, any longer, longer, extra, additional, further, new",
  impact:
    "impact, affect, hit, touch, reach, cost, influence, blast radius, consequence, consequences, effect, " +
    "take with it, be affected by",
  change:
    "change, last change, last command, last action, last thing, what i did, what i just did, what you did, " +
    "previous change, previous command, " +
    "my last change, my last command, last one, last step, what we did, what i have done, " +
    "what we just did, latest change",
  yes: "yes, yes to all, yes to everything, with yes, say yes, and do it, do what it wants, do it all",
  item: "item, request, entry, record, case, matter, number, id, copy",
  late: "later",
};

/** Passed over in an order: who is asked, how politely, and the little words between a verb and what it is about. */
export const SILENT_IN_ORDERS: string =
  "a an the my our your of in on at for to from with within inside across over through onto into please pls plz " +
  "just really simply currently actually exactly now right immediately quickly here some kindly whole any as " +
  "entire number be being named called too thing quick small little";

/** Passed over besides in a question: what has no weight of its own for what is asked about. */
export const SILENT_IN_LOOKS: string =
  "is are am was were do+s do+ed has had have+ed have+s been got gotten than as about any there so today ever still " +
  "already yet short brief briefly overall general full complete bit lot moment minute presently things stuff heck " +
  "hell devil earth bloody total altogether curious interested wonder wondering question should shall may " +
  "must ought let seem seems look+s looking+s appear appears like u ur ya kind " +
  "me us mesh-30k sort way kinda maybe also hey hi hello mesh yo um uh hmm oh ah you your i we our us they " +
  "their its this that " +
  "these those if by under per or else but because since while during off up down out whether even both each " +
  "other others same much many few most least more be+ing where";
