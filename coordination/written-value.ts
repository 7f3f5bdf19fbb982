/**
 * Values as JSON text that says the same wherever it is read: members in the order of their names, and what JSON has
 * no word for (dates, bytes, big integers, undefined, numbers that are not finite) under a name of its own. Two
 * values that are equal are written alike, so that their hashes can be compared.
 */

/** Names under which what JSON lacks is written; an object that has one as its only member is written as `$object`. */
const DATE = "$date";
const BYTES = "$bytes";
const BIGINT = "$bigint";
const NUMBER = "$number";
const UNDEFINED = "$undefined";
const OBJECT = "$object";
const TAGS: readonly string[] = [DATE, BYTES, BIGINT, NUMBER, UNDEFINED, OBJECT];

/** Nesting that is written; what lies deeper is an error, as a circle would be. */
const MAX_DEPTH = 200;

/** The value as text. TypeError when it has functions, symbols or circles. */
export function writeValue(value: unknown): string {
  return JSON.stringify(plain(value, 0));
}

/** The value of such a text. SyntaxError when it is none. */
export function readValue(text: string): unknown {
  return revived(JSON.parse(text));
}

function plain(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new TypeError(`value: expected at most ${MAX_DEPTH} levels`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [NUMBER]: spelled(value) };
    case "bigint":
      return { [BIGINT]: String(value) };
    case "undefined":
      return { [UNDEFINED]: true };
    case "object":
      return value === null ? null : plainObject(value, depth);
    default:
      throw new TypeError(`value: expected data, got a ${typeof value}`);
  }
}

function spelled(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function plainObject(value: object, depth: number): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (value instanceof Date) return { [DATE]: value.getTime() };
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { [BYTES]: bytes.toString("base64") };
  }
  const members: Record<string, unknown> = {};
  const names = Object.keys(value).sort();
  for (const name of names) {
    const member = plain((value as Record<string, unknown>)[name], depth + 1);
    // As an own member, whatever its name is.
    Object.defineProperty(members, name, { value: member, enumerable: true });
  }
  return names.length === 1 && TAGS.includes(names[0]) ? { [OBJECT]: members } : members;
}

function revived(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  const entries = Object.entries(value);
  if (entries.length === 1) {
    const [name, inner] = entries[0];
    switch (name) {
      case DATE:
        return new Date(inner as number);
      case BYTES:
        return Buffer.from(inner as string, "base64");
      case BIGINT:
        return BigInt(inner as string);
      case NUMBER:
        return Number(inner as string);
      case UNDEFINED:
        return undefined;
      case OBJECT:
        return members(Object.entries(inner as object));
    }
  }
  return members(entries);
}

function members(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.map(([name, inner]) => [name, revived(inner)]));
}
