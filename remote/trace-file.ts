// One trace file in memory: gzip CSV in, typed arrays out. The format is told in
// examples/traces/README.md. Every worker thread reads the files before its first agent starts, so the
// text is scanned as bytes, once, and a row costs no string; all columns of a file share four arrays.
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { MeshError } from "../actors/errors.ts";
import type { ImpedanceClass } from "../coordination/impedance-class.ts";

/** Bytes of one file, packed or unpacked: a trace is for a start of a second, not for an archive. */
export const MAX_FILE_BYTES: number = 64 * 1024 * 1024;
/** Rows of one file. */
export const MAX_ROWS = 2_000_000;
/** Largest value of a field, ms for times: eleven days, which a timer can still wait for. */
export const MAX_VALUE = 1e9;

/** How often the rows of one agent may begin again: a second run is a second series, more is no order. */
export const MAX_RUNS = 8;

/** Larger than zlib's own: a file then unpacks in a few callbacks instead of hundreds. */
const CHUNK_BYTES = 1024 * 1024;
const HEADER = "agent,class,t_s,rtt_ms,proc_ms,weight,queue,other_ms";
const CLASSES: readonly ImpedanceClass[] = [
  "CLASS_A_EDGE",
  "CLASS_B_SERVERLESS",
  "CLASS_C_PERSISTENT",
  "CLASS_D_GPU",
  "CLASS_E_LOCAL",
  "CLASS_F_HUMAN",
];

/**
 * One stream, sample by sample. An array is as long as the stream, or empty when the stream never
 * measured it. Series go by sample and not by time: what follows what is kept, how long after is not.
 */
export interface Series {
  readonly name: string;
  /** What the file says the stream stands in for; the mix may decide otherwise. */
  readonly impedanceClass: ImpedanceClass;
  readonly rttMs: Float32Array;
  /** Processing and whatever else the caller waited for besides the way there and back. */
  readonly processingMs: Float32Array;
  readonly weight: Float32Array;
  readonly queue: Float32Array;
}

/** A trace file is not in the format: where, what stands there, and what was expected. */
export class TraceFileError extends MeshError {
  readonly file: string;
  /** 1 is the header; undefined when the file as a whole is at fault. */
  readonly line: number | undefined;
  readonly field: string;

  constructor(
    file: string,
    line: number | undefined,
    field: string,
    value: string,
    expected: string,
  ) {
    const place = line === undefined ? file : `${file}:${line}`;
    const shown = value.length > 60 ? `${value.slice(0, 57)}…` : value;
    super("MESH_TRACE_FILE", `${place}: ${field}: expected ${expected}, got ${shown}`);
    this.file = file;
    this.line = line;
    this.field = field;
  }
}

/** Reads one `.csv.gz`; throws {@link TraceFileError}, or the file system's own error. */
export async function readTraceFile(file: string): Promise<readonly Series[]> {
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES) throw tooLong(file, `${size} bytes`);
  return parseTrace(file, await unpacked(file, await readFile(file)));
}

async function unpacked(file: string, packed: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(packed, {
      maxOutputLength: MAX_FILE_BYTES,
      chunkSize: CHUNK_BYTES,
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLong(file, "more when unpacked");
    }
    throw new TraceFileError(file, undefined, "content", error.message, "gzip data");
  }
}

function tooLong(file: string, got: string): TraceFileError {
  return new TraceFileError(file, undefined, "size", got, `at most ${MAX_FILE_BYTES} bytes`);
}

/** The series of one unpacked file, in its order; `file` is for the errors. */
export function parseTrace(file: string, bytes: Uint8Array): readonly Series[] {
  return new TraceParser(file, bytes).series();
}

const NEWLINE = 10;
const RETURN = 13;
const COMMA = 44;
const DOT = 46;
const ZERO = 48;
const LETTER_A = 65;
const FIELDS = 8;
/** Places of the fields in a row; t_s (2) is not read. */
const AGENT = 0;
const CLASS = 1;
const RTT = 3;
const PROCESSING = 4;
const WEIGHT = 5;
const QUEUE = 6;
const OTHER = 7;
const FIELD_NAMES = HEADER.split(",");
/** Of what was never measured. */
export const NOTHING: Float32Array = new Float32Array(0);
const POWERS_OF_TEN: readonly number[] = Array.from({ length: 16 }, (_, power) => 10 ** power);

