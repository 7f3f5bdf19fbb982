// Serves worker.js on this machine, as its host would, and has 40 agents call it.
// Run it from a clone after `npm ci`: node examples/http-worker/main.js
import { createServer } from "node:http";
import { createMesh } from "mesh-30k";
import worker from "./worker.js";

const SECRET = "only the mesh and the worker know";
const failures = [];

function expect(what, actual, expected) {
  if (actual !== expected) failures.push(`${what}: expected ${expected}, got ${actual}`);
}

const server = createServer(async (incoming, outgoing) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { method, headers } = incoming;
  const body = method === "POST" ? Buffer.concat(chunks) : undefined;
  const request = new Request(`http://${headers.host}${incoming.url}`, { method, headers, body });
  const response = await worker.fetch(request, { SECRET });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const mesh = await createMesh({
  agent: { http: { url, probeUrl: url, secret: SECRET, capabilities: ["convert"] } },
  topology: { sectors: 2, clustersPerSector: 2, agentsPerCluster: 10 },
  log: "silent",
});
const answer = await mesh.ask("sector-1/cluster-1/agent-1", { celsius: 20 });
console.log("READY", answer.value);
expect("20 °C", answer.value?.fahrenheit, 68);
const hot = await mesh.ask("sector-1/cluster-1/agent-1", { celsius: 90 });
console.log("CONFLICT", hot.conflict);
expect("90 °C", hot.conflict?.expected, "at most 60");
const { ready } = await mesh.broadcast({ celsius: 37 }, { select: "convert" });
console.log(`${ready} of 40 agents have converted 37 °C`);
expect("ready agents", ready, 40);
await mesh.stop();
server.closeAllConnections();
server.close();
for (const failure of failures) console.error(`NOT AS PROMISED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
