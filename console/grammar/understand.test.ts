// The phrases that the grammar was written on. Those it has never seen are in test/phrasings.test.ts.
import { assert, describe, test } from "vitest";
import { COMMANDS } from "../commands.ts";
import { understand } from "./understand.ts";

type Meaning = readonly [command: string, args?: Readonly<Record<string, unknown>>];

const PHRASES: readonly (readonly [sentence: string, ...Meaning])[] = [
  ["What's happening in sector 7?", "status", { target: "sector-7" }],
  ["how is the mesh doing", "status", {}],
  ["is everything ok?", "status", {}],
  ["status", "status"],
  ["status of cluster 7-4", "status", { target: "sector-7/cluster-4" }],
  ["Hey, how are things in the third sector?", "status", { target: "sector-3" }],
  ["give me an overview", "status"],
  ["how many agents are up?", "status"],
  ["is sector 12 down?", "status", { target: "sector-12" }],
  ["any problems in sector 5?", "status", { target: "sector-5" }],
  [
    "show me agent 12 of cluster 4 in sector 7",
    "inspect",
    { address: "sector-7/cluster-4/agent-12" },
  ],
  ["how is agent 7-4-12?", "inspect"],
  ["inspect sector 3", "inspect", { address: "sector-3" }],
  ["which agents are slow?", "agents", { slow: true }],
  ["show me the 10 slowest agents in sector 7", "agents"],
  ["list offline agents", "agents", { state: "offline" }],
  ["which raspberry pis are slow", "agents"],
  ["list all gpu agents", "agents", { class: "CLASS_D_GPU" }],
  ["who can summarise?", "agents", { capability: "summarise" }],
  ["are there any quarantined agents?", "agents", { state: "quarantined" }],
  ["how many agents are offline in sector 9", "agents"],
  ["is the mesh frozen?", "status"],
  ["restart agent 5 of cluster 1 in sector 2", "restart"],
  ["reboot sector 9", "restart"],
  ["kill worker 1", "kill", { target: "worker-1" }],
  ["terminate agent 7-4-12", "kill"],
  ["route around cluster 7-4", "route", { action: "avoid", target: "sector-7/cluster-4" }],
  ["avoid sector 3", "route"],
  ["stop sending traffic to agent 7-4-12", "route"],
  ["do not send anything to sector 4", "route"],
  ["take sector 8 out of rotation", "route"],
  ["put sector 8 back into rotation", "route"],
  ["allow traffic to sector 3 again", "route"],
  ["stop avoiding cluster 7-4", "route"],
  ["who are we avoiding?", "route", {}],
  ["run a wave cascade", "cascade", { strategy: "wave" }],
  ["cascade sync to everyone in 500 ms", "cascade"],
  ["get everyone ready in two seconds", "cascade"],
  ["run a cascade fifty times", "cascade", { count: 50 }],
  ["do a priority first cascade", "cascade", { strategy: "priority-first" }],
  ["sync the mesh in half a second", "cascade"],
  ["scatter a sync to the GPU agents in 300ms", "scatter"],
  ["have all edge agents ready in 1 second", "scatter"],
  ['broadcast "Market closed early today"', "broadcast"],
  ["tell everyone the market closed early", "broadcast"],
  ["announce: maintenance at noon", "broadcast"],
  ["let everyone know that lunch is ready", "broadcast"],
  ["ask 10 agents what their context hash is", "ask"],
  ['ask ten GPU agents "what is your context hash?"', "ask"],
  ["ask agent 3 of cluster 2 in sector 1 how it is", "ask"],
  [
    'delegate "Analyze Q3 financial data" to the GPU agents',
    "delegate",
    { task: "Analyze Q3 financial data", to: "CLASS_D_GPU" },
  ],
  ["assign the task summarise this report to the best agent", "delegate"],
  ['give "render frame 7" to whoever is free', "delegate"],
  ["show kpis", "kpis"],
  ["how accurate are our predictions?", "kpis"],
  ["are we meeting our targets?", "kpis"],
  ["hourly kpis", "kpis", { by: "hour" }],
  ["what's the success rate?", "kpis"],
  ["show dead letters", "dead-letters", {}],
  ["what could not be delivered?", "dead-letters"],
  ["replay dead letter 17", "dead-letters", { action: "replay", id: 17 }],
  ["how many dead letters are there", "dead-letters", { action: "summary" }],
  ["how many agents would be ready in 500ms?", "forecast"],
  ["forecast a cascade in 2 seconds", "forecast"],
  ["when could everyone be ready?", "forecast"],
  ["show the tree", "tree"],
  ["top", "top"],
  ["watch the mesh", "top"],
  ["tree of sector 7", "tree"],
  ["help", "help"],
  ["what can you do?", "help"],
  ["help cascade", "help", { command: "cascade" }],
  ["how do I kill an agent?", "help", { command: "kill" }],
  ["which version is this?", "version"],
  ["cascade --strategy wave --count 50", "cascade"],
  ["status sector-7", "status"],
  ['tell sector-1/cluster-1/agent-1 {"a":1}', "tell"],
];

