/**
 * The messages of the mesh as people and other systems see them (spec 2.4, Appendix B). Between threads none
 * of this is ever an object: frames carry numbers (`mailbox/frame.ts`), and what stands here is made from
 * them for whoever asks. Times are ISO 8601; names are those of the specification in camel case.
 */
import type { AgentImpedance } from "../coordination/agent-impedance.ts";
import type { Priority } from "./context.ts";
import type { ConflictDetail, Trinary } from "./result.ts";

/**
 * What a message asks of an agent (spec 2.4). `observe` and `orient` only look: they may be asked twice.
 * `decide`, `act`, `record` and `sync` change something: their effect is had once, by the operation's id.
 */
export type Verb = "observe" | "orient" | "decide" | "act" | "record" | "sync";

export const VERBS: readonly Verb[] = Object.freeze([
  "observe",
  "orient",
  "decide",
  "act",
  "record",
  "sync",
]);

/** How a message finds its targets (spec 2.4). */
export type RoutingStrategy = "direct" | "broadcast" | "scatter-gather" | "pipeline";

export const ROUTING_STRATEGIES: readonly RoutingStrategy[] = Object.freeze([
  "direct",
  "broadcast",
  "scatter-gather",
  "pipeline",
]);

/** How the sending of a message was adjusted for one target (spec 2.4 `compensation_applied`). */
export interface Compensation {
  /** How long before the target arrival time it was sent, ms. */
  readonly leadTimeMs: number;
  /** How long its target is expected to work on it, ms. */
  readonly expectedProcessingMs: number;
  /** Probability, 0 to 1, that the target is READY in time. */
  readonly confidence: number;
}

/** A message with its coordination data (spec 2.4). */
export interface MeshMessage<Payload = unknown> {
  /** Unique; begins with the time of its making. */
  readonly messageId: string;
  /** Groups related messages. */
  readonly correlationId: string;
  /** What brought this message about; its own id when nothing did. */
  readonly causationId: string;
  readonly sourceAgentId: string;
  readonly targetAgentIds: readonly string[];
  readonly routingStrategy: RoutingStrategy;
  readonly createdAt: string;
  /** When its targets should be READY; as soon as they can when absent. */
  readonly targetArrivalTime?: string;
  readonly ttlMs: number;
  readonly priority: Priority;
  /** Complexity of the payload against a usual one, which weighs 1. */
  readonly payloadWeight: number;
  readonly requiresCapabilities: readonly string[];
  /** By address. A target sees its own entry only; the whole plan is on the operation's result. */
  readonly compensationApplied: Readonly<Record<string, Compensation>>;
  readonly verb: Verb;
  readonly payload: Payload;
  /** SHA-256 of the encoded payload, hexadecimal. */
  readonly payloadHash: string;
  readonly trinaryExpectation: Trinary;
}

export interface HeartbeatMessage {
  readonly type: "HEARTBEAT";
  readonly agentId: string;
  readonly timestamp: string;
  readonly impedance: AgentImpedance;
}

/** One message for many: the sector, the cluster and the agent read their own part of it. */
export interface CoordinationMessage<Payload = unknown> {
  readonly type: "COORDINATE";
  readonly messageId: string;
  readonly targetArrivalTime: string;
  /** Lead time by agent, ms. */
  readonly compensation: Readonly<Record<string, number>>;
  readonly verb: Verb;
  readonly payload: Payload;
}

export interface AcknowledgeMessage {
  readonly type: "ACK";
  readonly messageId: string;
  readonly agentId: string;
  readonly trinaryState: Trinary;
  readonly actualArrivalTime: string;
  readonly processingTimeMs: number;
  readonly conflictDetail?: ConflictDetail;
}

export interface CircuitBreakerMessage {
  readonly type: "CIRCUIT";
  readonly action: "OPEN" | "HALF_OPEN" | "CLOSE";
  readonly scope: "cluster" | "sector" | "global";
  readonly targetId: string;
  readonly reason: string;
}

export interface FreezeMessage {
  readonly type: "FREEZE";
  readonly scope: "cluster" | "sector" | "global";
  readonly targetId?: string;
  readonly preserveStateTo: string;
}

/** Ends a FREEZE; the specification has none. */
export interface ThawMessage {
  readonly type: "THAW";
  readonly scope: "cluster" | "sector" | "global";
  readonly targetId?: string;
}

export interface AskMessage<Payload = unknown> {
  readonly type: "ASK";
  readonly messageId: string;
  readonly payload: Payload;
  /** No answer is waited for after this. */
  readonly deadline: string;
}

export interface DelegateMessage<Payload = unknown> {
  readonly type: "DELEGATE";
  readonly messageId: string;
  readonly requiresCapabilities: readonly string[];
  readonly payload: Payload;
  readonly deadline: string;
}

export interface AnswerMessage<Value = unknown> {
  readonly type: "ANSWER";
  /** Of the ASK or DELEGATE. */
  readonly messageId: string;
  readonly agentId: string;
  readonly trinaryState: Trinary;
  readonly value?: Value;
  readonly conflictDetail?: ConflictDetail;
}

/** Every message of the protocol (Appendix B, and those that it lacks). */
export type ProtocolMessage =
  | HeartbeatMessage
  | CoordinationMessage
  | AcknowledgeMessage
  | CircuitBreakerMessage
  | FreezeMessage
  | ThawMessage
  | AskMessage
  | DelegateMessage
  | AnswerMessage;
