import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  capabilitiesOf,
  createCapabilityTable,
  hasCapability,
  setCapabilities,
} from "./capability.ts";
import { createRegistry, registryBytes } from "./registry.ts";

const names = Array.from({ length: 64 }, (_, bit) => `can-${bit}`);

describe("capability table", () => {
  test("what is written to a row is read back, for any set of 64 names", () => {
    const table = createCapabilityTable(names);
    const registry = createRegistry(new ArrayBuffer(registryBytes(1)), 1);
    fc.assert(
      fc.property(fc.subarray(names), (some) => {
        setCapabilities(registry, 0, table, some);
        expect(capabilitiesOf(registry, 0, table)).toEqual(some);
        for (const name of names) {
          expect(hasCapability(registry, 0, table.bitOf(name))).toBe(some.includes(name));
        }
      }),
    );
  });

  test("a name given twice has one bit", () => {
    expect(createCapabilityTable(["a", "b", "a"]).names).toEqual(["a", "b"]);
  });

  test("the 65th name is refused by name", () => {
    expect(() => createCapabilityTable([...names, "one-too-many"])).toThrow(
      'capabilities: expected at most 64 names in a mesh, got a 65th: "one-too-many"',
    );
    expect(() => createCapabilityTable([""])).toThrow("got an empty string");
  });

  test("a name that the mesh does not know is nobody's, and cannot be given to a row", () => {
    const table = createCapabilityTable(["a"]);
    const registry = createRegistry(new ArrayBuffer(registryBytes(1)), 1);
    expect(table.bitOf("b")).toBe(-1);
    setCapabilities(registry, 0, createCapabilityTable(names), names);
    expect(hasCapability(registry, 0, -1)).toBe(false);
    expect(() => setCapabilities(registry, 0, table, ["b"])).toThrow('expected one of a, got "b"');
  });
});
