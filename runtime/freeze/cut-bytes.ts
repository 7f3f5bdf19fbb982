import { createHash } from "node:crypto";
import { type Belonging, belongingOf, rowOf } from "../../mailbox/belonging.ts";
import { type Cut, CutError, type CutMessage, type CutMessageKind, checkCut } from "../api/cut.ts";

/*
 * A frozen mesh as bytes, little-endian
 *
 *   byte 0        8         12         16      24      32       64          128
 *        ├ magic ─┼ version ┼ sections ┼ bytes ┼ spare ┼ digest ┼ signature ┼ table … ┼ sections … ┤
 *          8        u32       u32        f64     8       32       64
 *
 * An entry of the table: name (16 bytes of ASCII, zeros behind), where the section begins and how long it is (f64
 * each), its SHA-256 (32 bytes). `digest` is the SHA-256 of the 32 bytes before it and of the table: through the
 * digests in that it stands for every byte of the file, and is what `signature` (Ed25519) will sign. It is zero, as
 * `spare` is, while nobody signs. Sections follow each other without gaps, in the order of the table.
 */
const MAGIC = Buffer.from("MESHCUT\n");
/** Of this layout; what the sections hold has `Cut.version`. */
export const CUT_FILE_VERSION = 2;
const DIGEST_AT = 32;
const SIGNATURE_AT = 64;
const HEADER_BYTES = 128;
const NAME_BYTES = 16;
const ENTRY_BYTES = NAME_BYTES + 8 + 8 + 32;
const SECTIONS = [
  "about",
  "snapshots",
  "messages",
  "belongings",
  "operations",
  "gathers",
  "registry",
  "arrivals",
] as const;
type SectionName = (typeof SECTIONS)[number];

/** Largest file that is written or read, bytes: what is read at once. */
export const MAX_CUT_BYTES: number = 2 ** 31 - 1;
const TABLE_BYTES = SECTIONS.length * ENTRY_BYTES;

/** Agent and length before a snapshot. */
const SNAPSHOT_BYTES = 8;
/** Fixed bytes of a belonging. */
const BELONGING_BYTES = 36;
/** Fixed bytes of one message; its payload follows. */
const MESSAGE_BYTES = 44;
const KINDS: readonly CutMessageKind[] = ["tell", "ask", "signal"];
const PayloadForm = { NOTHING: 0, NUMBER: 1, BYTES: 2 } as const;

/** What section `about` holds, as JSON: all that is not a list of thousands. */
type About = Omit<
  Cut,
  "snapshots" | "messages" | "belongings" | "operations" | "gathers" | "registry" | "arrivals"
> & {
  readonly registry: { readonly rows: number; readonly columns: readonly [string, number][] };
  readonly arrivals: {
    readonly kind: string;
    readonly shares: readonly {
      readonly from: number;
      readonly to: number;
      readonly bytes: number;
    }[];
  };
};

/** The bytes of a cut, in pieces that follow each other. */
export function encodeCut(cut: Cut): readonly Uint8Array[] {
  const sections = SECTIONS.map((name) => encodeSection(name, cut));
  const table = Buffer.alloc(TABLE_BYTES);
  let at = HEADER_BYTES + TABLE_BYTES;
  for (const [i, pieces] of sections.entries()) {
    const entry = i * ENTRY_BYTES;
    const length = lengthOf(pieces);
    table.write(SECTIONS[i], entry, "ascii");
    table.writeDoubleLE(at, entry + NAME_BYTES);
    table.writeDoubleLE(length, entry + NAME_BYTES + 8);
    digestOf(pieces).copy(table, entry + NAME_BYTES + 16);
    at += length;
  }
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(CUT_FILE_VERSION, 8);
  header.writeUInt32LE(SECTIONS.length, 12);
  header.writeDoubleLE(at, 16);
  digestOf([header.subarray(0, DIGEST_AT), table]).copy(header, DIGEST_AT);
  return [header, table, ...sections.flat()];
}

/**
 * Reads a cut; CutError names the section that is not what was written, or says what else is wrong. Every size is
 * checked against the bytes that are there before anything is made of it, and the cut is whole (`checkCut`).
 */
