/**
 * What sounds like a change of the mesh and is none: it may be understood as a command that only looks, or not
 * at all. Written, like test/phrasings.ts, without sight of the grammar; never tune the grammar on single
 * entries of this list.
 */
export const NEVER_CHANGES: readonly string[] = Object.freeze([
  // Negations and calling off.
  "don't restart sector 7",
  "do not freeze anything",
  "never kill worker 1",
  "please don't heal sector 12 yet",
  "no need to thaw sector 7",
  "i don't want to freeze the mesh",
  "leave sector 7 frozen",
  "stop, don't broadcast that",
  "let's not trip the breaker of sector 7",
  "nobody should kill worker 2",
  "you must not reset the breaker of cluster 7-4",
  "refrain from restarting cluster 9-1",
  "rather not undo that",
  "without restarting sector 7, tell me how it is",
  "cancel the restart of sector 7",
  "forget about healing sector 12",
  "hold off on killing worker 1",

  // Conditions, and times that are not now.
  "if sector 7 degrades, restart it",
  "freeze the mesh when active agents fall below 60%",
  "restart sector 7 unless it recovers",
  "once the cascade is done, thaw sector 7",
  "in case worker 1 hangs kill it",
  "kill worker 1 only if it is blocked",
  "heal sector 12 at midnight",
  "restart sector 7 every night",
  "reset the breaker of sector 7 as soon as the cooling is back",

  // Hypotheticals.
  "what would happen if i restarted sector 7?",
  "suppose we froze the mesh",
  "imagine we killed worker 1",
  "what if we trip the breaker of sector 12",
  "would restarting cluster 7-4 help?",
  "could freezing the mesh lose messages?",
  "how many agents would a restart of sector 7 hit?",
  "assuming we route around cluster 7-4, who takes over its work?",

  // Questions about changes.
  "should i restart sector 7?",
  "is it safe to kill worker 1?",
  "can sector 7 be frozen?",
  "who restarted sector 7?",
  "why was sector 7 frozen?",
  "when did we thaw the mesh",
  "how do i freeze a sector?",
  "did you heal sector 12?",
  "has the breaker of sector 7 been reset?",
  "do i have to restart cluster 7-4?",
  "which agents did heal restart?",
  "what does killing a lead do?",
  "is sector 7 frozen?",
  "may i kill worker 2?",
  "are we able to undo a broadcast?",
  "does a restart lose the mailbox?",

  // Doubts.
  "maybe we should restart sector 7",
  "i'm not sure whether to freeze sector 7",
  "i wonder if killing worker 1 would help",
  "perhaps heal sector 12?",
  "thinking about tripping the breaker of sector 7",
  "i might restart cluster 9-1 later",
  "we could route around cluster 7-4, or not",

  // What has been.
  "sector 7 was restarted yesterday",
  "i killed worker 1 by accident",
  "we already thawed sector 7",
  "they froze the mesh last night",
  "the breaker of sector 7 tripped again",
  "anna approved review-conflict-hogw9h0rah6a4ab1",
  "i undid that already",
  "yesterday's broadcast went to everyone",

  // Quotations.
  'bob said "restart sector 7"',
  "the runbook says freeze the mesh first",
  'what does "kill worker 1" mean?',
  'the phrase "heal sector 12" is in the docs',
  'she asked me to "trip the breaker of sector 7"',
  '"freeze everything" is what he shouted',
  'explain "route avoid sector-7"',
  "the log reads: thaw sector 7",

  // Answers and pointing, with nothing before them that they could mean.
  "yes",
  "do it",
  "go ahead",
  "restart it",
  "kill them all",
  "route around them",

  // No target, or none that a mesh has.
  "restart",
  "kill",
  "freeze the banana",
  "banana sector wheel freeze lamp",
  "asdf qwer",
  "7 7 7",

  // Jokes.
  "kill all humans",
  "freeze, police!",
  "heal the world",
  "restart my life",
  "undo the last ten years",
  "let it thaw, let it thaw, let it thaw",
  "can you kill some time with me",

  // Other people's domains.
  "restart the coffee machine",
  "restart my router at home",
  "kill the process on port 8080",
  "kill the lights",
  "freeze the leftover soup",
  "thaw the chicken in the kitchen",
  "undo my last git commit",
  "route me to the airport",
  "heal my broken heart",
  "approve my vacation request",
  "deny the loan application",
  "delegate the cooking to my husband",
  "broadcast the football match on channel 7",
  "tell me a joke",
  "ask my mother about dinner",
  "reset my password",
  "close the window",
  "release the new album",
  "restart the postgres database",
  "drain node 4 in kubernetes",
  "format the disk",
]);
