/** Any value as JSON: what agents send and hold is theirs to choose, and JSON cannot say all of it. */

/** Depth at which a value is cut: a console shows, it does not transport. */
const MAX_DEPTH = 64;

/**
 * A copy that JSON can say. Big integers become text, bytes hexadecimal, maps and sets lists, errors their
 * sentence, cycles `"[cycle]"`; numbers that are none become null, as JSON has it.
 */
export function toPlain(value: unknown): unknown {
  return plain(value, []);
}

function plain(value: unknown, path: readonly object[]): unknown {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return `${value}n`;
    case "function":
    case "symbol":
    case "undefined":
      return undefined;
    case "object":
      return value === null ? null : plainObject(value, path);
    default:
      return value;
  }
}

function plainObject(value: object, path: readonly object[]): unknown {
  if (path.includes(value)) return "[cycle]";
  if (path.length >= MAX_DEPTH) return "[deep]";
  const inner = [...path, value];
  const list = (items: Iterable<unknown>): unknown[] =>
    Array.from(items, (item) => plain(item, inner) ?? null);
  if (Array.isArray(value)) return list(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  }
  if (value instanceof Map) return list([...value].map((entry) => list(entry)));
  if (value instanceof Set) return list(value);
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const made = plain(member, inner);
    if (made === undefined) continue;
    // Assigned, this one key would be lost as the copy's prototype.
    if (key === "__proto__") Object.defineProperty(copy, key, { value: made, enumerable: true });
    else copy[key] = made;
  }
  return copy;
}
