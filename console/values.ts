/**
 * The kinds of values that people write on command lines, in files and in requests: each a zod schema that
 * reads text as well as the value itself, says what it expected, and carries its JSON Schema.
 */
import { z } from "zod";
import { formatNumber } from "./format.ts";

/** A kind of value: reads text or the value itself, or says what it expected. */
export type ValueType<T = unknown> = z.ZodType<T>;

/** Reads a whole number; `10_000` and `10,000` are groups of thousands, `1e3` and `0x10` are refused. */
export function wholeNumber(minimum: number, maximum: number): ValueType<number> {
  const range = `from ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
  return value(
    `a whole number ${range}`,
    { type: "integer", minimum, maximum },
    (raw): number | undefined => {
      const read = typeof raw === "string" ? readDigits(raw) : raw;
      return Number.isInteger(read) && within(read as number, minimum, maximum)
        ? (read as number)
        : undefined;
    },
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
    (raw): number | undefined => {
      const read = typeof raw === "string" ? readDuration(raw) : raw;
      return Number.isInteger(read) && within(read as number, minimumMs, maximumMs)
        ? (read as number)
        : undefined;
    },
  );
}

/** Reads a size in bytes: a whole number, or one with `KiB` or `MiB`. */
export function byteSize(minimum: number, maximum: number): ValueType<number> {
  const range = `from ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
  return value(
    `a number of bytes ${range}, such as 65536, 64KiB or 1MiB`,
    { type: ["integer", "string"] },
    (raw): number | undefined => {
      const read = typeof raw === "string" ? readBytes(raw) : raw;
      return Number.isInteger(read) && within(read as number, minimum, maximum)
        ? (read as number)
        : undefined;
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
