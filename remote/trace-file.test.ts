import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import {
  MAX_FILE_BYTES,
  MAX_ROWS,
  parseTrace,
  readTraceFile,
  type Series,
  TraceFileError,
} from "./trace-file.ts";
import { shippedDirectory } from "./traces.ts";

const HEADER = "agent,class,t_s,rtt_ms,proc_ms,weight,queue,other_ms";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trace-file-"));
});
afterAll(() => rm(folder, { recursive: true }));

function parse(...rows: string[]): readonly Series[] {
  return parseTrace("some.csv.gz", Buffer.from([HEADER, ...rows, ""].join("\n")));
}

function faultOf(read: () => unknown): TraceFileError {
  try {
    read();
  } catch (error) {
    if (error instanceof TraceFileError) return error;
    throw error;
  }
  return assert.fail("it was read without an error");
}

async function readingFault(file: string): Promise<TraceFileError> {
  const error: unknown = await readTraceFile(file).catch((reason) => reason);
  assert.instanceOf(error, TraceFileError);
  return error;
}

describe("the shipped files", () => {
  const shipped = [
    { file: "atlas", rows: 82_855, streams: 25 },
    { file: "cell5g", rows: 44_036, streams: 31 },
    { file: "llm", rows: 2_994, streams: 20 },
    { file: "queue", rows: 19_366, streams: 2 },
    { file: "seattle", rows: 66_821, streams: 486 },
    { file: "vm", rows: 60_000, streams: 24 },
  ];

  for (const { file, rows, streams } of shipped) {
    test(`${file} has as many rows and streams as its README says`, async () => {
      const series = await readTraceFile(join(shippedDirectory(), `${file}.csv.gz`));
      const samples = series.map(({ rttMs, processingMs }) =>
        Math.max(rttMs.length, processingMs.length),
      );
      assert.equal(series.length, streams);
      assert.equal(
        samples.reduce((sum, count) => sum + count, 0),
        rows,
      );
      assert.equal(new Set(series.map(({ name }) => name)).size, streams);
    });
  }

  test("values are those of the file", async () => {
    const [first] = await readTraceFile(join(shippedDirectory(), "atlas.csv.gz"));
    assert.equal(first.name, "p11119");
    assert.equal(first.impedanceClass, "CLASS_C_PERSISTENT");
    assert.deepEqual([...first.rttMs.slice(0, 3)], [178.92, 178.71, 178.88].map(Math.fround));
    assert.equal(first.processingMs.length, 0);
  });
});

describe("a file in the format", () => {
  test("rows of one agent make one series, and other_ms is processing", () => {
    const series = parse("a,A,0,10,2,,,0.5", "a,A,1,20,,,,", "b,F,,,3,1.5,7,");
    assert.equal(series.length, 2);
    assert.deepEqual([...series[0].rttMs], [10, 20]);
    assert.deepEqual([...series[0].processingMs], [2.5, 0]);
    assert.deepEqual([...series[1].processingMs], [3]);
    assert.deepEqual([...series[1].weight], [1.5]);
    assert.deepEqual([...series[1].queue], [7]);
    assert.equal(series[1].impedanceClass, "CLASS_F_HUMAN");
  });

  test("what a stream never measured is an empty array, whatever other streams measured", () => {
    const [a, b] = parse("a,A,,10,,,,", "b,A,,,3,,,");
    assert.equal(a.processingMs.length, 0);
    assert.equal(b.rttMs.length, 0);
  });

  test("an agent whose rows begin again is a second series", () => {
    const names = parse("a,A,,1,,,,", "b,A,,1,,,,", "a,A,,2,,,,").map(({ name }) => name);
    assert.deepEqual(names, ["a", "b", "a#2"]);
  });

  test("line ends may be CRLF, and the last may be missing", () => {
    const text = `${HEADER}\r\na,A,,10,,,,\r\na,A,,20,,,,4\r`;
    const [series] = parseTrace("some.csv.gz", Buffer.from(text));
    assert.deepEqual([...series.rttMs], [10, 20]);
    assert.deepEqual([...series.processingMs], [0, 4]);
  });

  test("decimals, exponents and long fractions are numbers", () => {
    const texts = ["007", ".5", "5.", "1e3", "2.5E-1", "0.12345678901234567", "12345678.125"];
    const [series] = parse(...texts.map((text) => `a,A,,${text},,,,`));
    assert.deepEqual([...series.rttMs], texts.map(Number).map(Math.fround));
  });

  test("whatever is written in the format is read back", () => {
    const value = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined });
    const row = fc.record({ rtt: fc.double({ min: 0, max: 1e9, noNaN: true }), weight: value });
    fc.assert(
      fc.property(fc.array(fc.array(row, { minLength: 1 }), { minLength: 1 }), (streams) => {
        const rows = streams.flatMap((stream, index) =>
          stream.map(({ rtt, weight }) => `s${index},B,,${rtt},,${weight ?? ""},,`),
        );
        const series = parse(...rows);
        assert.equal(series.length, streams.length);
        for (const [index, stream] of streams.entries()) {
          assert.deepEqual(
            [...series[index].rttMs],
            stream.map(({ rtt }) => Math.fround(rtt)),
          );
          const hasWeight = stream.some(({ weight }) => weight !== undefined);
          assert.deepEqual(
            [...series[index].weight],
            hasWeight ? stream.map(({ weight }) => Math.fround(weight ?? 0)) : [],
          );
        }
      }),
    );
  });

  test("no text crashes the parser otherwise than with its own error", () => {
    const text = fc.array(fc.constantFrom(..."aA1.,\n\r-e".split("")), { maxLength: 80 });
    fc.assert(
      fc.property(text, (characters) => {
        try {
          parseTrace("some.csv.gz", Buffer.from(`${HEADER}\n${characters.join("")}`));
        } catch (error) {
          assert.instanceOf(error, TraceFileError);
        }
      }),
    );
  });
});