export function decodeCut(bytes: Buffer): Cut {
  const sections = readTable(bytes);
  const about = readAbout(sections.about);
  const cut: Cut = {
    ...about,
    snapshots: decodeSnapshots(sections.snapshots),
    messages: decodeMessages(sections.messages),
    belongings: decodeBelongings(sections.belongings),
    operations: decodeOperations(sections.operations),
    gathers: decodeGathers(sections.gathers),
    registry: {
      rows: about.registry.rows,
      columns: Object.fromEntries(
        split("registry", sections.registry, about.registry.columns, ([, length]) => length).map(
          (column, i) => [about.registry.columns[i][0], column],
        ),
      ),
    },
    arrivals: {
      kind: about.arrivals.kind,
      shares: split(
        "arrivals",
        sections.arrivals,
        about.arrivals.shares,
        (share) => share.bytes,
      ).map((share, i) => ({ ...about.arrivals.shares[i], bytes: share })),
    },
  };
  checkCut(cut);
  return cut;
}

function encodeSection(name: SectionName, cut: Cut): Uint8Array[] {
  switch (name) {
    case "about":
      return [encodeAbout(cut)];
    case "snapshots":
      return [encodeSnapshots(cut.snapshots)];
    case "messages":
      return [encodeMessages(cut.messages)];
    case "belongings":
      return [encodeBelongings(cut.belongings)];
    case "operations":
      return [Buffer.from(JSON.stringify(cut.operations))];
    case "gathers":
      return [encodeGathers(cut.gathers)];
    case "registry":
      return Object.values(cut.registry.columns);
    case "arrivals":
      return cut.arrivals.shares.map(({ bytes }) => bytes);
    default:
      return name satisfies never;
  }
}

function encodeAbout(cut: Cut): Buffer {
  const { snapshots: _1, messages: _2, belongings: _3, operations: _4, ...others } = cut;
  const { gathers: _5, registry, arrivals, ...rest } = others;
  const about: About = {
    ...rest,
    registry: {
      rows: registry.rows,
      columns: Object.entries(registry.columns).map(([name, column]) => [name, column.length]),
    },
    arrivals: {
      kind: arrivals.kind,
      shares: arrivals.shares.map(({ from, to, bytes }) => ({ from, to, bytes: bytes.length })),
    },
  };
  return Buffer.from(JSON.stringify(about));
}

function encodeSnapshots(snapshots: Cut["snapshots"]): Buffer {
  const section = Buffer.allocUnsafe(
    snapshots.reduce((sum, { bytes }) => sum + SNAPSHOT_BYTES + bytes.length, 0),
  );
  let at = 0;
  for (const { agent, bytes } of snapshots) {
    section.writeUInt32LE(agent, at);
    section.writeUInt32LE(bytes.length, at + 4);
    section.set(bytes, at + SNAPSHOT_BYTES);
    at += SNAPSHOT_BYTES + bytes.length;
  }
  return section;
}

function encodeMessages(messages: Cut["messages"]): Buffer {
  const section = Buffer.allocUnsafe(
    messages.reduce((sum, { payload }) => sum + MESSAGE_BYTES + payloadLength(payload), 0),
  );
  let at = 0;
  for (const message of messages) at = encodeMessage(message, section, at);
  return section;
}

/*
 * A message: kind, priority, payload form, redelivered (a byte each), target, sender (i32), deaths (u32), sequence,
 * created, time left (f64; Infinity for ever), length of the payload (u32), and the payload; a number is 8 bytes.
 */
function encodeMessage(message: CutMessage, section: Buffer, at: number): number {
  const { payload } = message;
  const length = payloadLength(payload);
  section[at] = KINDS.indexOf(message.kind);
  section[at + 1] = message.priority;
  section[at + 2] = formOf(payload);
  section[at + 3] = message.redelivered ? 1 : 0;
  section.writeInt32LE(message.target, at + 4);
  section.writeInt32LE(message.sender, at + 8);
  section.writeUInt32LE(message.deaths, at + 12);
  section.writeDoubleLE(message.sequence, at + 16);
  section.writeDoubleLE(message.createdMs, at + 24);
  section.writeDoubleLE(message.leftMs, at + 32);
  section.writeUInt32LE(length, at + 40);
  if (payload !== undefined && "number" in payload)
    section.writeDoubleLE(payload.number, at + MESSAGE_BYTES);
  else if (payload !== undefined) section.set(payload.bytes, at + MESSAGE_BYTES);
  return at + MESSAGE_BYTES + length;
}

/*
 * A belonging: kind (u32), whose it is, with whom (u32), module (u32), time left and period (f64), length of what
 * follows (u32), and that: a timer's message, the name of a child's behavior.
 */
