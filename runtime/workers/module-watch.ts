import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "../../actors/ports.ts";

/** Editors write a file in several steps: it counts as changed when it has been quiet for this long, ms. */
const QUIET_MS = 150;

/** Says when the files of modules change, until it is closed. Of a folder that cannot be watched the log tells. */
export class ModuleWatch {
  readonly #watchers: FSWatcher[] = [];
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(urls: readonly string[], log: Log, changed: (url: string) => void) {
    const folders = new Map<string, Map<string, string>>();
    for (const url of urls) {
      const file = fileURLToPath(url);
      const files = folders.get(dirname(file)) ?? new Map<string, string>();
      folders.set(dirname(file), files.set(basename(file), url));
    }
    for (const [folder, files] of folders) {
      const failed = (error: Error): void =>
        log.warn({ folder, error: error.message }, "modules are not watched");
      try {
        // The folder, for a file that is replaced by another one is not the one that was watched.
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          const url = name === null ? undefined : files.get(name);
          if (url !== undefined) this.#later(url, changed);
        });
        this.#watchers.push(watcher.on("error", failed));
      } catch (error) {
        failed(error as Error);
      }
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #later(url: string, changed: (url: string) => void): void {
    clearTimeout(this.#timers.get(url));
    this.#timers.set(url, setTimeout(changed, QUIET_MS, url));
  }
}