describe("a malformed file", () => {
  const malformed = [
    { of: "a value that is no number", row: "a,A,,fast,,,,", says: /:3: rtt_ms: .*got "fast"/ },
    { of: "a negative value", row: "a,A,,1,-2,,,", says: /:3: proc_ms: .*got "-2"/ },
    { of: "an infinite value", row: "a,A,,1,,Infinity,,", says: /:3: weight: .*got "Infinity"/ },
    { of: "a value too large", row: "a,A,,1,,,1e10,", says: /:3: queue: .*got "1e10"/ },
    { of: "a value in hexadecimal", row: "a,A,,1,,,,0x10", says: /:3: other_ms: .*got "0x10"/ },
    { of: "two points in a number", row: "a,A,,1.2.3,,,,", says: /:3: rtt_ms: .*got "1\.2\.3"/ },
    { of: "a row that measures nothing", row: "a,A,5,,,1,1,", says: /:3: row: expected a value/ },
    { of: "a class that is none", row: "b,G,,1,,,,", says: /:3: class: .*A to F, got "G"/ },
    { of: "a class of two letters", row: "b,AB,,1,,,,", says: /:3: class: .*got "AB"/ },
    { of: "a class that changes", row: "a,B,,1,,,,", says: /:3: class: expected A, as .*got "B"/ },
    { of: "an agent without a name", row: ",A,,1,,,,", says: /:3: agent: expected the name/ },
    { of: "too few fields", row: "a,A,,1", says: /:3: row: expected 8 fields, got 4 fields/ },
    { of: "too many fields", row: "a,A,,1,,,,,", says: /:3: row: expected 8 fields, got 9 fields/ },
    { of: "an empty line", row: "", says: /:3: row: expected 8 fields, got 1 fields/ },
  ];

  for (const { of, row, says } of malformed) {
    test(`${of} is named with its file, line and field`, () => {
      const fault = faultOf(() => parse("a,A,,1,,,,", row));
      assert.match(fault.message, says);
      assert.match(fault.message, /^some\.csv\.gz:3: /);
      assert.equal(fault.code, "MESH_TRACE_FILE");
      assert.equal(fault.line, 3);
    });
  }

  test("another header is refused with the one expected", () => {
    const fault = faultOf(() => parseTrace("some.csv.gz", Buffer.from("agent,rtt_ms\na,1\n")));
    assert.match(fault.message, /^some\.csv\.gz:1: header: expected agent,class,.*"agent,rtt_ms"/);
  });

  test("a file without rows, or without anything, is refused", () => {
    assert.match(faultOf(() => parse()).message, /rows: expected at least one row/);
    assert.equal(faultOf(() => parseTrace("some.csv.gz", Buffer.from(""))).field, "header");
  });

  test("rows sorted by time instead of by agent are refused", () => {
    const rows = Array.from({ length: 40 }, (_, index) => `s${index % 2},A,${index},1,,,,`);
    const fault = faultOf(() => parse(...rows));
    assert.match(fault.message, /:18: agent: expected rows sorted by agent/);
  });

  test("a long value is cut in the sentence", () => {
    const fault = faultOf(() => parse(`a,A,,${"9x".repeat(5_000)},,,,`));
    assert.isBelow(fault.message.length, 200);
  });

  test("what is not gzip is refused", async () => {
    const file = join(folder, "plain.csv.gz");
    await writeFile(file, `${HEADER}\na,A,,1,,,,\n`);
    assert.match((await readingFault(file)).message, /plain\.csv\.gz: content: expected gzip data/);
  });

  test("a file that stops in the middle is refused", async () => {
    const file = join(folder, "torn.csv.gz");
    const packed = gzipSync(`${HEADER}\n${"a,A,,1,,,,\n".repeat(100)}`);
    await writeFile(file, packed.subarray(0, packed.length - 12));
    assert.equal((await readingFault(file)).field, "content");
  });
});

describe("the bounds", () => {
  test("more rows than the bound are refused before they are kept", () => {
    const text = Buffer.alloc(HEADER.length + 1 + MAX_ROWS + 1, "\n");
    text.write(HEADER);
    const fault = faultOf(() => parseTrace("some.csv.gz", text));
    assert.match(fault.message, /^some\.csv\.gz: rows: expected at most 2000000, got 2000001$/);
  });

  test("a file that would unpack to more than the bound is refused", async () => {
    const file = join(folder, "bomb.csv.gz");
    await writeFile(file, gzipSync(Buffer.alloc(MAX_FILE_BYTES + 1)));
    const fault = await readingFault(file);
    assert.match(fault.message, /size: expected at most 67108864 bytes, got more when unpacked/);
  });

  test("a file larger than the bound is not even opened", async () => {
    const file = join(folder, "large.csv.gz");
    await writeFile(file, "");
    await truncate(file, MAX_FILE_BYTES + 1);
    assert.match((await readingFault(file)).message, /size: expected at most 67108864 bytes/);
  });
});
