import type { PayloadCodec } from "../mailbox/payload.ts";
import type { StateChunk } from "../runtime/nodes/sector-moves.ts";
import type { NodeBus } from "./node-bus.ts";

/**
 * The states of a sector's agents between its last holder and its next: kept under the epoch of the lease that ended,
 * so that nobody takes over what was true before somebody else had the sector.
 */
export class StateParcel {
  readonly #bus: NodeBus;
  readonly #codec: PayloadCodec;

  constructor(bus: NodeBus, codec: PayloadCodec) {
    this.#bus = bus;
    this.#codec = codec;
  }

  /** Keeps them for whoever holds the sector after `epoch`; false when they are lost. */
  async leave(sector: number, epoch: number, chunks: readonly StateChunk[]): Promise<boolean> {
    const kept = await Promise.all(
      chunks.map((chunk, i) => this.#bus.keep(nameOf(sector, i), this.#encode([epoch, chunk]))),
    );
    // Last, and only when all is there: without it nothing of it counts.
    if (kept.includes(false)) return false;
    return this.#bus.keep(`${sector + 1}`, this.#encode([epoch, chunks.length]));
  }

  /** What the holder before `epoch` has left; empty when that is nothing. */
  async fetch(sector: number, epoch: number): Promise<readonly StateChunk[]> {
    const manifest = await this.#read<number>(`${sector + 1}`, epoch - 1);
    if (manifest === undefined) return [];
    const names = Array.from({ length: manifest }, (_, i) => nameOf(sector, i));
    const chunks = await Promise.all(names.map((name) => this.#read<StateChunk>(name, epoch - 1)));
    return chunks.filter((chunk) => chunk !== undefined);
  }

  async #read<T>(name: string, epoch: number): Promise<T | undefined> {
    const bytes = await this.#bus.kept(name);
    if (bytes === undefined || bytes.length === 0) return undefined;
    const [of, value] = decodeWith(this.#codec, bytes) as [number, T];
    return of === epoch ? value : undefined;
  }

  #encode(value: unknown): Uint8Array {
    const length = this.#codec.encode(value);
    return this.#codec.bytes.slice(0, length);
  }
}

function nameOf(sector: number, chunk: number): string {
  return `${sector + 1}.${chunk}`;
}

/** Decodes what stands in bytes of any memory. */
export function decodeWith(codec: PayloadCodec, bytes: Uint8Array): unknown {
  const padded = new Uint8Array((bytes.length + 7) & ~7);
  padded.set(bytes);
  return codec.decode(new Int32Array(padded.buffer), padded, 0, bytes.length);
}
