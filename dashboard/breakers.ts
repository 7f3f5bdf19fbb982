/** The circuit breakers as cells: what the command lists as not CLOSED, laid over the clusters that it covers. */
import { type Circuit, layCircuits } from "./circuits.ts";
import type { MeshSize } from "./layout.ts";
import type { CommandEntry, Session } from "./session.ts";

/** Commands that list circuits, whichever this mesh has. */
const NAMES = ["circuits", "breakers"];
const REFRESH_MS = 1_000;

/** Asks for the circuits while they are shown. */
export class Breakers {
  readonly #session: Session;
  readonly #command: string | undefined;
  readonly #size: MeshSize;
  readonly #cells: Uint8Array;
  readonly #onCells: (cells: Uint8Array) => void;
  #timer = 0;

  constructor(
    session: Session,
    commands: readonly CommandEntry[],
    size: MeshSize,
    onCells: (cells: Uint8Array) => void,
  ) {
    this.#session = session;
    this.#command = NAMES.find((name) => commands.some((command) => command.name === name));
    this.#size = size;
    this.#cells = new Uint8Array(size.sectors * size.clustersPerSector * size.agentsPerCluster);
    this.#onCells = onCells;
  }

  /** Whether this mesh has breakers to show. */
  get isKnown(): boolean {
    return this.#command !== undefined;
  }

  /** Asks now and then again, until {@link stop}. */
  start(): void {
    this.stop();
    if (this.#command === undefined) return;
    this.#timer = window.setInterval(() => void this.#refresh(), REFRESH_MS);
    void this.#refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #refresh(): Promise<void> {
    if (this.#command === undefined || document.hidden) return;
    const data = await this.#session.look(this.#command).catch(() => undefined);
    if (data === undefined) return;
    const lists = Array.isArray(data) ? [data] : Object.values(data as Record<string, unknown>);
    const circuits = (lists.find(Array.isArray) ?? []) as readonly Circuit[];
    this.#onCells(layCircuits(circuits, this.#size, this.#cells));
  }
}