/** What must not be done: questions about it, negations, doubts, and nonsense. */
const NOT_UNDERSTOOD = [
  "should I restart sector 7?",
  "was sector 7 restarted?",
  "don't kill worker 1",
  "never restart sector 7",
  "do not broadcast hello",
  "restart sector 7 unless it is healthy",
  "if sector 7 is slow restart it",
  "restart or maybe not",
  "kill everybody except sector 3",
  'announce "lunch is ready" to my husband',
  'send "lunch" to sector 7 unless it is late',
  "make me a sandwich",
  "delete the internet",
  "colourless green ideas sleep furiously",
  "",
  "?",
  "   ",
  "x".repeat(5000),
];

describe("is understood", () => {
  for (const [sentence, command, args] of PHRASES) {
    test(sentence, () => {
      const meaning = understand(sentence, COMMANDS);
      assert.isTrue(meaning.understood, `nearest: ${meaning.nearest.join(", ")}`);
      assert.equal(meaning.command, command);
      if (args !== undefined) assert.deepEqual(meaning.arguments, args);
      assert.deepEqual(meaning.nearest, []);
    });
  }
});

describe("is not understood, and so not done", () => {
  for (const sentence of NOT_UNDERSTOOD) {
    test(JSON.stringify(sentence.slice(0, 60)), () => {
      const meaning = understand(sentence, COMMANDS);
      assert.isFalse(meaning.understood, `${meaning.command} ${JSON.stringify(meaning.arguments)}`);
      assert.isFalse(meaning.changes);
      assert.isAtMost(meaning.nearest.length, 3);
    });
  }
});

describe("says whether it would change the mesh", () => {
  for (const [sentence, changes] of [
    ["what is happening in sector 7?", false],
    ["who are we avoiding?", false],
    ["avoid sector 7", true],
    ["show dead letters", false],
    ["replay dead letter 3", true],
    ["restart agent 7-4-12", true],
    ["restart sector-7 --dry-run", false],
  ] as const) {
    test(sentence, () => assert.equal(understand(sentence, COMMANDS).changes, changes));
  }
});

describe("a slip of the keyboard is put right", () => {
  for (const [sentence, command] of [
    ["show me the staus of sectr 7", "status"],
    ["which breakres are open", "circuits"],
    ["restrat sector 7", "restart"],
    ["freze sector 7", "freeze"],
    ["list the dead lettres", "dead-letters"],
  ] as const) {
    test(sentence, () => assert.equal(understand(sentence, COMMANDS).command, command));
  }

  for (const sentence of ["breeze sector 7", "smart sector 7", "rest sector 7", "fill worker 1"]) {
    test(`"${sentence}" is another word, and no order`, () =>
      assert.isFalse(understand(sentence, COMMANDS).changes));
  }
});

describe("of an order that is only asked about, the blast radius is shown", () => {
  for (const [sentence, command] of [
    ["what would happen if I restarted sector 7?", "restart"],
    ["how many agents would freezing sector 7 affect?", "freeze"],
    ["who would be affected by killing worker 1", "kill"],
  ] as const) {
    test(sentence, () => {
      const { command: found, arguments: args, changes } = understand(sentence, COMMANDS);
      assert.equal(found, command);
      assert.isTrue(args.dryRun);
      assert.isFalse(changes);
    });
  }
});

describe("an order with a word more than it needs", () => {
  for (const more of [
    "unless it is well",
    "tomorrow",
    "for ten minutes",
    "or sector 8",
    "twice",
    "banana",
  ]) {
    test(`is none: ${more}`, () =>
      assert.isFalse(understand(`restart sector 7 ${more}`, COMMANDS).changes));
  }

  test("is one when the word is a courtesy, or a reason", () => {
    for (const sentence of [
      "hey mesh, would you be so kind as to restart sector 7 right away please",
      "restart sector 7 because it hangs",
    ]) {
      const { command, arguments: args } = understand(sentence, COMMANDS);
      assert.equal(command, "restart");
      assert.deepEqual(args, { address: "sector-7" });
    }
    assert.equal(
      understand("avoid sector 7 because it overheats", COMMANDS).arguments.reason,
      "it overheats",
    );
    assert.isFalse(understand("restart sector 7 because it hangs, but not now", COMMANDS).changes);
  });
});

test("an order that is given as a question is none, a request is one", () => {
  assert.isFalse(understand("restart sector 7?", COMMANDS).changes);
  assert.isTrue(understand("could you restart sector 7?", COMMANDS).changes);
});

test("what is said again and again is watched", () => {
  const { command, arguments: args } = understand("show me the kpis every 10 seconds", COMMANDS);
  assert.equal(command, "watch");
  assert.deepEqual(args, { line: "kpis", every: 10_000 });
});

test("offers the nearest commands, with the place that was named", () => {
  const { nearest } = understand("sector 7 ought to be restarted when you find the time", COMMANDS);
  assert.include(nearest, "restart sector-7");
});

test("every sentence is read within a bound, whatever it is made of", () => {
  // Patterns with optional parts are where a reader would get lost.
  for (const word of [
    "all ",
    "how is ",
    "agents ",
    "sector 7 ",
    "and ",
    "show me ",
    '"',
    "1 ",
    "not ",
    "5 times again and again ",
    "statsu every ",
    "90% quorum ",
  ]) {
    assert.isBoolean(understand(word.repeat(Math.floor(1000 / word.length)), COMMANDS).understood);
  }
});
