/**
 * `mesh-30k/coordination`: the arithmetic of the mesh, without a thread or a clock. Topology, the registry
 * of impedance, profiles and heartbeats, summaries, routing, and the graph of who waits for whom.
 */
export { addressOf, clusterAddress, indexOfAddress, sectorAddress } from "./address.ts";
export { type AgentImpedance, readRow } from "./agent-impedance.ts";
export {
  ACTIVE,
  AGENT_STATES,
  type AgentState,
  type AgentStateCode,
  DEGRADED,
  isOver,
  NOT_STARTED,
  OFFLINE,
  type OperationalState,
  operationalState,
  QUARANTINED,
  STARTING,
  STOPPED,
  VACANT_SEAT,
} from "./agent-state.ts";
export { foldCluster, foldSector } from "./aggregate.ts";
export {
  type CapabilityTable,
  capabilitiesOf,
  createCapabilityTable,
  hasCapability,
  MAX_CAPABILITIES,
  setCapabilities,
} from "./capability.ts";
export { CapableAgents } from "./capable-agents.ts";
export type { ClassShares } from "./class-mix.ts";
export { ClockOffset, type ClockReading } from "./clock-offset.ts";
export { computeScore, heartbeat, heartbeatRange, isBeating } from "./heartbeat.ts";
export { Histogram, type HistogramJson } from "./histogram.ts";
export {
  IMPEDANCE_CLASSES,
  type ImpedanceClass,
  type ImpedanceClassProfile,
  impedanceClassIndex,
  impedanceClassName,
} from "./impedance-class.ts";
export type { Kpi, RecoveryScope } from "./kpi.ts";
export type { ArrivalErrors, KpiSet, RecoveryTimes } from "./kpi-period.ts";
export {
  KpiBook,
  type KpiBookOptions,
  type Kpis,
  type OperationKpis,
  type PeriodKpis,
} from "./kpis.ts";
export type { OperationKind, OperationRecord } from "./operation-record.ts";
export {
  type IndexRange,
  placeIndices,
  placeSectors,
  sectorsOfShard,
  spawnRangeOfShard,
} from "./placement.ts";
export {
  createPredictor,
  type Load,
  type Observation,
  PREDICTOR_KINDS,
  type Predictor,
  type PredictorKind,
  type PredictorOptions,
  predictorBytes,
} from "./prediction.ts";
export { observeLatency, observeOutcome, observeProcessing, seedProfile } from "./profile.ts";
export {
  decideQuorum,
  type QuorumCounts,
  type QuorumDecision,
  type QuorumThresholds,
} from "./quorum.ts";
export {
  createRegistry,
  FLAG_DEGRADED,
  FLAG_LATENCY_MEASURED,
  FLAG_PROCESSING_MEASURED,
  FLAG_SPIKING,
  FLAG_UNSTABLE,
  type Registry,
  registryBytes,
} from "./registry.ts";
export { type AvoidedTarget, RouteMark, RouteMarks, RouteTable, routesBytes } from "./routes.ts";
export {
  bestInCluster,
  type CapableCounts,
  countCapable,
  DEFAULT_MAX_IMPEDANCE,
  earliestToFinish,
  type FinishPorts,
  findBestAgents,
  NoCapableAgentError,
  routeWithinCluster,
} from "./routing.ts";
export {
  agentsFor,
  earliestArrivalMs,
  expectedReady,
  leadForShareMs,
  quorumProbability,
} from "./schedule.ts";
export {
  type ClusterSummary,
  type GlobalStats,
  HEALTHY_ACTIVE_RATE,
  readClusterSummary,
  readGlobalStats,
  readSectorSummary,
  type SectorSummary,
} from "./summary.ts";
export {
  type ClusterSummaries,
  clusterSummariesBytes,
  createClusterSummaries,
  createSectorSummaries,
  type SectorSummaries,
  sectorSummariesBytes,
} from "./summary-columns.ts";
export {
  agentIndex,
  clusterOf,
  coordinatorOf,
  createTopology,
  kindOf,
  leadOf,
  type NodeKind,
  parentOf,
  sectorOf,
  type Topology,
  type TopologyOptions,
} from "./topology.ts";
export { NO_EDGE, type WaitGraphSize, waitGraphBytes } from "./wait-edges.ts";
export { WaitGraph } from "./wait-graph.ts";
