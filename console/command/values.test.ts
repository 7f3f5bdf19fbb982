import fc from "fast-check";
import { assert, describe, test } from "vitest";
import {
  arrivalTime,
  byteSize,
  choice,
  choices,
  duration,
  flag,
  lines,
  schemaOf,
  share,
  text,
  type ValueType,
  wholeNumber,
  words,
} from "./values.ts";

const DAY_MS = 86_400_000;

function reads<T>(type: ValueType<T>, cases: readonly (readonly [unknown, T])[]): void {
  for (const [written, value] of cases) {
    test(`${JSON.stringify(written)} is ${JSON.stringify(value)}`, () => {
      assert.deepEqual(type.parse(written), value);
    });
  }
}

function refuses(type: ValueType, expected: RegExp, cases: readonly unknown[]): void {
  for (const written of cases) {
    test(`${JSON.stringify(written) ?? String(written)} is refused`, () => {
      const read = type.safeParse(written);
      assert.isFalse(read.success);
      assert.match(read.error?.issues[0].message ?? "", expected);
    });
  }
}

describe("whole numbers", () => {
  const type = wholeNumber(1, 100_000);
  reads(type, [
    ["1", 1],
    [" 42 ", 42],
    [42, 42],
    ["10_000", 10_000],
    ["10,000", 10_000],
    ["100000", 100_000],
  ]);
  refuses(type, /expected a whole number from 1 to 100,000/, [
    "",
    "0",
    "100001",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "1_0",
    "10_000,000",
    "ten",
    1.5,
    Number.NaN,
    null,
    undefined,
    true,
    [1],
  ]);
});

describe("durations", () => {
  const type = duration(1, DAY_MS);
  reads(type, [
    ["500ms", 500],
    ["10s", 10_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    ["10S", 10_000],
    [10_000, 10_000],
  ]);
  refuses(type, /expected a duration with a unit, such as 500ms, 10s, 2m or 1h, from 1ms to 1d/, [
    "",
    "10",
    1.5,
    -10,
    "10 s",
    "s",
    "-1s",
    "0s",
    "25h",
    "1y",
    `${"9".repeat(400)}s`,
    null,
  ]);

  test("any number of milliseconds in range is read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: DAY_MS }), (ms) => type.parse(`${ms}ms`) === ms),
    );
  });
});

describe("sizes", () => {
  const type = byteSize(1, 1_073_741_824);
  reads(type, [
    ["65536", 65_536],
    [65_536, 65_536],
    ["64KiB", 65_536],
    ["64 kb", 65_536],
    ["1MiB", 1_048_576],
  ]);
  refuses(type, /such as 65536, 64KiB or 1MiB/, ["", "1GiB", "x", "1.5MiB", "2048MiB", -1]);
});

describe("words of a choice", () => {
  reads(choice(["active", "Degraded"]), [
    ["active", "active"],
    ["degraded", "Degraded"],
  ]);
  refuses(choice(["active", "degraded"]), /expected one of active, degraded/, ["", "act", 1]);
  reads(choices(["a", "b"], 2), [
    ["a,b", ["a", "b"]],
    [
      ["b", "b"],
      ["b", "b"],
    ],
  ]);
  refuses(choices(["a", "b"], 2), /2 words, each one of a, b/, ["a", "a,b,a", "a,c", [1, 2], {}]);
});

describe("flags and texts", () => {
  reads(flag(), [
    [true, true],
    ["yes", true],
    ["0", false],
    ["FALSE", false],
  ]);
  refuses(flag(), /true or false/, ["", "maybe", 1]);
  refuses(text("a name"), /expected a name/, ["", "  ", 1, undefined]);
});

test("members become a JSON Schema with their types, bounds and explanations", () => {
  const schema = schemaOf({
    limit: { schema: wholeNumber(1, 9).optional(), help: "at most so many" },
    state: { schema: choice(["active", "offline"]), help: "only in a state" },
  }) as { properties: Record<string, object>; required: string[] };
  assert.deepInclude(schema.properties.limit, { type: "integer", minimum: 1, maximum: 9 });
  assert.deepInclude(schema.properties.state, {
    enum: ["active", "offline"],
    description: "only in a state",
  });
  assert.deepEqual(schema.required, ["state"]);
});

describe("shares", () => {
  const type = share(0.5, 0.999);
  reads(type, [
    ["0.95", 0.95],
    [" .75 ", 0.75],
    ["95%", 0.95],
    ["99.9%", 0.999],
    [0.5, 0.5],
  ]);
  refuses(type, /expected a share from 0\.5 to 0\.999, such as 0\.95 or 95%/, [
    "1",
    "0.4",
    "95",
    "100%",
    "%",
    "",
    "most",
    "1e-1",
    "-0.9",
    Number.NaN,
    null,
  ]);
});

describe("moments to aim at", () => {
  const type = arrivalTime();
  reads(type, [
    ["now", "now"],
    [" earliest-quorum ", "earliest-quorum"],
    ["in 500ms", "in 500ms"],
    ["in 1m 30s", "in 1m 30s"],
    ["2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"],
    [1_900_000_000_000, 1_900_000_000_000],
  ]);
  refuses(type, /expected now, earliest-quorum, "in 500ms" or a time/, [
    "500ms",
    "soon",
    "in a minute",
    "2030",
    "",
    Number.NaN,
    null,
    {},
  ]);
});

describe("words behind one another", () => {
  const type = words("at most three words", 3);
  reads(type, [
    ["a", ["a"]],
    ["a, b,c", ["a", "b", "c"]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  ]);
  refuses(type, /expected at most three words/, ["", "a,", ",", "a,b,c,d", [], [1], 7, undefined]);
});

describe("lines", () => {
  reads(lines("commands"), [
    [[], []],
    [
      ["status", "tell a, b"],
      ["status", "tell a, b"],
    ],
  ]);
  refuses(lines("commands"), /expected commands/, ["status", [" "], [1], undefined]);
});
