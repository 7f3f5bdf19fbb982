// Changes the module of 40 agents while they run: to a good version, and to a bad one, which is taken back.
// Run it from a clone after `npm ci`: node examples/module-reload/main.js (Node below 22.18 takes TypeScript by tsx).
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createMesh } from "mesh-30k";

const ONE = "sector-1/cluster-1/agent-1";
const TWO = "sector-1/cluster-1/agent-2";
const source = fileURLToPath(new URL("./counter.ts", import.meta.url));
// A copy, so that this program leaves its own folder as it was.
const module = fileURLToPath(new URL(`./running-${process.pid}.ts`, import.meta.url));
copyFileSync(source, module);
const rewrite = (from, to) => writeFileSync(module, readFileSync(source, "utf8").replace(from, to));
const failures = [];
const say = (what, actual, expected) => {
  console.log(`${what}: ${actual}`);
  if (actual !== expected) failures.push(`${what}: expected ${expected}, got ${actual}`);
};

const mesh = await createMesh({
  agent: { module },
  topology: { sectors: 2, clustersPerSector: 2, agentsPerCluster: 10 },
  log: "silent",
});
const value = async (agent, add) => (await mesh.ask(agent, { add })).value;
say("the first version counts", await value(ONE, 7), "7");

rewrite("String(state.total)", 'state.total + " apples"');
const [good] = await mesh.reload(undefined, { windowMs: 200 });
say(
  `the second one was ${good.outcome} for ${good.agents} agents`,
  await value(ONE, 1),
  "8 apples",
);

rewrite("state.total += message.add;", 'throw new Error("out of apples");');
const reloading = mesh.reload(undefined, { windowMs: 10_000 });
let failed = false;
while (!failed)
  failed = await mesh.ask(TWO, { add: 0 }).then(
    () => false,
    () => true,
  );
const [bad] = await reloading;
say("the third one was", bad.outcome, "reverted");
console.log(`because ${bad.why}`);
say("and the agents have their states", await value(ONE, 1), "9 apples");
await mesh.stop();
rmSync(module);
for (const failure of failures) console.error(`NOT AS PROMISED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
