import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Modules that are kept, to be gone back to; of further ones the first version is what their file says. */
const MAX_KEPT = 256;

/**
 * Versions of modules as files of their own, beside the module so that what it imports is found: a worker that is
 * replaced must find the version that holds, whatever the module's file says by then.
 */
export class ModuleCopies {
  readonly #process: number;
  /** What the first versions were, by URL. */
  readonly #first = new Map<string, string>();
  readonly #files = new Set<string>();
  #count = 0;

  /** Of `urls`, which are files; `process` tells copies of several meshes in one folder apart. */
  constructor(urls: readonly string[], process: number) {
    this.#process = process;
    for (const url of urls.slice(0, MAX_KEPT))
      this.#first.set(url, readFileSync(fileURLToPath(url), "utf8"));
  }

  /** A copy of what the module's file says now; its URL. Throws when it cannot be read or written. */
  now(url: string): string {
    return this.#write(url, readFileSync(fileURLToPath(url), "utf8"));
  }

  /** A copy of what it said when the mesh was made; the module itself where that is not known. */
  first(url: string): string {
    const text = this.#first.get(url);
    return text === undefined ? url : this.#write(url, text);
  }

  /** The version is needed no more; a module's own file is left alone. */
  drop(url: string): void {
    const file = fileURLToPath(url);
    if (this.#files.delete(file)) rmSync(file, { force: true });
  }

  close(): void {
    for (const file of this.#files) rmSync(file, { force: true });
    this.#files.clear();
  }

  #write(url: string, text: string): string {
    const file = fileURLToPath(url);
    const extension = extname(file);
    const name = `.${basename(file, extension)}.mesh-${this.#process}-${++this.#count}${extension}`;
    const copy = join(dirname(file), name);
    writeFileSync(copy, text);
    this.#files.add(copy);
    return pathToFileURL(copy).href;
  }
}
