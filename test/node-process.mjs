// One node as a process of its own: it does what it is asked over its channel, and answers.
import { createMesh } from "../dist/index.js";

const [name, join, more = "{}"] = process.argv.slice(2);
const mesh = await createMesh({
  agent: new URL("./node-agent.mjs", import.meta.url),
  topology: {
    sectors: 4,
    clustersPerSector: 2,
    agentsPerCluster: 5,
    spawnCapacity: 64,
    classes: { CLASS_A_EDGE: 1 },
  },
  workers: 2,
  log: "silent",
  heartbeatMs: 500,
  nodes: { join, name, expected: 2, leaseMs: 1_200, patienceMs: 20_000 },
  ...JSON.parse(more),
});

const deeds = {
  ask: (address, message, options) => mesh.ask(address, message, options),
  tell: async (address, message, options) => await mesh.tell(address, message, options),
  broadcast: (message) => mesh.broadcast(message),
  scatterNow: async (payload) => {
    const result = await mesh.scatterGather({ payload });
    const out = [...result.outcomes()].filter(({ state }) => state !== 1);
    return { ...figures(result), out };
  },
  scatter: async (operation) => figures(await mesh.scatterGather(operation)),
  cascade: async (operation, options) => figures(await mesh.cascade(operation, options)),
  inspect: (address) => mesh.inspect(address),
  restart: (address) => mesh.restart(address),
  best: (capability, count) => mesh.findBestAgents(capability, count),
  status: async () => mesh.status(),
  hostOf: async (address) => mesh.nodes.hostOf(address) ?? null,
  incidents: async () => mesh.incidents(),
  deadLetters: async () => mesh.deadLetters.summary().total,
  stop: () => mesh.stop(),
};

function figures({ addressed, ready, transit, skipped, quorum, acting }) {
  return { addressed, ready, transit, skipped, quorum, acting };
}

process.on("message", async ({ id, deed, words }) => {
  try {
    process.send({ id, value: await deeds[deed](...words) });
  } catch (error) {
    process.send({ id, error: `${error.code ?? ""} ${error.message}` });
  }
  if (deed === "stop") process.disconnect();
});
process.send({ ready: true });
