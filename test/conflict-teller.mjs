// A process that is to be killed: it brings conflicts about without end, and prints each id once it is told that the
// conflict is recorded. Not through a stream, which would hold lines back that a kill then takes along.
import { writeSync } from "node:fs";
import { createMesh } from "../dist/index.js";

const mesh = await createMesh({
  agent: new URL("./wary-agent.mjs", import.meta.url),
  topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 3 },
  workers: 1,
  log: "silent",
  dataDir: process.argv[2],
});
mesh.conflicts.on("recorded", ({ conflictId }) => say(`${conflictId}\n`));
const detail = { type: "DATA_CONTRADICTION", expected: 1, received: 2 };
for (;;) {
  for (let i = 0; i < 20; i++) mesh.tell("sector-1/cluster-1/agent-1", { do: "conflict", detail });
  await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Until the pipe has room: whoever reads it may be slower than the log. */
function say(line) {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
