import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { TopologySize } from "../../coordination/topology.ts";
import { replaceFile } from "../machine/replaced-file.ts";

/** Which places of a mesh have agents: runs of them, `to` not included. */
export type Runs = readonly { readonly from: number; readonly to: number }[];

/** In the journal's folder: it goes wherever the journal goes, also when that is set aside. */
const NAME = "population.json";

/**
 * Which places of a mesh that grows have agents, on disk: who was added is there again after a crash, and who was
 * removed is not. Written whole at each change of size, so that the name stands for one version or the next.
 */
export class PopulationFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, NAME);
  }

  /** Undefined when there is none, or it is of a mesh of another size. Throws when it cannot be read. */
  read(size: TopologySize): Runs | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const { size: of, agents } = JSON.parse(text) as { size: unknown; agents: Runs };
    return isDeepStrictEqual(of, size) ? agents : undefined;
  }

  /** Returns when it is on disk. */
  write(size: TopologySize, agents: Runs): void {
    replaceFile(this.#path, Buffer.from(`${JSON.stringify({ size, agents })}\n`));
  }
}
