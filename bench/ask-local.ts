import { roundTripsByMesh } from "./ask-cross.ts";
import { type Bench, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { roundTripsByNact } from "./peer-nact.ts";
import { measureRoundTrips, ONE_METRICS, type RoundTripSize } from "./round-trips.ts";

/*
 *   agent 1 ──── n ────▶ agent 2        (one worker)
 *           ◀── n+1 ───
 */
const SIZE: RoundTripSize = {
  one: parameter("ask.local asks", { smoke: 200, full: 50_000 }),
  many: 0,
  outstanding: 1,
};

export const askLocal: Bench = {
  name: "ask.local",
  question: "How long does an agent wait for an answer from an agent of its own thread?",
  metrics: { "one.p50": { ...ONE_METRICS["one.p50"], goal: 2 }, "one.p99": ONE_METRICS["one.p99"] },
  ours: async (measured) => {
    await using mesh = await startMesh("agent-ask", {
      workers: 1,
      topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 2 },
    });
    const [asker, asked] = mesh.select("sector-1/cluster-1");
    measureRoundTrips(await roundTripsByMesh(mesh, asker, asked, SIZE), measured);
  },
  peers: {
    nact: async (measured) => measureRoundTrips(await roundTripsByNact(SIZE), measured),
    Erlang: erlang("ask.local", [SIZE.one], { schedulers: 1 }),
  },
};
