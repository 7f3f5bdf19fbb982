import { createHash } from "node:crypto";
import { writeValue } from "../../coordination/written-value.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/**
 * HOLD_AND_REREQUEST: traffic goes around the source at once; the payload is requested from it again by its behavior's
 * `resend`. When its hash is the one that was promised, the agent gets it and the source is let go. Otherwise the
 * source stays held, and a person decides.
 */
export async function strategyHold(at: Case): Promise<Finding> {
  const { record, steps, ports, source } = at;
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

/** SHA-256 of text and bytes as they are, of other values as they are written. */
function hashOf(payload: unknown): string {
  const hash = createHash("sha256");
  if (typeof payload === "string") hash.update(payload);
  else if (ArrayBuffer.isView(payload))
    hash.update(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
  else hash.update(writeValue(payload));
  return hash.digest("hex");
}
