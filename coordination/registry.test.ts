import { describe, expect, test } from "vitest";
import { bytesPerRow } from "./columns.ts";
import { createRegistry, REGISTRY_LAYOUT, registryBytes } from "./registry.ts";

describe("registry", () => {
  test("a row takes no more than 136 bytes", () => {
    expect(bytesPerRow(REGISTRY_LAYOUT)).toBeLessThanOrEqual(136);
    expect(registryBytes(30_000) / 30_000).toBeLessThanOrEqual(136);
  });

  test("every column of the layout is a field, and every field a column", () => {
    const registry = createRegistry(new SharedArrayBuffer(registryBytes(10)), 10);
    const fields = Object.keys(registry).filter((name) => name !== "rows");
    expect(fields.sort()).toEqual(REGISTRY_LAYOUT.map(([name]) => name).sort());
  });

  test("no two columns share a cache line", () => {
    const buffer = new SharedArrayBuffer(registryBytes(1));
    const { rows, ...columns } = createRegistry(buffer, 1);
    const offsets = Object.values(columns).map((column) => column.byteOffset);
    expect(rows).toBe(1);
    expect(new Set(offsets).size).toBe(REGISTRY_LAYOUT.length);
    for (const offset of offsets) expect(offset % 64).toBe(0);
  });

  test("what one thread's view writes, another's reads", () => {
    const buffer = new SharedArrayBuffer(registryBytes(100));
    createRegistry(buffer, 100).score[99] = 512;
    expect(createRegistry(buffer, 100).score[99]).toBe(512);
  });

  test("a buffer for fewer rows is refused", () => {
    const buffer = new SharedArrayBuffer(registryBytes(99));
    expect(() => createRegistry(buffer, 200)).toThrow("buffer: expected at least");
  });
});
