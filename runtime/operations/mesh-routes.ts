import { InvalidOptionError } from "../../actors/errors.ts";
import type { CapabilityTable } from "../../coordination/capability.ts";
import type { RouteTable } from "../../coordination/routes.ts";
import type { AvoidedRoute, Routes } from "../api/operation-api.ts";

/** The routes of a mesh by the names of capabilities instead of their bits. */
export class MeshRoutes implements Routes {
  readonly #table: RouteTable;
  readonly #capabilities: CapabilityTable;
  readonly #nowMs: () => number;

  constructor(table: RouteTable, capabilities: CapabilityTable, nowMs: () => number) {
    this.#table = table;
    this.#capabilities = capabilities;
    this.#nowMs = nowMs;
  }

  avoid(
    target: string,
    options: { readonly capability?: string; readonly reason?: string } = {},
  ): void {
    const { capability, reason } = options;
    const capabilityBit = this.#bitOf(capability);
    try {
      this.#table.avoid(target, this.#nowMs(), {
        ...(capabilityBit !== undefined && { capabilityBit }),
        ...(reason !== undefined && { reason }),
      });
    } catch (error) {
      const expected = /expected (.+), got /s.exec((error as Error).message)?.[1];
      if (!(error instanceof RangeError) || expected === undefined) throw error;
      throw new InvalidOptionError("target", target, expected);
    }
  }

  allow(target: string, options: { readonly capability?: string } = {}): boolean {
    return this.#table.allow(target, this.#bitOf(options.capability));
  }

  list(): readonly AvoidedRoute[] {
    return this.#table.list().map(({ target, capabilityBit, reason, sinceMs }) => ({
      target,
      sinceMs,
      ...(capabilityBit !== undefined && { capability: this.#capabilities.names[capabilityBit] }),
      ...(reason !== undefined && { reason }),
    }));
  }

  /** Avoids what another mesh avoided, but for capabilities that nobody has here. */
  adopt(routes: readonly AvoidedRoute[]): void {
    for (const { target, capability, reason } of routes) {
      if (capability !== undefined && this.#capabilities.bitOf(capability) < 0) continue;
      this.avoid(target, {
        ...(capability !== undefined && { capability }),
        ...(reason !== undefined && { reason }),
      });
    }
  }

  #bitOf(capability: string | undefined): number | undefined {
    if (capability === undefined) return undefined;
    const bit = this.#capabilities.bitOf(capability);
    if (bit >= 0) return bit;
    const known = this.#capabilities.names.join(", ") || "none";
    throw new InvalidOptionError("capability", capability, `one of ${known}`);
  }
}
