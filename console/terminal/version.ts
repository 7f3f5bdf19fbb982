/** Which mesh-30k this is. */
import { readFileSync } from "node:fs";

/** The version in package.json, seen from the built console or from its source. */
export function packageVersion(): string {
  for (const place of ["../../package.json", "../../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "mesh-30k" && found.version !== undefined) return found.version;
    } catch {
      // Not there: the other place is.
    }
  }
  return "unknown";
}