/** A stream while its rows go by. */
interface OpenStream {
  readonly name: string;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly letter: number;
  readonly firstRow: number;
  /** Bit f is set once field f was not empty. */
  measured: number;
}

class TraceParser {
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #rttMs: Float32Array;
  readonly #processingMs: Float32Array;
  readonly #weight: Float32Array;
  readonly #queue: Float32Array;
  /** Where the fields of the current row begin; one more, so that a field ends before the next. */
  readonly #starts: Int32Array = new Int32Array(FIELDS + 1);
  /** Agent → how many times its rows have begun. */
  readonly #runs: Map<string, number> = new Map();
  readonly #series: Series[] = [];
  #line = 1;

  constructor(file: string, bytes: Uint8Array) {
    this.#file = file;
    this.#bytes = bytes;
    const rows = this.#countRows();
    this.#rttMs = new Float32Array(rows);
    this.#processingMs = new Float32Array(rows);
    this.#weight = new Float32Array(rows);
    this.#queue = new Float32Array(rows);
  }

  series(): readonly Series[] {
    let at = this.#skipHeader();
    let open: OpenStream | undefined;
    let row = 0;
    for (; at < this.#bytes.length; row++) {
      this.#line++;
      at = this.#splitRow(at);
      if (open === undefined || !this.#continues(open)) {
        if (open !== undefined) this.#close(open, row);
        open = this.#open(row);
      }
      this.#readRow(open, row);
    }
    if (open === undefined) throw this.#fault("rows", "none", "at least one row after the header");
    this.#close(open, row);
    return this.#series;
  }

  #countRows(): number {
    const bytes = this.#bytes;
    let newlines = 0;
    for (let at = 0; at < bytes.length; at++) if (bytes[at] === NEWLINE) newlines++;
    // The header is no row, and the last row need not end in a newline.
    const rows = bytes.at(-1) === NEWLINE ? newlines - 1 : newlines;
    if (rows <= MAX_ROWS) return Math.max(0, rows);
    throw new TraceFileError(this.#file, undefined, "rows", `${rows}`, `at most ${MAX_ROWS}`);
  }

