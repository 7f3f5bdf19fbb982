/** The one public door of mesh-30k. */
export {
  type Behavior,
  defineAgent,
  type Probe,
  type Received,
} from "./actors/behavior.ts";
export type {
  ActorContext,
  AskOptions,
  Envelope,
  OperationEnvelope,
  Priority,
  SendOptions,
  TellOptions,
  Timer,
  Timers,
  TokenWish,
} from "./actors/context.ts";
export {
  AgentFailedError,
  AskCycleError,
  InvalidOptionError,
  MeshError,
  MeshStoppedError,
  PayloadTooLargeError,
  UndeliverableError,
  UnknownActorError,
} from "./actors/errors.ts";
export {
  type AcknowledgeMessage,
  type AnswerMessage,
  type AskMessage,
  type CircuitBreakerMessage,
  type Compensation,
  type CoordinationMessage,
  type DelegateMessage,
  type FreezeMessage,
  type HeartbeatMessage,
  type MeshMessage,
  type ProtocolMessage,
  ROUTING_STRATEGIES,
  type RoutingStrategy,
  type ThawMessage,
  VERBS,
  type Verb,
} from "./actors/message.ts";
export type { Clock, Log, Random } from "./actors/ports.ts";
export type { Receipt, ReceiptStatus } from "./actors/receipt.ts";
export type { ActorRef, Target } from "./actors/ref.ts";
export {
  type Answer,
  type Conflict,
  type ConflictDetail,
  type ConflictType,
  conflict,
  type Ready,
  type Result,
  ready,
  type Transit,
  type Trinary,
} from "./actors/result.ts";
export type { Signal } from "./actors/signal.ts";
export { type MeshServer, type ServeOptions, serveMesh } from "./console/serve-mesh.ts";
export type { ArrivalTime } from "./coordination/arrival-time.ts";
export type { Kpi } from "./coordination/kpi.ts";
export type { Kpis } from "./coordination/kpis.ts";
export type { QuorumDecision } from "./coordination/quorum.ts";
export type { Belonging } from "./mailbox/belonging.ts";
export type * from "./runtime/api/agent-api.ts";
export type * from "./runtime/api/circuit-api.ts";
export type * from "./runtime/api/conflict-api.ts";
export type {
  Cut,
  CutGather,
  CutMessage,
  CutOperation,
  CutShare,
  CutSnapshot,
} from "./runtime/api/cut.ts";
export { CutError } from "./runtime/api/cut.ts";
export type * from "./runtime/api/failure-api.ts";
export type * from "./runtime/api/freeze-api.ts";
export type * from "./runtime/api/heal-api.ts";
export type * from "./runtime/api/incident-api.ts";
export type { Journal, JournalRestored, JournalStatus } from "./runtime/api/journal-api.ts";
export type * from "./runtime/api/live-api.ts";
export type * from "./runtime/api/mesh-api.ts";
export type * from "./runtime/api/mode-api.ts";
export type * from "./runtime/api/operation-api.ts";
export type * from "./runtime/api/reload-api.ts";
export type * from "./runtime/api/roles-api.ts";
export type * from "./runtime/api/scale-api.ts";
export type * from "./runtime/api/store-api.ts";
export type * from "./runtime/api/task-api.ts";
export type * from "./runtime/api/threat-api.ts";
export type * from "./runtime/api/trace-api.ts";
export type * from "./runtime/api/trust-api.ts";
export type * from "./runtime/api/why-api.ts";
export { createMesh } from "./runtime/create-mesh.ts";
export {
  type AgentChange,
  type CutDiff,
  diffCuts,
  type MessageChange,
} from "./runtime/freeze/cut-diff.ts";
export { readCut, writeCut } from "./runtime/freeze/cut-file.ts";
