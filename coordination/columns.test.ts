import { describe, expect, test } from "vitest";
import { bytesPerRow, type Column, columnViews, tableBytes } from "./columns.ts";

const LAYOUT: readonly Column<"at" | "level" | "mark">[] = [
  ["mark", "u8"],
  ["at", "f64"],
  ["level", "f32"],
];

describe("columns", () => {
  test("every column begins on a cache line, whatever stands before it", () => {
    const views = columnViews(LAYOUT, new ArrayBuffer(tableBytes(LAYOUT, 3)), 3);
    expect(views.u8("mark").byteOffset).toBe(0);
    expect(views.f64("at").byteOffset).toBe(64);
    expect(views.f32("level").byteOffset).toBe(128);
    expect(tableBytes(LAYOUT, 3)).toBe(192);
    expect(bytesPerRow(LAYOUT)).toBe(13);
  });

  test("two views of one buffer are the same table", () => {
    const buffer = new SharedArrayBuffer(tableBytes(LAYOUT, 100));
    columnViews(LAYOUT, buffer, 100).f64("at")[99] = 7;
    expect(columnViews(LAYOUT, buffer, 100).f64("at")[99]).toBe(7);
  });

  test("a buffer that is too small is refused with both sizes", () => {
    expect(() => columnViews(LAYOUT, new ArrayBuffer(191), 3)).toThrow(
      "buffer: expected at least 192 bytes for 3 rows, got 191",
    );
  });

  test("a column is only had by its own name and type", () => {
    const views = columnViews(LAYOUT, new ArrayBuffer(192), 3);
    expect(() => views.f32("at")).toThrow("got at as f32");
  });
});