  #skipHeader(): number {
    const newline = this.#bytes.indexOf(NEWLINE);
    const end = newline < 0 ? this.#bytes.length : newline;
    const header = this.#text(0, end).trimEnd();
    if (header !== HEADER) throw this.#fault("header", JSON.stringify(header), HEADER);
    return end + 1;
  }

  /** Notes where the fields of the row at `at` begin; returns where the next row begins. */
  #splitRow(at: number): number {
    const bytes = this.#bytes;
    const starts = this.#starts;
    let fields = 1;
    let end = at;
    starts[0] = at;
    for (; end < bytes.length && bytes[end] !== NEWLINE; end++) {
      if (bytes[end] !== COMMA) continue;
      if (fields < FIELDS) starts[fields] = end + 1;
      fields++;
    }
    if (fields !== FIELDS) throw this.#fault("row", `${fields} fields`, `${FIELDS} fields`);
    const isReturn = end > at && bytes[end - 1] === RETURN;
    starts[FIELDS] = isReturn ? end : end + 1;
    return end + 1;
  }

  #continues(open: OpenStream): boolean {
    const bytes = this.#bytes;
    const start = this.#start(AGENT);
    const length = this.#end(AGENT) - start;
    if (length !== open.nameEnd - open.nameStart) return false;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== bytes[open.nameStart + i]) return false;
    }
    return true;
  }

  #open(row: number): OpenStream {
    const nameStart = this.#start(AGENT);
    const nameEnd = this.#end(AGENT);
    const name = this.#text(nameStart, nameEnd);
    if (name === "") throw this.#fault("agent", '""', "the name of a stream");
    const run = (this.#runs.get(name) ?? 0) + 1;
    if (run > MAX_RUNS) {
      const expected = `rows sorted by agent, each in at most ${MAX_RUNS} runs`;
      throw this.#fault("agent", JSON.stringify(name), expected);
    }
    this.#runs.set(name, run);
    const unique = run === 1 ? name : `${name}#${run}`;
    return { name: unique, nameStart, nameEnd, letter: this.#letter(), firstRow: row, measured: 0 };
  }

  /** Index of the class; compared as a byte, since every row has one. */
  #letter(): number {
    const start = this.#start(CLASS);
    const letter = this.#bytes[start] - LETTER_A;
    const isLetter = this.#end(CLASS) - start === 1 && letter >= 0 && letter < CLASSES.length;
    if (isLetter) return letter;
    throw this.#fault("class", JSON.stringify(this.#fieldText(CLASS)), "one letter, A to F");
  }

  #readRow(open: OpenStream, row: number): void {
    if (this.#letter() !== open.letter) {
      const expected = `${String.fromCharCode(LETTER_A + open.letter)}, as in the row before`;
      throw this.#fault("class", JSON.stringify(this.#fieldText(CLASS)), expected);
    }
    const before = open.measured;
    open.measured = 0;
    this.#rttMs[row] = this.#number(RTT, open);
    this.#processingMs[row] = this.#number(PROCESSING, open) + this.#number(OTHER, open);
    if (open.measured === 0) {
      throw this.#fault("row", "none of them", "a value for rtt_ms, proc_ms or other_ms");
    }
    this.#weight[row] = this.#number(WEIGHT, open);
    this.#queue[row] = this.#number(QUEUE, open);
    open.measured |= before;
  }

  /** An empty field counts 0. */
  #number(field: number, open: OpenStream): number {
    const start = this.#start(field);
    const end = this.#end(field);
    if (start === end) return 0;
    open.measured |= 1 << field;
    const value = parseDecimal(this.#bytes, start, end);
    // Written so that NaN fails it too.
    if (value >= 0 && value <= MAX_VALUE) return value;
    const got = JSON.stringify(this.#text(start, end));
    throw this.#fault(FIELD_NAMES[field], got, `a number from 0 to ${MAX_VALUE}, or nothing`);
  }

  #close(open: OpenStream, row: number): void {
    const part = (column: Float32Array, ...fields: number[]): Float32Array =>
      fields.some((field) => open.measured & (1 << field))
        ? column.subarray(open.firstRow, row)
        : NOTHING;
    this.#series.push({
      name: open.name,
      impedanceClass: CLASSES[open.letter],
      rttMs: part(this.#rttMs, RTT),
      processingMs: part(this.#processingMs, PROCESSING, OTHER),
      weight: part(this.#weight, WEIGHT),
      queue: part(this.#queue, QUEUE),
    });
  }

  #start(field: number): number {
    return this.#starts[field];
  }

  #end(field: number): number {
    return this.#starts[field + 1] - 1;
  }

  #fieldText(field: number): string {
    return this.#text(this.#start(field), this.#end(field));
  }

  #text(start: number, end: number): string {
    return Buffer.from(this.#bytes.subarray(start, end)).toString("utf8");
  }

  #fault(field: string, value: string, expected: string): TraceFileError {
    return new TraceFileError(this.#file, this.#line, field, value, expected);
  }
}

/** The number in these bytes, or NaN. Plain decimals, which nearly all are, make no string. */
function parseDecimal(bytes: Uint8Array, start: number, end: number): number {
  let digits = 0;
  let decimals = -1;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit;
      if (decimals >= 0) decimals++;
    } else if (bytes[at] === DOT && decimals < 0) {
      decimals = 0;
    } else {
      return parseUnusual(bytes, start, end);
    }
  }
  // Past fifteen digits the sum would no longer be exact.
  if (end - start > 15 || end - start === 1 + decimals) return parseUnusual(bytes, start, end);
  return decimals <= 0 ? digits : digits / POWERS_OF_TEN[decimals];
}

/** Exponents, long fractions, signs; what `Number` takes besides, such as 0x10 or spaces, is refused. */
function parseUnusual(bytes: Uint8Array, start: number, end: number): number {
  const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
