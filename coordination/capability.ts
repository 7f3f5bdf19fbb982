/**
 * What agents can do, as 64 bits a row. A table gives each name of the mesh its bit; the same names in the
 * same order on every thread make the same table.
 */
import type { Registry } from "./registry.ts";

/** Bits of a row. */
export const MAX_CAPABILITIES = 64;

/** The capability names of a mesh, by bit. */
export interface CapabilityTable {
  readonly names: readonly string[];
  /** Bit 0–63 of a name, or −1 when nobody in the mesh has it. */
  bitOf(name: string): number;
}

/** Makes a table of the distinct names, in order. RangeError for an empty name and for the 65th. */
export function createCapabilityTable(names: Iterable<string>): CapabilityTable {
  const bits = new Map<string, number>();
  for (const name of names) {
    if (name === "") throw new RangeError("capability: expected a name, got an empty string");
    if (bits.has(name)) continue;
    if (bits.size === MAX_CAPABILITIES) {
      throw new RangeError(
        `capabilities: expected at most ${MAX_CAPABILITIES} names in a mesh, got a 65th: ${JSON.stringify(name)}`,
      );
    }
    bits.set(name, bits.size);
  }
  return Object.freeze({
    names: Object.freeze([...bits.keys()]),
    bitOf: (name: string) => bits.get(name) ?? -1,
  });
}

/** Writes what a row can do. RangeError for a name that the table does not have. */
export function setCapabilities(
  registry: Registry,
  row: number,
  table: CapabilityTable,
  names: Iterable<string>,
): void {
  let low = 0;
  let high = 0;
  for (const name of names) {
    const bit = table.bitOf(name);
    if (bit < 0) {
      throw new RangeError(
        `capability: expected one of ${table.names.join(", ")}, got ${JSON.stringify(name)}`,
      );
    }
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  registry.capabilitiesLow[row] = low;
  registry.capabilitiesHigh[row] = high;
}

/** Whether a row has the capability of this bit, 0–63. A negative bit (a name nobody has) is had by none. */
export function hasCapability(registry: Registry, row: number, bit: number): boolean {
  if (bit < 0) return false;
  const word = bit < 32 ? registry.capabilitiesLow[row] : registry.capabilitiesHigh[row];
  return (word & (1 << (bit & 31))) !== 0;
}

/** Names of a row's capabilities, in the order of the table. */
export function capabilitiesOf(registry: Registry, row: number, table: CapabilityTable): string[] {
  return table.names.filter((_, bit) => hasCapability(registry, row, bit));
}

/** Bits of several capabilities, low and high word; RangeError for a name that no agent of the mesh has. */
export function bitsOf(
  table: CapabilityTable,
  names: readonly string[],
): readonly [low: number, high: number] {
  let low = 0;
  let high = 0;
  for (const name of names) {
    const bit = table.bitOf(name);
    if (bit < 0) {
      const known = table.names.join(", ") || "none";
      throw new RangeError(`requiresCapabilities: expected some of ${known}, got ${name}`);
    }
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return [low, high];
}
