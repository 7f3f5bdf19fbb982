/** Where the program's own script lies, for commands that start it anew. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The path of `runtime/index.js`, seen from the source or from the built console; undefined when neither has it. */
export function programScript(): string | undefined {
  return ["../../runtime/index.js", "../../../runtime/index.js"]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path));
}
