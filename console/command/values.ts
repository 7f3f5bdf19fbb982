/**
 * The kinds of values that people write on command lines, in files and in requests: each a zod schema that
 * reads text as well as the value itself, says what it expected, and carries its JSON Schema.
 */
import { z } from "zod";
import { type ArrivalTime, readArrivalTime } from "../../coordination/arrival-time.ts";
import { formatNumber } from "../terminal/format.ts";
import { isListenAddress, type ListenAddress, readListenAddress } from "./listen-address.ts";

/** A kind of value: reads text or the value itself, or says what it expected. */
export type ValueType<T = unknown> = z.ZodType<T>;

/** Reads a whole number; `10_000` and `10,000` are groups of thousands, `1e3` and `0x10` are refused. */
export function wholeNumber(minimum: number, maximum: number): ValueType<number> {
  const range = `from ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
  return value(
    `a whole number ${range}`,
    { type: "integer", minimum, maximum },
    integerFrom(readDigits, minimum, maximum),
  );
}

/**
 * Reads a duration with its unit, `500ms`, `10s`, `2m`, `1h`, `1h30m`, as milliseconds. A number is what
 * was read before, on its way through JSON; text without a unit is refused.
 */
export function duration(minimumMs: number, maximumMs: number): ValueType<number> {
  const range = `from ${writtenDuration(minimumMs)} to ${writtenDuration(maximumMs)}`;
  return value(
    `a duration with a unit, such as 500ms, 10s, 2m or 1h, ${range}`,
    { type: ["string", "integer"], pattern: DURATION.source },
    integerFrom(readDuration, minimumMs, maximumMs),
  );
}

/** Reads a size in bytes: a whole number, or one with `KiB` or `MiB`. */
export function byteSize(minimum: number, maximum: number): ValueType<number> {
  const range = `from ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
  return value(
    `a number of bytes ${range}, such as 65536, 64KiB or 1MiB`,
    { type: ["integer", "string"] },
    integerFrom(readBytes, minimum, maximum),
  );
}

/** Reads a share from `minimum` to `maximum`, both within 0 and 1: `0.95`, or `95%`. */
export function share(minimum: number, maximum: number): ValueType<number> {
  return value(
    `a share from ${minimum} to ${maximum}, such as 0.95 or 95%`,
    { type: ["number", "string"], minimum, maximum },
    (raw): number | undefined => {
      const read = typeof raw === "string" ? readShare(raw) : raw;
      return typeof read === "number" && within(read, minimum, maximum) ? read : undefined;
    },
  );
}

/** Reads the address of a web service, `http://127.0.0.1:8080/v1`; one with a name or a password in it is refused. */
export function httpUrl(): ValueType<URL> {
  return value(
    "an http or https URL without a user in it, such as http://127.0.0.1:8080/v1",
    { type: "string", format: "uri" },
    (raw): URL | undefined => {
      if (raw instanceof URL) return raw;
      if (typeof raw !== "string" || !URL.canParse(raw)) return undefined;
      const url = new URL(raw);
      const isPlain = url.username === "" && url.password === "";
      return isPlain && /^https?:$/.test(url.protocol) ? url : undefined;
    },
  );
}

/** Reads a moment that an operation aims at: `now`, `earliest-quorum`, `in 500ms`, ISO 8601. */
export function arrivalTime(): ValueType<ArrivalTime> {
  return value(
    'now, earliest-quorum, "in 500ms" or a time such as 2030-01-31T12:00:00Z',
    { type: ["string", "integer"] },
    (raw): ArrivalTime | undefined => {
      if (typeof raw !== "string" && typeof raw !== "number") return undefined;
      const at = typeof raw === "string" ? raw.trim() : raw;
      try {
        readArrivalTime(at, 0);
        return at;
      } catch {
        return undefined;
      }
    },
  );
}

