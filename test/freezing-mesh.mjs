// A mesh under load that is frozen and thawed on and on, until somebody kills its process. Each line tells when the
// state was taken that is surely in the file by then.
//
//     node freezing-mesh.mjs FILE
import { createMesh } from "../dist/index.js";

const [, , file] = process.argv;
const mesh = await createMesh({
  agent: new URL("./ledger-agent.mjs", import.meta.url),
  // Many rows, so that the file is long and takes its time to write.
  topology: { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5, spawnCapacity: 100_000 },
  workers: 2,
  log: "silent",
});
for (let agent = 0; agent < 40; agent += 4)
  mesh.tell(agent, {
    do: "drive",
    targets: [(agent + 1) % 40, (agent + 21) % 40],
    each: 1,
    on: true,
  });
for (;;) {
  const { sinceMs } = await mesh.freeze("all", { file });
  process.stdout.write(`${sinceMs}\n`);
  await mesh.thaw();
}
