import assert from "node:assert/strict";
import { IMPEDANCE_CLASSES } from "../coordination/impedance-class.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { type BeatSize, Leads, Profiles } from "./lead.ts";
import { nsPerOperation } from "./loop.ts";
import { throughputByNact } from "./peer-nact.ts";
import { type AgentReport, type ObjectSummary, summarise } from "./peer-objects.ts";
import { nowMs } from "./threads.ts";

/*
 *   rows of 30 agents ──score, drift, flags──▶ cluster summary       (one thread, 1,000 clusters)
 */
const SIZE: BeatSize = {
  sectors: parameter("heartbeat.thread sectors", { smoke: 2, full: 100 }),
  clustersPerSector: 10,
  agentsPerCluster: 30,
};
const NACT_BEATS = parameter("heartbeat.thread heartbeats of nact", {
  smoke: 1_200,
  full: 300_000,
});

async function ours(measured: Measured): Promise<void> {
  const leads = seededLeads();
  const { agents, clusters } = leads.topology;
  const ns = await nsPerOperation(agents, () => {
    const now = nowMs();
    for (let cluster = 0; cluster < clusters; cluster++) leads.fold(cluster, now);
  });
  leads.prove(agents);
  measured("perSecond", 1e9 / ns);
}

/** Leads that have noted one heartbeat of each agent. */
function seededLeads(): Leads {
  const leads = new Leads(SIZE);
  const { agents } = leads.topology;
  const { latencyMs, processingMs, health } = new Profiles(agents);
  for (let agent = 0; agent < agents; agent++) {
    leads.note(agent, latencyMs[agent], processingMs[agent], agent & 1_023, health);
  }
  return leads;
}

async function objects(measured: Measured): Promise<void> {
  const { topology, registry } = seededLeads();
  const reports: AgentReport[][] = [];
  for (let cluster = 0; cluster < topology.clusters; cluster++) {
    const first = cluster * topology.agentsPerCluster;
    reports.push(
      Array.from({ length: topology.agentsPerCluster }, (_, i) => ({
        id: `agent-${first + i}`,
        latencyMs: registry.latencyMs[first + i],
        latencySpreadMs: registry.latencySpreadMs[first + i],
        processingMs: registry.processingMs[first + i],
        queuedMs: registry.queuedWorkMs[first + i],
        reliability: registry.reliability[first + i],
        msPerPoint: IMPEDANCE_CLASSES[registry.class[first + i]].msPerPoint,
      })),
    );
  }
  const summaries: ObjectSummary[] = [];
  const ns = await nsPerOperation(topology.agents, () => {
    for (let cluster = 0; cluster < reports.length; cluster++) {
      summaries[cluster] = summarise(reports[cluster]);
    }
  });
  const active = summaries.reduce((sum, summary) => sum + summary.active, 0);
  assert.equal(active, topology.agents);
  measured("perSecond", 1e9 / ns);
}

export const heartbeatThread: Bench = {
  name: "heartbeat.thread",
  question:
    "How many agents a second can one thread profile and fold into their clusters' summaries?",
  metrics: { perSecond: { unit: "1/s", better: "more", goal: 40_000_000 } },
  ours,
  peers: {
    objects,
    nact: async (measured) => {
      const warm = NACT_BEATS / 10;
      const cargo = { kind: "heartbeat", size: SIZE, total: warm + NACT_BEATS } as const;
      measured("perSecond", await throughputByNact(cargo, { warm, measured: NACT_BEATS }));
    },
  },
};
