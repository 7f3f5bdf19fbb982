// Freezes and thaws a mesh over and over into one file, and prints when each freeze that is told of was taken.
//
//   node test/freeze-run.mjs FOLDER
import { writeSync } from "node:fs";
import { join } from "node:path";
import { createMesh } from "../dist/index.js";

const mesh = await createMesh({
  agent: new URL("./mortal-agent.mjs", import.meta.url),
  topology: { sectors: 2, clustersPerSector: 2, agentsPerCluster: 5 },
  workers: 1,
  log: "silent",
});
const file = join(process.argv[2], "cut.mesh");
for (let number = 1; ; number++) {
  const agent = mesh.ref("sector-1/cluster-1/agent-1");
  mesh.tell(agent, {
    do: "passed",
    from: "main",
    number,
    pad: String(number).repeat(1 + (number % 40)),
  });
  const { sinceMs } = await mesh.freeze("all", { file });
  writeSync(1, `${sinceMs}\n`);
  await mesh.thaw();
}