/** Reads where to listen: `host:port`, a port of the loopback address, or `off`. */
export function listenAddress(): ValueType<ListenAddress | "off"> {
  return value(
    "host:port such as 127.0.0.1:7300 or [::1]:7300, a port from 0 to 65535, or off",
    { type: "string" },
    (raw): ListenAddress | "off" | undefined => {
      if (typeof raw !== "string") return isListenAddress(raw) ? raw : undefined;
      const word = raw.trim().toLowerCase();
      return word === "off" || word === "false" ? "off" : readListenAddress(word);
    },
  );
}

/** Reads a domain name in small letters, such as `mesh.example.com`; an address of digits is none. */
export function hostName(): ValueType<string> {
  return value(
    "a domain name such as mesh.example.com",
    { type: "string", format: "hostname" },
    (raw): string | undefined => {
      const word = typeof raw === "string" ? raw.trim().toLowerCase() : "";
      const isName =
        /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(
          word,
        );
      return isName && /[a-z]/.test(word) ? word : undefined;
    },
  );
}

/** Reads words that are separated by commas or given as a list; at least one, at most `most`. */
export function words(expected: string, most: number): ValueType<readonly string[]> {
  return value(
    expected,
    { type: "array", items: { type: "string", minLength: 1 }, minItems: 1, maxItems: most },
    (raw): readonly string[] | undefined => {
      const list = typeof raw === "string" ? raw.split(",").map((word) => word.trim()) : raw;
      if (!Array.isArray(list) || list.length === 0 || list.length > most) return undefined;
      return list.every((word) => typeof word === "string" && word !== "") ? list : undefined;
    },
  );
}

/** Reads a list of lines, each not empty. */
export function lines(expected: string): ValueType<readonly string[]> {
  return value(
    expected,
    { type: "array", items: { type: "string", minLength: 1 } },
    (raw): readonly string[] | undefined => {
      const fits = (line: unknown): boolean => typeof line === "string" && line.trim() !== "";
      return Array.isArray(raw) && raw.every(fits) ? raw : undefined;
    },
  );
}

/** Reads one of a few words, in any case of letters. */
export function choice<const Word extends string>(words: readonly Word[]): ValueType<Word> {
  return value(`one of ${words.join(", ")}`, { type: "string", enum: [...words] }, (raw) => {
    if (typeof raw !== "string") return undefined;
    return words.find((word) => word.toLowerCase() === raw.trim().toLowerCase());
  });
}

/** Reads `count` words of a few, separated by commas or given as a list. */
export function choices<const Word extends string>(
  words: readonly Word[],
  count: number,
): ValueType<readonly Word[]> {
  const one = choice(words);
  return value(
    `${count} words, each one of ${words.join(", ")}, separated by commas`,
    {
      type: "array",
      items: { type: "string", enum: [...words] },
      minItems: count,
      maxItems: count,
    },
    (raw): readonly Word[] | undefined => {
      const list = typeof raw === "string" ? raw.split(",") : raw;
      if (!Array.isArray(list) || list.length !== count) return undefined;
      const read = list.map((word) => one.safeParse(word));
      return read.every((word) => word.success) ? read.map((word) => word.data as Word) : undefined;
    },
  );
}

/** Reads a range of seeds: `1..1000`, both included; a single number is a range of one. */
export function seedRange(): ValueType<{ readonly from: number; readonly to: number }> {
  const expected = "a range of seeds such as 1..1000, of at most 1,000,000";
  return value(expected, { type: "string", pattern: "^\\d+(\\.\\.\\d+)?$" }, (raw) => {
    const read =
      typeof raw === "string" ? /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(raw.trim()) : null;
    if (read === null) return undefined;
    const from = Number(read[1]);
    const to = Number(read[2] ?? read[1]);
    return to >= from && to - from < 1_000_000 ? { from, to } : undefined;
  });
}

/** Reads yes or no. */
export function flag(): ValueType<boolean> {
  return value("true or false", { type: "boolean" }, (raw): boolean | undefined => {
    if (typeof raw === "boolean") return raw;
    if (typeof raw !== "string") return undefined;
    const word = raw.trim().toLowerCase();
    if (["true", "yes", "on", "1"].includes(word)) return true;
    return ["false", "no", "off", "0"].includes(word) ? false : undefined;
  });
}

