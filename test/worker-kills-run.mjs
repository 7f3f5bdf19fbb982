// Kills workers of a mesh under load by a seeded plan and counts every message; prints what it counted as JSON.
// In a process of its own, for its memory is limited: one of the deaths is running out of it.
//
//   node --max-old-space-size=96 test/worker-kills-run.mjs KILLS SEED
import { setTimeout as sleep } from "node:timers/promises";
import { createMesh } from "../dist/index.js";
import { padding } from "./mortal-agent.mjs";

const [kills, seed] = process.argv.slice(2).map(Number);
const SECTORS = 4;
const AGENTS = 8;
/** Of a hundred deaths; a loop costs as long as the watchdog takes. */
const SHARES = { terminate: 56, exit: 18, throw: 18, memory: 4, loop: 4 };
const WATCHDOG_MS = 500;
const BURST = 8;
const LIMIT_MS = 60_000;

let word = seed >>> 0;
function random() {
  word = (word + 0x6d2b79f5) >>> 0;
  let x = Math.imul(word ^ (word >>> 15), word | 1);
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
  return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
}

/** The kinds in a seeded order, each with its share of the whole. */
function planned() {
  const plan = [];
  for (const [kind, share] of Object.entries(SHARES))
    for (let i = 0; i < Math.max(1, Math.round((kills * share) / 100)); i++) plan.push(kind);
  while (plan.length < kills) plan.push("terminate");
  for (let i = plan.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [plan[i], plan[other]] = [plan[other], plan[i]];
  }
  return plan.slice(0, kills);
}

const mesh = await createMesh({
  agent: new URL("./mortal-agent.mjs", import.meta.url),
  topology: { sectors: SECTORS, clustersPerSector: 1, agentsPerCluster: AGENTS, spawnCapacity: 0 },
  workers: 2,
  log: "silent",
  seed,
  watchdogMs: WATCHDOG_MS,
  maxDeliveries: 100,
  // Three deaths a second would open every circuit, which is what they are for; here delivery is under test.
  breakers: { clusterFailures: 10_000, sectorFailures: 10_000 },
});
// And deaths every second are an emergency, in which the mesh takes nothing: likewise.
mesh.mode.set("FULL");
const addresses = [];
for (let sector = 1; sector <= SECTORS; sector++)
  for (let agent = 1; agent <= AGENTS; agent++)
    addresses.push(`sector-${sector}/cluster-1/agent-${agent}`);
const half = addresses.length / 2;
const partnerOf = (agent) => mesh.ref(addresses[(agent + half) % addresses.length]);
const sent = addresses.map(() => 0);
const faults = [];
const down = new Map();
let deaths = 0;
mesh.on("workerLost", ({ worker }) => {
  deaths++;
  if (down.has(worker)) return;
  const waiting = {};
  waiting.promise = new Promise((resolve) => {
    waiting.resolve = resolve;
  });
  down.set(worker, waiting);
});
mesh.on("workerBack", ({ worker }) => {
  down.get(worker)?.resolve();
  down.delete(worker);
});

let loading = true;
async function load() {
  for (let turn = 0; loading; await sleep(1)) {
    for (let i = 0; i < BURST; i++, turn++) {
      const to = turn % addresses.length;
      const number = ++sent[to];
      const message = { do: "note", to, number, pad: padding(number), partner: partnerOf(to) };
      const receipt = mesh.tell(addresses[to], message);
      const status = receipt.status === "waiting" ? await receipt : receipt.status;
      if (status !== "accepted") faults.push(`${number} to agent ${to}: ${status}`);
    }
  }
}

async function up(worker) {
  const waiting = down.get(worker);
  if (waiting === undefined) return;
  const late = sleep(LIMIT_MS, "late", { ref: false });
  if ((await Promise.race([waiting.promise, late])) === "late")
    throw new Error(`${worker} did not come back`);
}

/** One death; resolves when it has happened, not when its successor is up. */
async function kill(kind) {
  const place = Math.floor(random() * 2);
  const worker = `worker-${place + 1}`;
  await up(worker);
  const died = new Promise((resolve) => {
    const off = mesh.on("workerLost", (lost) => {
      if (lost.worker !== worker) return;
      off();
      resolve();
    });
  });
  if (kind === "terminate") await mesh.kill(worker);
  else {
    const victim = addresses[place * half + Math.floor(random() * half)];
    const afterMs = random() < 0.5 ? undefined : random() * 3;
    const priority = random() < 0.5 ? 3 : 1;
    const told = await mesh.tell(victim, { do: "die", kind, afterMs }, { priority });
    if (told !== "accepted") throw new Error(`${victim} was not told to die: ${told}`);
  }
  const late = sleep(LIMIT_MS, "late", { ref: false });
  if ((await Promise.race([died, late])) === "late")
    throw new Error(`${worker} did not die of ${kind}`);
}

/** Nothing is on its way or in custody, twice in a row, for the counts are of several threads. */
async function settled() {
  const endMs = performance.now() + LIMIT_MS;
  for (let still = 0; still < 2; await sleep(5)) {
    const { sent: out, accepted, inFlight } = mesh.status().messages;
    still = inFlight === 0 && out <= accepted ? still + 1 : 0;
    if (performance.now() > endMs)
      throw new Error(`not at rest: ${inFlight} in flight, ${out} of ${accepted} accepted`);
  }
}

const done = load();
const counts = {};
for (const kind of planned()) {
  await sleep(random() * 20);
  await kill(kind);
  counts[kind] = (counts[kind] ?? 0) + 1;
}
loading = false;
await done;
for (const worker of ["worker-1", "worker-2"]) await up(worker);
await settled();

let got = 0;
for (const [agent, address] of addresses.entries()) {
  const { state, value } = await mesh.ask(address, { do: "report" }, { timeoutMs: LIMIT_MS });
  if (state !== 1) throw new Error(`${address} does not answer`);
  faults.push(...value.faults.map((sentence) => `agent ${agent}, ${sentence}`));
  const from = (agent + half) % addresses.length;
  for (const [who, expected] of [
    ["main", sent[agent]],
    [from, sent[from]],
  ]) {
    const last = value.last[who] ?? 0;
    got += last;
    if (last !== expected) faults.push(`agent ${agent}: ${last} of ${expected} from ${who}`);
  }
}
const { messages, lost } = mesh.status();
if (lost !== 0) faults.push(`${lost} lost by the counts`);
if (messages.deadLettered !== 0) faults.push(`${messages.deadLettered} dead letters`);
if (messages.corrupt !== 0) faults.push(`${messages.corrupt} corrupt frames`);
if (
  messages.accepted !==
  messages.handled + messages.expired + messages.deadLettered + messages.inFlight
)
  faults.push(`the counts do not add up: ${JSON.stringify(messages)}`);
const told = sent.reduce((sum, count) => sum + count, 0) * 2;
const { redelivered } = messages;
process.stdout.write(
  `${JSON.stringify({ kills: counts, deaths, told, got, redelivered, faults })}\n`,
);
await mesh.stop({ deadlineMs: 0 });
process.exit(0);