function encodeBelongings(belongings: Cut["belongings"]): Buffer {
  const rows = belongings.map(rowOf);
  const section = Buffer.alloc(
    rows.reduce((sum, { bytes }) => sum + BELONGING_BYTES + bytes.length, 0),
  );
  let at = 0;
  for (const { kind, whose, withWhom, module, leftMs, periodMs, bytes } of rows) {
    section.writeUInt32LE(kind, at);
    section.writeUInt32LE(whose, at + 4);
    section.writeUInt32LE(withWhom, at + 8);
    section.writeUInt32LE(module, at + 12);
    section.writeDoubleLE(leftMs, at + 16);
    section.writeDoubleLE(periodMs, at + 24);
    section.writeUInt32LE(bytes.length, at + 32);
    section.set(bytes, at + BELONGING_BYTES);
    at += BELONGING_BYTES + bytes.length;
  }
  return section;
}

function payloadLength(payload: CutMessage["payload"]): number {
  if (payload === undefined) return 0;
  return "number" in payload ? 8 : payload.bytes.length;
}

function formOf(payload: CutMessage["payload"]): number {
  if (payload === undefined) return PayloadForm.NOTHING;
  return "number" in payload ? PayloadForm.NUMBER : PayloadForm.BYTES;
}

/** The sections by name, each proved to be what was written. */
function readTable(bytes: Buffer): Readonly<Record<SectionName, Buffer>> {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new CutError("header", "this is no frozen mesh");
  const version = bytes.readUInt32LE(8);
  if (version !== CUT_FILE_VERSION)
    throw new CutError(
      "header",
      `layout: expected ${CUT_FILE_VERSION}, got ${version}: it is of another version of mesh-30k`,
    );
  const count = bytes.readUInt32LE(12);
  if (count !== SECTIONS.length)
    throw new CutError("header", `sections: expected ${SECTIONS.length}, got ${count}`);
  const length = bytes.readDoubleLE(16);
  if (length !== bytes.length)
    throw new CutError(
      "header",
      `expected ${length} bytes, got ${bytes.length}: it is cut off or grown`,
    );
  const table = bytes.subarray(HEADER_BYTES, HEADER_BYTES + TABLE_BYTES);
  const digest = digestOf([bytes.subarray(0, DIGEST_AT), table]);
  if (!digest.equals(bytes.subarray(DIGEST_AT, SIGNATURE_AT)))
    throw new CutError("header", "its SHA-256 is another than was written");
  if (bytes.subarray(SIGNATURE_AT, HEADER_BYTES).some((byte) => byte !== 0))
    throw new CutError("signature", "it is signed, which this version cannot check");
  return readSections(bytes, table);
}

function readSections(bytes: Buffer, table: Buffer): Readonly<Record<SectionName, Buffer>> {
  const sections: Partial<Record<SectionName, Buffer>> = {};
  let at = HEADER_BYTES + TABLE_BYTES;
  for (const [i, name] of SECTIONS.entries()) {
    const entry = table.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
    const named = entry.toString("ascii", 0, NAME_BYTES).replace(/\0+$/, "");
    if (named !== name) throw new CutError("table", `expected section ${name}, got ${named}`);
    const from = entry.readDoubleLE(NAME_BYTES);
    const length = entry.readDoubleLE(NAME_BYTES + 8);
    if (from !== at || !Number.isInteger(length) || length < 0 || at + length > bytes.length)
      throw new CutError(name, `does not lie where it should: ${length} bytes at ${from}`);
    const section = bytes.subarray(at, at + length);
    if (!digestOf([section]).equals(entry.subarray(NAME_BYTES + 16)))
      throw new CutError(name, "its SHA-256 is another than was written");
    sections[name] = section;
    at += length;
  }
  if (at !== bytes.length)
    throw new CutError("table", `${bytes.length - at} bytes belong to no section`);
  return sections as Record<SectionName, Buffer>;
}

function parse(part: SectionName, section: Buffer): unknown {
  try {
    return JSON.parse(section.toString());
  } catch (error) {
    throw new CutError(part, `is no JSON: ${(error as Error).message}`);
  }
}

function decodeOperations(section: Buffer): Cut["operations"] {
  const operations = parse("operations", section);
  if (Array.isArray(operations) && operations.every(({ progress }) => Array.isArray(progress)))
    return operations;
  throw new CutError("operations", "lacks what every part has");
}

function encodeGathers(gathers: Cut["gathers"]): Buffer {
  return Buffer.from(
    JSON.stringify(
      gathers.map(({ payload, ...gather }) => ({
        ...gather,
        payload: Buffer.from(payload).toString("base64"),
      })),
    ),
  );
}

