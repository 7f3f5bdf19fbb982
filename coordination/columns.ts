/**
 * Tables in shared memory as a structure of arrays. A layout lists the columns in order; every thread lays
 * its own typed arrays over the same buffer. Each column begins on a cache line of its own, so that
 * threads writing different columns never share a line at a seam.
 */
import { wholeNumber } from "./check.ts";

/** What one column holds. */
export type ColumnType = "f64" | "f32" | "i32" | "u32" | "u8";

/** Name and type of one column. */
export type Column<Name extends string = string> = readonly [name: Name, type: ColumnType];

/** Hands out the typed array of a column by its name; RangeError when name and type are not in the layout. */
export interface ColumnViews<Name extends string> {
  f64(name: Name): Float64Array;
  f32(name: Name): Float32Array;
  i32(name: Name): Int32Array;
  u32(name: Name): Uint32Array;
  u8(name: Name): Uint8Array;
}

const LINE_BYTES = 64;
const BYTES: Readonly<Record<ColumnType, number>> = { f64: 8, f32: 4, i32: 4, u32: 4, u8: 1 };

/** Bytes of one row of a layout, padding between columns not counted. */
export function bytesPerRow(layout: readonly Column[]): number {
  return layout.reduce((bytes, [, type]) => bytes + BYTES[type], 0);
}

/** Bytes of a table with `rows` rows. */
export function tableBytes(layout: readonly Column[], rows: number): number {
  wholeNumber("rows", rows, 0, 0x7fff_ffff);
  return layout.reduce((bytes, [, type]) => bytes + columnBytes(type, rows), 0);
}

/** Views of a table's columns. RangeError when the buffer is too small for `rows`. */
export function columnViews<Name extends string>(
  layout: readonly Column<Name>[],
  buffer: ArrayBufferLike,
  rows: number,
): ColumnViews<Name> {
  const needed = tableBytes(layout, rows);
  if (buffer.byteLength < needed) {
    throw new RangeError(
      `buffer: expected at least ${needed} bytes for ${rows} rows, got ${buffer.byteLength}`,
    );
  }
  const offset = (name: Name, type: ColumnType): number => columnOffset(layout, rows, name, type);
  return {
    f64: (name) => new Float64Array(buffer, offset(name, "f64"), rows),
    f32: (name) => new Float32Array(buffer, offset(name, "f32"), rows),
    i32: (name) => new Int32Array(buffer, offset(name, "i32"), rows),
    u32: (name) => new Uint32Array(buffer, offset(name, "u32"), rows),
    u8: (name) => new Uint8Array(buffer, offset(name, "u8"), rows),
  };
}

function columnOffset(
  layout: readonly Column[],
  rows: number,
  name: string,
  type: ColumnType,
): number {
  let offset = 0;
  for (const [columnName, columnType] of layout) {
    if (columnName === name && columnType === type) return offset;
    offset += columnBytes(columnType, rows);
  }
  throw new RangeError(`column: expected one of the layout, got ${name} as ${type}`);
}

function columnBytes(type: ColumnType, rows: number): number {
  return Math.ceil((BYTES[type] * rows) / LINE_BYTES) * LINE_BYTES;
}
