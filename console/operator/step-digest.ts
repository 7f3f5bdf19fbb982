/** A command with its arguments as one short value, the same however they were written. */
import { createHash } from "node:crypto";

/** What would be done. */
export interface Step {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** SHA-256 of any plain value, whatever the order of its members; base64. Arguments may be long, a digest is not. */
export function stepDigest(step: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(inOrder(step)))
    .digest("base64");
}

/** A copy whose members stand in the order of their names, so that it does not matter how they were written. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  // A list of pairs, because an object would put names that are numbers first, and drop `__proto__`.
  return { members: members.map(([name, member]) => [name, inOrder(member)]) };
}