/** Reads text that is not empty; `expected` says what it stands for. */
export function text(expected: string): ValueType<string> {
  return value(expected, { type: "string", minLength: 1 }, (raw): string | undefined => {
    return typeof raw === "string" && raw.trim() !== "" ? raw : undefined;
  });
}

/** Reads what agents are: the path of a module, or an object, also as JSON; the mesh says what it may hold. */
export function agentSource(): ValueType<string | object> {
  return value(
    "the path of a module, or { http: … } and the like, or one of these by class",
    { type: ["string", "object"] },
    (raw): string | object | undefined => {
      if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return raw;
      if (typeof raw !== "string" || raw.trim() === "") return undefined;
      if (!raw.trim().startsWith("{")) return raw;
      try {
        return JSON.parse(raw) as object;
      } catch {
        return undefined;
      }
    },
  );
}

/** Takes any value that is there, for messages. */
export function anything(expected: string): ValueType<unknown> {
  return value(expected, {}, (raw): unknown => raw);
}

/** JSON Schema of an object whose members have these types and explanations. */
export function schemaOf(
  members: Readonly<Record<string, { readonly schema: ValueType; readonly help: string }>>,
): unknown {
  const shape = Object.fromEntries(
    Object.entries(members).map(([name, { schema, help }]) => [name, schema.describe(help)]),
  );
  return z.toJSONSchema(z.strictObject(shape), { io: "input" });
}

/** The JSON Schema keywords that a value adds to what zod knows of it. */
type JsonSchema = Readonly<Record<string, unknown>>;

function value<T>(
  expected: string,
  json: JsonSchema,
  read: (raw: unknown) => T | undefined,
): ValueType<T> {
  const schema = z.unknown().transform((raw, context): T => {
    const result = read(raw);
    if (result !== undefined) return result;
    context.addIssue({ code: "custom", message: `expected ${expected}`, input: raw });
    return z.NEVER;
  });
  return schema.meta({ ...json });
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function readDuration(raw: string): number | undefined {
  const written = raw.trim().toLowerCase();
  if (written.length > 40 || !DURATION.test(written)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * UNIT_MS[unit];
  }
  // In whole milliseconds: `1.5s` is 1,500, and 0.1 must not come out as 99.99999.
  return Number.isFinite(totalMs) ? Math.round(totalMs) : undefined;
}

function readDigits(raw: string): number | undefined {
  const written = raw.trim();
  if (/^\d{1,15}$/.test(written)) return Number(written);
  return /^\d{1,3}(?:(?:_\d{3})+|(?:,\d{3})+)$/.test(written)
    ? Number(written.replaceAll(/[_,]/g, ""))
    : undefined;
}

function readBytes(raw: string): number | undefined {
  const match = /^([\d_,]+)\s*(k|m)i?b$/i.exec(raw.trim());
  if (match === null) return readDigits(raw);
  const amount = readDigits(match[1]);
  if (amount === undefined) return undefined;
  return amount * (match[2].toLowerCase() === "k" ? 1_024 : 1_048_576);
}

function readShare(raw: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(raw.trim());
  if (match === null) return undefined;
  // Read as written: 99.9 / 100 is more than 0.999.
  return Number(match[2] === "%" ? `${match[1]}e-2` : match[1]);
}

/** Reads a whole number of these bounds, or text that `readText` makes one of. */
function integerFrom(
  readText: (raw: string) => number | undefined,
  minimum: number,
  maximum: number,
): (raw: unknown) => number | undefined {
  return (raw) => {
    const read = typeof raw === "string" ? readText(raw) : raw;
    const isWhole = typeof read === "number" && Number.isInteger(read);
    return isWhole && within(read, minimum, maximum) ? read : undefined;
  };
}

function within(read: number, minimum: number, maximum: number): boolean {
  return read >= minimum && read <= maximum;
}

/** A bound as it would be written: `1h`, `10ms`. */
function writtenDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    if (ms >= UNIT_MS[unit] && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
