import { describe, expect, test } from "vitest";
import { readRow } from "./agent-impedance.ts";
import { ACTIVE, AGENT_STATES, operationalState, QUARANTINED } from "./agent-state.ts";
import { createCapabilityTable, setCapabilities } from "./capability.ts";
import { createRegistry, registryBytes } from "./registry.ts";
import { agentIndex, createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 2, clustersPerSector: 2, agentsPerCluster: 3 });
const registry = createRegistry(new ArrayBuffer(registryBytes(topology.rows)), topology.rows);
const capabilities = createCapabilityTable(["summarise", "vision"]);

describe("an agent's impedance for people", () => {
  test("has the fields of the specification, by name", () => {
    const index = agentIndex(topology, 1, 0, 2);
    registry.class[index] = 3;
    registry.state[index] = ACTIVE;
    registry.latencyMs[index] = 12.5;
    registry.processingMs[index] = 40;
    registry.queueDepth[index] = 2;
    registry.score[index] = 132.5;
    registry.reliability[index] = 0.75;
    registry.drift[index] = 0.25;
    registry.contextHash[index] = 0xa1b2c3;
    registry.lastHeartbeatMs[index] = Date.UTC(2024, 10, 30, 12);
    setCapabilities(registry, index, capabilities, ["vision"]);
    expect(readRow(registry, topology, capabilities, index)).toEqual({
      agentId: "sector-2/cluster-1/agent-3",
      agentClass: "CLASS_D_GPU",
      sectorId: "sector-2",
      clusterId: "sector-2/cluster-1",
      currentLatencyMs: 12.5,
      currentProcessingMs: 40,
      currentQueueDepth: 2,
      lastHeartbeat: "2024-11-30T12:00:00.000Z",
      impedanceScore: 132.5,
      reliabilityScore: 0.75,
      driftCoefficient: 0.25,
      operationalState: "active",
      currentContextHash: "00a1b2c3",
      capabilities: ["vision"],
    });
  });

  test("an agent never heard of is offline, without heartbeat and without context", () => {
    const row = readRow(registry, topology, capabilities, 0);
    expect(row.operationalState).toBe("offline");
    expect(row.lastHeartbeat).toBeNull();
    expect(row.currentContextHash).toBe("");
  });

  test("the orchestrator is in no sector and in no cluster", () => {
    const row = readRow(registry, topology, capabilities, topology.orchestrator);
    expect([row.agentId, row.sectorId, row.clusterId]).toEqual(["orchestrator", "", ""]);
  });

  test("only four of the eight states are words of the specification", () => {
    expect(AGENT_STATES.map((_, code) => operationalState(code))).toEqual([
      "offline",
      "offline",
      "offline",
      "active",
      "degraded",
      "offline",
      "quarantined",
      "offline",
    ]);
    expect(AGENT_STATES[QUARANTINED]).toBe("quarantined");
  });
});
