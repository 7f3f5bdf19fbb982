// Loads modules of the build so that every access to shared memory is a step that an explorer can stop at.
//
// What runs is the text that the compiler wrote, with three mechanical changes: `words[i]` and its like become
// calls, `Atomics` is the explorer's, and private names are open, so that a thread's state can be put back.
// Sizes may be replaced by smaller ones, and a mutant is one more replacement; each must match exactly once.
import { readFileSync } from "node:fs";
import { posix } from "node:path";

const DIST = new URL("../dist/", import.meta.url);

/** A replacement in the text of a module, which must contain `from` exactly once. */
export interface Edit {
  /** Relative to the build, such as `mailbox/ring.js`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A mistake, made on purpose. */
export interface Mutant {
  readonly name: string;
  /** The small case, by its place, in which it is looked for. */
  readonly on: number;
  readonly edits: readonly Edit[];
}

/** What the changed code calls instead of touching memory. */
export interface Accesses {
  read(array: Int32Array | Float64Array, index: number): number;
  write(array: Int32Array | Float64Array, index: number, value: number): number;
  readonly atomics: object;
}

// biome-ignore lint/suspicious/noExplicitAny: modules are loaded as text, their types are those of their sources
export type Module = Record<string, any>;

/** Names under which the code knows shared memory. */
const SHARED = /(?<![\w.])((?:\w+\.)*(?:words|doubles|source|control|_control|controlDoubles))\[/g;

const texts = new Map<string, string>();

function textOf(file: string): string {
  let text = texts.get(file);
  if (text === undefined) {
    text = readFileSync(new URL(file, DIST), "utf8");
    texts.set(file, text);
  }
  return text;
}

/**
 * A loader of such modules. `only` names files or folders (with a slash at the end) that are loaded; what others
 * export is undefined, and the protocol must not come to use it, or gives it in `stubs`.
 */
export function steppedCode(
  accesses: Accesses,
  only: readonly string[],
  edits: readonly Edit[],
  stubs: Readonly<Record<string, Module>> = {},
): (file: string) => Module {
  const loaded = new Map<string, Module>();
  const load = (file: string): Module => {
    const known = loaded.get(file) ?? stubs[file];
    if (known !== undefined) return known;
    if (!only.some((part) => (part.endsWith("/") ? file.startsWith(part) : file === part)))
      return {};
    const exports: Module = {};
    loaded.set(file, exports);
    const { body, names } = asFunction(stepped(edited(file, edits)));
    const run = new Function(
      "__import",
      "__read",
      "__write",
      "Atomics",
      `"use strict";${body}\nreturn {${names.join(",")}};`,
    );
    const from = (specifier: string): Module => load(posix.join(posix.dirname(file), specifier));
    const read = accesses.read.bind(accesses);
    const write = accesses.write.bind(accesses);
    Object.assign(exports, run(from, read, write, accesses.atomics));
    return exports;
  };
  return load;
}

function edited(file: string, edits: readonly Edit[]): string {
  let text = textOf(file);
  for (const edit of edits) {
    if (edit.file !== file) continue;
    const parts = text.split(edit.from);
    if (parts.length !== 2) {
      throw new Error(`${file} contains ${parts.length - 1} times, expected once: ${edit.from}`);
    }
    text = parts.join(edit.to);
  }
  return text;
}

function stepped(text: string): string {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(?<![:"'`])\/\/.*$/gm, "");
  return accessesAsCalls(bare.replace(/(?<![\w"'`])#(?=[A-Za-z])/g, "_"));
}

function closing(text: string, from: number, open: string, close: string): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i;
  }
  throw new Error(`nothing closes ${text.slice(from, from + 60)}`);
}

/** `a.words[i] = v;` becomes `__write(a.words, i, v);` and `a.words[i]` becomes `__read(a.words, i)`. */
function accessesAsCalls(text: string): string {
  let out = "";
  let done = 0;
  SHARED.lastIndex = 0;
  for (let match = SHARED.exec(text); match !== null; match = SHARED.exec(text)) {
    const array = match[1];
    const opens = match.index + match[0].length - 1;
    const ends = closing(text, opens, "[", "]");
    const index = inner(text.slice(opens + 1, ends));
    const rest = text.slice(ends + 1);
    out += text.slice(done, match.index);
    const step = /^\s*(\+\+|--)/.exec(rest);
    const assigned = /^\s*([-+|&^]?)=(?!=)/.exec(rest);
    if (step !== null) {
      out += `__write(${array},${index},__read(${array},${index})${step[1][0]}1)`;
      done = ends + 1 + step[0].length;
    } else if (assigned !== null) {
      const from = ends + 1 + assigned[0].length;
      const semicolon = text.indexOf(";", from);
      const value = inner(text.slice(from, semicolon));
      const old = assigned[1] === "" ? "" : `__read(${array},${index})${assigned[1]}`;
      out += `__write(${array},${index},${old}(${value}))`;
      done = semicolon;
    } else {
      out += `__read(${array},${index})`;
      done = ends + 1;
    }
    SHARED.lastIndex = done;
  }
  return out + text.slice(done);
}

/** The same within an index or a value; keeps the place of the outer search. */
function inner(text: string): string {
  const place = SHARED.lastIndex;
  const changed = accessesAsCalls(text);
  SHARED.lastIndex = place;
  return changed;
}

/** Imports and exports of a module as statements and names. */
function asFunction(text: string): { body: string; names: string[] } {
  const names: string[] = [];
  const body = text
    .replace(/^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";/gm, (_all, list: string, from: string) => {
      const taken = list.replace(/\s+as\s+/g, ": ");
      return from.startsWith(".") ? `const {${taken}} = __import("${from}");` : "";
    })
    .replace(/^import\s+.*;$/gm, "")
    .replace(/^export\s*\{([^}]*)\}\s*;/gm, (_all, list: string) => {
      names.push(
        ...list
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== ""),
      );
      return "";
    })
    .replace(
      /^export\s+(?:default\s+)?((?:async\s+)?(?:const|let|function|class))\s+(\w+)/gm,
      (_all, kind: string, name: string) => {
        names.push(name);
        return `${kind} ${name}`;
      },
    )
    .replace(/^\/\/# sourceMappingURL.*$/gm, "");
  return { body, names: [...new Set(names)] };
}
