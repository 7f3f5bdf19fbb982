// A process with a mesh over a data folder, under a load of durable messages, until it is killed. It says on stdout,
// a JSON value a line: first the books of all agents when nothing that it found was left to do, then each message
// of which it was told that it is on disk. Quiet, it says only the latter.
import { writeSync } from "node:fs";
import { createMesh } from "../dist/index.js";

const { dataDir, seed, agents, streams, isQuiet } = JSON.parse(process.argv[2]);
const say = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

const mesh = await createMesh({
  agent: new URL("./durable-agent.mjs", import.meta.url),
  topology: { sectors: 4, clustersPerSector: 1, agentsPerCluster: agents / 4, spawnCapacity: 0 },
  workers: 2,
  dataDir,
  log: "silent",
  checkpointMs: 50,
});
for (let still = 0; still < 2; ) {
  const { inFlight, sent, accepted } = mesh.status().messages;
  still = inFlight === 0 && sent <= accepted ? still + 1 : 0;
  await new Promise((resolve) => setTimeout(resolve, 2));
}
const books = [];
for (let agent = 0; agent < agents; agent++)
  books.push((await mesh.ask(agent, { do: "books" }, { timeoutMs: 20_000 })).value);
if (!isQuiet) say({ books, lost: mesh.status().lost, restored: mesh.journal.status().restored });

let state = seed >>> 0;
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const next = new Map();
for (const { name, target } of streams) next.set(name, books[target].next[name] ?? 0);
for (;;) {
  const receipts = [];
  for (let burst = 1 + random(100); burst > 0; burst--) {
    const { name, target, priority } = streams[random(streams.length)];
    const id = next.get(name);
    next.set(name, id + 1);
    const message = { from: name, id };
    if (random(3) === 0) Object.assign(message, { to: random(agents), each: 1 + random(3) });
    const receipt = mesh.tell(target, message, { durable: true, priority });
    receipts.push(receipt.then((status) => say({ name, id, status })));
  }
  // Its workers die too, under the same load.
  if (random(40) === 0) mesh.kill(`worker-${1 + random(2)}`);
  if (random(4) > 0) await Promise.all(receipts);
  else await new Promise(setImmediate);
}
