import type { OperationEnvelope } from "../../actors/context.ts";
import type { MeshMessage } from "../../actors/message.ts";
import { addressOf } from "../../coordination/address.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import {
  DIGEST_WORDS,
  OPERATION_DIGEST,
  ROW_CONFIDENCE,
  ROW_LEAD,
  ROW_PROCESSING,
} from "../../mailbox/operation-frame.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Part } from "./part.ts";
import { hexOf } from "./shared-payloads.ts";

/** What one agent is told of an operation: read while its turn runs, for the frame may be gone after it. */
export function operationEnvelope(
  dispatcher: Dispatcher,
  part: Part,
  agent: number,
  acting: boolean,
): OperationEnvelope {
  const { custody } = dispatcher.view;
  const facts = dispatcher.payloads.factsAt(custody.words, part.slot + SLOT_FRAME);
  return {
    id: facts.messageId,
    verb: facts.verb,
    arrivalMs: part.arrivalMs || undefined,
    localArrivalMs:
      part.arrivalMs === 0 ? undefined : part.arrivalMs + dispatcher.heart.clockOffsetMs(agent),
    acting,
    message: () => messageFor(dispatcher, part, agent),
  };
}

function messageFor(dispatcher: Dispatcher, part: Part, agent: number): MeshMessage {
  const { custody, topology } = dispatcher.view;
  const at = part.slot + SLOT_FRAME;
  const facts = dispatcher.payloads.factsAt(custody.words, at);
  const address = addressOf(topology, agent);
  const bit = agent - part.firstAgent;
  const digest = custody.words.slice(at + OPERATION_DIGEST, at + OPERATION_DIGEST + DIGEST_WORDS);
  return Object.freeze({
    messageId: facts.messageId,
    correlationId: facts.correlationId,
    causationId: facts.causationId,
    sourceAgentId: "orchestrator",
    targetAgentIds: [address],
    routingStrategy: facts.strategy,
    createdAt: new Date(part.createdMs).toISOString(),
    ...(part.arrivalMs > 0 && { targetArrivalTime: new Date(part.arrivalMs).toISOString() }),
    ttlMs: facts.ttlMs,
    priority: part.priority as MeshMessage["priority"],
    payloadWeight: facts.payloadWeight,
    requiresCapabilities: facts.requiresCapabilities,
    compensationApplied: Number.isNaN(part.at(bit, ROW_LEAD))
      ? {}
      : {
          [address]: {
            leadTimeMs: part.at(bit, ROW_LEAD),
            expectedProcessingMs: part.at(bit, ROW_PROCESSING),
            confidence: part.at(bit, ROW_CONFIDENCE),
          },
        },
    verb: facts.verb,
    payload: dispatcher.payloads.messageAt(custody.words, at),
    payloadHash: hexOf(digest),
    trinaryExpectation: facts.trinaryExpectation,
  });
}