function decodeGathers(section: Buffer): Cut["gathers"] {
  const gathers = parse("gathers", section);
  const isWhole =
    Array.isArray(gathers) &&
    gathers.every(({ payload, shares }) => typeof payload === "string" && Array.isArray(shares));
  if (!isWhole) throw new CutError("gathers", "lacks what every operation has");
  return gathers.map(({ payload, ...gather }) => ({
    ...gather,
    payload: new Uint8Array(Buffer.from(payload, "base64")),
  }));
}

function readAbout(section: Buffer): About {
  const about = parse("about", section) as About;
  const isWhole =
    Array.isArray(about?.registry?.columns) &&
    Array.isArray(about.arrivals?.shares) &&
    Array.isArray(about.shapes) &&
    Array.isArray(about.routes) &&
    typeof about.counts === "object";
  if (isWhole) return about;
  throw new CutError("about", "lacks what every cut has");
}

/** A section as pieces of given lengths, which must come to just its own. */
function split<T>(
  part: SectionName,
  section: Buffer,
  items: readonly T[],
  bytesOf: (item: T) => number,
): Uint8Array[] {
  let at = 0;
  const pieces = items.map((item) => {
    const from = at;
    at += bytesOf(item);
    // A copy of its own, on whatever alignment its columns need.
    return new Uint8Array(section.subarray(from, at));
  });
  if (at === section.length) return pieces;
  throw new CutError(part, `expected ${at} bytes, got ${section.length}`);
}

function decodeSnapshots(section: Buffer): Cut["snapshots"] {
  const snapshots: { agent: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < section.length; ) {
    needs("snapshots", section, at, SNAPSHOT_BYTES);
    const agent = section.readUInt32LE(at);
    const length = section.readUInt32LE(at + 4);
    needs("snapshots", section, at + SNAPSHOT_BYTES, length);
    snapshots.push({ agent, bytes: copyOf(section, at + SNAPSHOT_BYTES, length) });
    at += SNAPSHOT_BYTES + length;
  }
  return snapshots;
}

function decodeMessages(section: Buffer): Cut["messages"] {
  const messages: CutMessage[] = [];
  for (let at = 0; at < section.length; ) {
    needs("messages", section, at, MESSAGE_BYTES);
    const length = section.readUInt32LE(at + 40);
    needs("messages", section, at + MESSAGE_BYTES, length);
    messages.push(decodeMessage(section, at, length));
    at += MESSAGE_BYTES + length;
  }
  return messages;
}

function decodeMessage(section: Buffer, at: number, length: number): CutMessage {
  const kind = KINDS[section[at]];
  if (kind === undefined) throw new CutError("messages", `kind ${section[at]} is none`);
  const form = section[at + 2];
  const body = at + MESSAGE_BYTES;
  return {
    kind,
    priority: section[at + 1],
    redelivered: section[at + 3] === 1,
    target: section.readInt32LE(at + 4),
    sender: section.readInt32LE(at + 8),
    deaths: section.readUInt32LE(at + 12),
    sequence: section.readDoubleLE(at + 16),
    createdMs: section.readDoubleLE(at + 24),
    leftMs: section.readDoubleLE(at + 32),
    payload:
      form === PayloadForm.NOTHING
        ? undefined
        : form === PayloadForm.NUMBER && length === 8
          ? { number: section.readDoubleLE(body) }
          : { bytes: copyOf(section, body, length) },
  };
}

function decodeBelongings(section: Buffer): Cut["belongings"] {
  const belongings: Belonging[] = [];
  for (let at = 0; at < section.length; ) {
    needs("belongings", section, at, BELONGING_BYTES);
    const length = section.readUInt32LE(at + 32);
    needs("belongings", section, at + BELONGING_BYTES, length);
    const row = {
      kind: section.readUInt32LE(at),
      whose: section.readUInt32LE(at + 4),
      withWhom: section.readUInt32LE(at + 8),
      module: section.readUInt32LE(at + 12),
      leftMs: section.readDoubleLE(at + 16),
      periodMs: section.readDoubleLE(at + 24),
      bytes: copyOf(section, at + BELONGING_BYTES, length),
    };
    const belonging = belongingOf(row);
    if (belonging === undefined) throw new CutError("belongings", `kind ${row.kind} is none`);
    belongings.push(belonging);
    at += BELONGING_BYTES + length;
  }
  return belongings;
}

function needs(part: SectionName, section: Buffer, at: number, bytes: number): void {
  if (at + bytes <= section.length) return;
  throw new CutError(part, `ends within an entry: ${bytes} bytes at ${at} of ${section.length}`);
}

function copyOf(section: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(section.subarray(at, at + length));
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function digestOf(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
