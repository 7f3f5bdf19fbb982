import { createHash } from "node:crypto";
import { writeValue } from "../../coordination/written-value.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/** What came of sending the payload of an operation again. */
export type Resend =
  /** It arrived, and so the agent's state is: READY, CONFLICT, or not known by the deadline. */
  | { readonly kind: "sent"; readonly state: -1 | 0 | 1; readonly agents: number }
  /** What is to be sent has another hash by now. */
  | { readonly kind: "changed"; readonly hash: string }
  /** Its time is over; nobody knows it any more; it was sent again before. */
  | { readonly kind: "over" | "forgotten" | "damaged-again" };

/** How the runtime names the operation of a payload that cannot be read. */
const OPERATION = /^operation (\d+)$/;

/**
 * HOLD_AND_REREQUEST: traffic goes around the source at once; the payload is requested from it again by its behavior's
 * `resend`. When its hash is the one that was promised, the agent gets it and the source is let go. Otherwise the
 * source stays held, and a person decides. The payload of an operation is the orchestrator's: the copy that was read is
 * left alone, and it is asked for another.
 */
export async function strategyHold(at: Case): Promise<Finding> {
  const { record, steps, ports, source } = at;
  const number = OPERATION.exec(record.operationId ?? "")?.[1];
  if (number !== undefined) return holdOperation(at, Number(number));
  const [hold, rerequest, compare, letGo] = record.strategy.steps;
  if (record.source === undefined || source < 0) {
    const from = record.via === "operation" ? "the mesh's own memory" : "outside the mesh";
    steps.push({ step: hold ?? "Lead traffic around the source", found: `it came from ${from}` });
    const outcome = `the payload came from ${from}: nobody can be asked for it again`;
    return { state: "review", outcome, steps };
  }
  ports.route.avoid(record.source, { reason: `HASH_MISMATCH, ${record.conflictId}` });
  steps.push({
    step: hold ?? "Lead traffic around the source",
    found: `${record.source} is avoided`,
  });
  const again = await at.look(source, { hook: "resend", messageId: record.messageId });
  const step = rerequest ?? "Request the payload again";
  if (again?.found === undefined) {
    steps.push({ step, found: `${record.source} does not send it again` });
    const outcome = `${record.source} is held: it cannot give the payload again`;
    return { state: "review", outcome, steps };
  }
  steps.push({ step, found: "it came" });
  const hash = hashOf(again.found);
  const matches = hash === String(record.expected).toLowerCase();
  steps.push({
    step: compare ?? "Compare its hash with what was promised",
    found: `${hash} ${matches ? "is" : "is not"} what was promised`,
  });
  if (!matches) {
    const outcome = `${record.source} is held: what it sent again is not what was promised either`;
    return { state: "review", outcome, steps };
  }
  const status = await ports.tell(record.agent, again.found);
  const released = ports.route.allow(record.source);
  steps.push({
    step: letGo ?? "Let the source go when they match",
    found: `${record.agent}: ${status}; ${record.source} ${released ? "is let go" : "was let go before"}`,
  });
  return { state: "resolved", outcome: "the payload came again as it was promised", steps };
}

async function holdOperation(at: Case, operation: number): Promise<Finding> {
  const { record, steps, ports, agent } = at;
  const [hold, rerequest, compare, letGo] = record.strategy.steps;
  steps.push({
    step: hold ?? "Lead traffic around the source",
    found: "the copy in the mesh's memory is given to nobody else",
  });
  const review = (found: string, outcome: string): Finding => {
    steps.push({ step: rerequest ?? "Request the payload again", found });
    return { state: "review", outcome, steps };
  };
  const resend = await ports.resend(operation, agent, String(record.expected));
  switch (resend.kind) {
    case "over":
      return review(
        "the operation's time is over",
        "the payload came damaged, and too late to be sent again",
      );
    case "forgotten":
      return review(
        "the orchestrator knows it no more",
        "the payload came damaged, and cannot be had again",
      );
    case "damaged-again":
      return review(
        "it has been sent again before",
        "the payload came damaged twice: the mesh's memory is in doubt",
      );
    case "changed":
      return review(
        `its hash is ${resend.hash} by now`,
        "whoever sent the operation has changed its payload since",
      );
    case "sent":
      break;
    default:
      return resend satisfies never;
  }
  const { state, agents } = resend;
  const became = ["CONFLICT", "TRANSIT", "READY"][state + 1];
  steps.push({
    step: rerequest ?? "Request the payload again",
    found: `sent again to ${agents} agents`,
  });
  steps.push({
    step: compare ?? "Compare its hash with what was promised",
    found: "it is what was promised",
  });
  steps.push({
    step: letGo ?? "Let the source go when they match",
    found: `${record.agent}: ${became}`,
  });
  if (state === 0)
    return { state: "review", outcome: `${record.agent} was not heard of by the deadline`, steps };
  return {
    state: "resolved",
    outcome: `the payload came again as it was promised: ${became}`,
    steps,
  };
}

/** SHA-256 of text and bytes as they are, of other values as they are written. */
function hashOf(payload: unknown): string {
  const hash = createHash("sha256");
  if (typeof payload === "string") hash.update(payload);
  else if (ArrayBuffer.isView(payload))
    hash.update(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
  else hash.update(writeValue(payload));
  return hash.digest("hex");
}
