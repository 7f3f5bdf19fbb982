// 300 agents that really call a web service, one that crashes, one that hangs, and what their supervisors
// did about it. Run it from a clone after `npm ci`: node examples/http-agents/main.js
import { createMesh } from "mesh-30k";
import { startQuoteServer } from "./quote-server.js";

const CRASHER = "sector-2/cluster-1/agent-7";
const HANGER = "sector-5/cluster-2/agent-13";
const GIVE_UP_MS = 20_000;

const startedMs = performance.now();
const failures = [];

function say(sentence) {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
  console.log(`${seconds.padStart(6)} s  ${sentence}`);
}

function expect(what, actual, expected) {
  if (actual !== expected) failures.push(`${what}: expected ${expected}, got ${actual}`);
}

/** Says what supervisors and watchdog did, as it happens. */
function tellTheStory(mesh) {
  mesh.on("incident", ({ subject, error, decision, delayMs }) => {
    if (decision === "restart") {
      const when = delayMs === 0 ? "at once" : `in ${Math.round(delayMs)} ms`;
      say(`${subject} failed (${error}): restarted ${when}`);
    } else if (decision === "replace-worker") {
      if (!subject.startsWith("worker-")) say(`watchdog: ${error}`);
    } else {
      say(`${subject} failed (${error}): ${decision}`);
    }
  });
  mesh.on("workerBack", ({ worker, afterMs }) => {
    say(`${worker} is back after ${Math.round(afterMs)} ms, with all that waited there`);
  });
  mesh.on("deadLetter", ({ reason, target, message }) => {
    say(`dead letter for ${target} (${reason}): ${JSON.stringify(message)}`);
  });
}

/** Lets every agent buy one thing, and counts those that did. */
async function everyoneBuys(mesh, item) {
  const asks = mesh.select("buy").map((agent) => mesh.ask(agent, { item }, { timeoutMs: 15_000 }));
  const answers = await Promise.allSettled(asks);
  return answers.filter((answer) => answer.value?.state === 1).length;
}

/** Asks one agent, and says what came back. */
async function order(mesh, address, item) {
  try {
    const answer = await mesh.ask(address, { item }, { timeoutMs: 15_000 });
    return answer.state === 1 ? "done" : `state ${answer.state}`;
  } catch (error) {
    return error.code;
  }
}

async function crash(mesh) {
  say(`— ${CRASHER} is ordered to buy a unicorn, for which the service names no price —`);
  for (let i = 1; i <= 3; i++) {
    expect(`order ${i} of a unicorn`, await order(mesh, CRASHER, "unicorn"), "MESH_AGENT_FAILED");
  }
  // Whoever asked is answered first; the supervisor's decision may be news a moment later.
  let { restarts, incidents } = await mesh.inspect(CRASHER);
  for (let i = 0; i < 100 && incidents[0]?.decision !== "quarantine"; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    ({ restarts, incidents } = await mesh.inspect(CRASHER));
  }
  expect("restarts of the crasher", restarts, 2);
  expect("last decision on the crasher", incidents[0]?.decision, "quarantine");
  const ready = await everyoneBuys(mesh, "tea");
  say(`its siblings never noticed: ${ready} of 300 agents bought tea`);
  expect("buyers beside the crasher", ready, 299);
}

async function hang(mesh) {
  say(`— ${HANGER} is asked what sends it into an endless loop; everyone else goes on buying —`);
  const [fate, ready] = await Promise.all([
    order(mesh, HANGER, "the answer to everything"),
    everyoneBuys(mesh, "cake"),
  ]);
  expect("the hanging order", fate, "MESH_UNDELIVERABLE");
  say(`the message that hung three workers is out of the way; ${ready} of 300 agents bought cake`);
  expect("buyers beside the hanger", ready, 299);
  expect("the hanger afterwards", await order(mesh, HANGER, "tea"), "done");
  say(`${HANGER} is well again and buys tea`);
}

const giveUp = setTimeout(() => {
  console.error(`not done after ${GIVE_UP_MS} ms`);
  process.exit(1);
}, GIVE_UP_MS);
const server = await startQuoteServer();
const mesh = await createMesh({
  topology: { sectors: 5, clustersPerSector: 2, agentsPerCluster: 30 },
  workers: 2,
  agent: (address) => new URL(address === HANGER ? "./thinker.js" : "./buyer.js", import.meta.url),
  agentOptions: { url: server.url },
  supervision: { intensity: { maxRestarts: 2, withinMs: 60_000 } },
  watchdogMs: 1_000,
  log: "silent",
});
say(
  `${mesh.status().agents.active} agents are ready on 2 workers; the web service is ${server.url}`,
);
tellTheStory(mesh);

expect("first round", await everyoneBuys(mesh, "coffee"), 300);
say(`all 300 agents called the service and bought coffee: ${server.callers()} callers`);
expect("callers", server.callers(), 300);
await crash(mesh);
await hang(mesh);

const { messages, lost, restarts } = mesh.status();
say(
  `${messages.accepted} messages accepted: ${messages.handled} handled, ` +
    `${messages.deadLettered} dead letters, ${lost} lost, ${messages.redelivered} delivered again; ` +
    `agents restarted ${restarts.agents} times, workers ${restarts.workers} times`,
);
expect("lost messages", lost, 0);
expect("three workers or more replaced", restarts.workers >= 3, true);
expect("dead letters for poison", mesh.deadLetters.summary().total.poison, 1);
await mesh.stop();
await server.close();
clearTimeout(giveUp);
say(`stopped; the service was called ${server.requests()} times`);
for (const failure of failures) console.error(`NOT AS PROMISED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
