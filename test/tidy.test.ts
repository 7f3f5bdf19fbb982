// The house rules as a test. Each failure names the file, the line and the cure.
// CONTRIBUTING.md says the rules in words; this file is where they bite.
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, describe, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** A file may import from its own folder or from a lower number: imports point down, so no cycle can form. */
const LEVELS: ReadonlyMap<string, number> = new Map([
  ["", 9], // index.ts, the one public door
  ["console", 8],
  ["simulator", 7],
  ["remote", 6],
  ["runtime", 5],
  ["dashboard", 5],
  ["supervisors", 4],
  ["actors", 3],
  ["trust", 2],
  ["coordination", 1],
  ["mailbox", 0],
]);
/** May import anything; nothing in the house imports them. */
const OUTSIDE: ReadonlySet<string> = new Set(["bench", "test", "docs", "examples", "scripts"]);
/** The rooms of a folder, lowest first: an import points to a lower one, and from the folder itself to any. */
const ROOMS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    runtime:
      "api machine trust plan dispatch inspection journal conflicts operations nodes workers recovery growth freeze",
    console: "terminal operator command control reports grammar http mcp catalog",
  }).map(([folder, rooms]) => [folder, rooms.split(" ")]),
);
/** The folders that touch the machine. Everything below them is pure, so the simulator can run it. */
const MACHINE_FOLDERS: ReadonlySet<string> = new Set(["runtime", "remote", "console", "dashboard"]);
const CLOCK = "runtime/machine/clock.ts";

const MACHINE_MODULES: ReadonlySet<string> = new Set(
  (
    "worker_threads timers fs net tls dgram dns http https http2 child_process cluster process " +
    "readline repl tty"
  )
    .split(" ")
    .map((name) => `node:${name}`)
    .concat("piscina", "pino"),
);
// A property of that name (`x.process`) is free, a spread global (`...process.argv`) is not.
const MACHINE_GLOBALS = new RegExp(
  String.raw`(?<![\w$]|(?<!\.\.)\.)(?:globalThis\s*\.\s*)?` +
    String.raw`(process(?=\s*\??\.(?!\.))|setTimeout|setInterval|setImmediate|Math\s*\.\s*random)\b`,
  "g",
);
const CLOCK_READS =
  /\b(Date\s*\.\s*now|performance\s*\.\s*now|new\s+Date\s*(?:\(\s*\)|(?=[;,)\n]))|hrtime)(?![\w$])/g;

const MAX_LINES = 500;
const MAX_COLUMNS = 120;
/** Longer than MAX_LINES, each with the reason why splitting it would read worse. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([]);
/** npm packages that more than one file may import, each with the reason. */
const SHARED_PACKAGES: ReadonlyMap<string, string> = new Map([]);

const VAGUE_NAMES = /^(utils?|helpers?|commons?|managers?|misc)$/i;
// In pieces, so that this file does not find itself.
const UNFINISHED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`, "g");
const FOCUSED_OR_SKIPPED = /\.(only|skip|todo)(\.(each|for|concurrent|sequential|fails))*\s*[(`]/g;

interface Source {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  /** The top folder; "" at the root. */
  readonly folder: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked, offsets unchanged. */
  readonly bare: string;
}

interface Import {
  readonly specifier: string;
  readonly offset: number;
}

const REGEX_MAY_FOLLOW = /(?:^|[([{},;:=!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else))\s*$/;

/** Blanks comments, string contents and regular expressions; keeps quotes, line ends and offsets. */
function blank(text: string): string {
  const out = text.split("");
  const erase = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " ";
  };
  const closings: string[] = []; // for each open `${` or `{`: what its `}` returns to
  let i = 0;
  const skipTemplate = (): void => {
    const from = i;
    while (i < text.length && text[i] !== "`" && !text.startsWith("${", i))
      i += text[i] === "\\" ? 2 : 1;
    erase(from, Math.min(i, text.length));
    if (text.startsWith("${", i)) closings.push("template");
    i += text[i] === "`" ? 1 : 2;
  };
  while (i < text.length) {
    const char = text[i] as string;
    const from = i;
    if (text.startsWith("//", i)) {
      while (i < text.length && text[i] !== "\n") i++;
      erase(from, i);
    } else if (text.startsWith("/*", i)) {
      const end = text.indexOf("*/", i + 2);
      i = end < 0 ? text.length : end + 2;
      erase(from, i);
    } else if (char === '"' || char === "'") {
      i++;
      while (i < text.length && text[i] !== char && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1;
      erase(from + 1, Math.min(i, text.length));
      i++;
    } else if (char === "`") {
      i++;
      skipTemplate();
    } else if (char === "/" && REGEX_MAY_FOLLOW.test(out.slice(Math.max(0, i - 80), i).join(""))) {
      i++;
      for (let inClass = false; i < text.length && text[i] !== "\n"; i++) {
        if (text[i] === "\\") i++;
        else if (text[i] === "[") inClass = true;
        else if (text[i] === "]") inClass = false;
        else if (text[i] === "/" && !inClass) break;
      }
      erase(from + 1, i);
      i++;
    } else if (char === "{") {
      closings.push("block");
      i++;
    } else if (char === "}") {
      i++;
      if (closings.pop() === "template") skipTemplate();
    } else {
      i++;
    }
  }
  return out.join("");
}

function walk(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (/^(node_modules|dist|coverage|\.(?!ci$).*)$/.test(entry.name)) continue;
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...walk(path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const folder = path.includes("/") ? (path.split("/")[0] as string) : "";
  return { path, folder, text, bare: blank(text) };
}

/** Every module a file names: static, dynamic and type imports, re-exports, and `new URL` for workers. */
function importsOf(source: Source): Import[] {
  const opening =
    /(?<![\w$.])(?:from|import|require|import\s*\(|require\s*\(|new\s+URL\s*\()\s*(["'`])/g;
  const imports: Import[] = [];
  for (const match of source.bare.matchAll(opening)) {
    const start = match.index + match[0].length;
    const end = source.bare.indexOf(match[1] as string, start);
    const specifier = source.text.slice(start, end);
    if (match[0].startsWith("new") && !specifier.startsWith(".")) continue;
    imports.push({ specifier, offset: match.index });
  }
  return imports;
}

function packageOf(specifier: string): string | undefined {
  if (/^(\.|\/|#|node:)/.test(specifier) || builtinModules.includes(specifier)) return undefined;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;
const at = (source: Source, offset: number): string =>
  `${source.path}:${lineAt(source.text, offset)}`;
const isTest = (path: string): boolean => path.endsWith(".test.ts");

function assertNone(findings: readonly string[]): void {
  if (findings.length > 0) assert.fail(`${findings.length} found\n  ${findings.join("\n  ")}`);
}

const paths = walk("");
const code = paths.filter((path) => /\.(ts|mts|js|mjs)$/.test(path)).map(read);
/** Code inside the house; files such as vitest.config.ts only stand at its door. */
const house = code.filter(
  ({ path, folder }) => LEVELS.has(folder) && (folder !== "" || path === "index.ts"),
);
const product = house.filter(({ path }) => !isTest(path));

describe("imports", () => {
  test("every folder with code has a place in the house", () => {
    assertNone(
      code
        .filter(({ folder }) => !LEVELS.has(folder) && !OUTSIDE.has(folder) && folder !== ".ci")
        .map(
          ({ path }) =>
            `${path}:1: no level is known for this folder; put the file into one that has`,
        ),
    );
  });

  test("imports stay in the folder or point down the house", () => {
    const findings: string[] = [];
    for (const source of house) {
      const own = LEVELS.get(source.folder) as number;
      for (const { specifier, offset } of importsOf(source)) {
        if (!specifier.startsWith(".")) continue;
        const target = posix.join(dirname(source.path), specifier);
        const folder = target.includes("/") ? (target.split("/")[0] as string) : "";
        if (folder === source.folder || (folder === "" && !/^index\.[tj]s$/.test(target))) continue;
        const level = LEVELS.get(folder);
        // A contract shared by siblings lives in test/, and the tests beside the siblings run it.
        if (isTest(source.path) && folder === "test") continue;
        // The bin file stands before the build, so it names the command's door from below.
        if (source.path === "runtime/index.js" && target === "console/main.ts") continue;
        if (OUTSIDE.has(folder)) {
          findings.push(
            `${at(source, offset)}: imports ${target}, which is no product code; move what is shared into the house`,
          );
        } else if (level !== undefined && level >= own) {
          findings.push(
            `${at(source, offset)}: ${source.folder || "index.ts"} (level ${own}) imports ` +
              `${target} (level ${level}); ` +
              "move the shared part down, or hand it in from above as an argument",
          );
        }
      }
    }
    assertNone(findings);
  });

  test.each([...ROOMS])("the rooms of %s/ stand on each other", (home, rooms) => {
    const roomOf = (path: string): number => {
      const [folder, room, file] = path.split("/");
      if (folder !== home) return -1;
      return file === undefined ? rooms.length : rooms.indexOf(room as string);
    };
    const findings: string[] = [];
    for (const source of product.filter(({ folder }) => folder === home)) {
      const own = roomOf(source.path);
      if (own < 0) findings.push(`${source.path}:1: this room has no place in ROOMS`);
      for (const { specifier, offset } of importsOf(source)) {
        const target = posix.join(dirname(source.path), specifier);
        // A process of its own is started, not imported: it has the whole list of commands.
        if (target.startsWith("console/rehearsal-process.")) continue;
        if (!specifier.startsWith(".") || roomOf(target) <= own) continue;
        findings.push(
          `${at(source, offset)}: imports ${target} from a room above; move the shared part down, or hand it in`,
        );
      }
    }
    assertNone(findings);
  });

  test("each npm package is imported by one file", () => {
    const importers = new Map<string, Map<string, string>>();
    for (const source of product) {
      for (const { specifier, offset } of importsOf(source)) {
        const name = packageOf(specifier);
        if (name === undefined || SHARED_PACKAGES.has(name)) continue;
        const places = importers.get(name) ?? new Map<string, string>();
        if (!places.has(source.path)) places.set(source.path, at(source, offset));
        importers.set(name, places);
      }
    }
    assertNone(
      [...importers]
        .filter(([, places]) => places.size > 1)
        .map(
          ([name, places]) =>
            `${[...places.values()].join(", ")}: all import ${name}; let one file own it and import that file`,
        ),
    );
  });
});

describe("the machine", () => {
  const pure = product.filter(({ folder }) => !MACHINE_FOLDERS.has(folder));

  test("only runtime, remote and console import threads, timers, files, sockets and processes", () => {
    const findings: string[] = [];
    for (const source of pure) {
      for (const { specifier, offset } of importsOf(source)) {
        const name = builtinModules.includes(specifier) ? `node:${specifier}` : specifier;
        // A part of a module, such as node:fs/promises, is the module.
        if (!MACHINE_MODULES.has(name.split("/")[0] as string)) continue;
        findings.push(
          `${at(source, offset)}: imports ${specifier}; let runtime/, remote/ or console/ do it and pass the result in`,
        );
      }
    }
    assertNone(findings);
  });

  test("only runtime, remote and console use process, timers and randomness", () => {
    const findings: string[] = [];
    for (const source of pure) {
      for (const match of source.bare.matchAll(MACHINE_GLOBALS)) {
        findings.push(
          `${at(source, match.index)}: uses ${match[1]}; take the value, timer or seeded generator as an argument`,
        );
      }
    }
    assertNone(findings);
  });

  test(`only ${CLOCK} asks what time it is`, () => {
    const findings: string[] = [];
    for (const source of product) {
      if (source.path === CLOCK) continue;
      for (const match of source.bare.matchAll(CLOCK_READS)) {
        findings.push(
          `${at(source, match.index)}: ${match[1]} reads a clock; take the time as an argument: ${CLOCK} is its source`,
        );
      }
    }
    assertNone(findings);
  });
});

describe("files", () => {
  test("code lies at most one folder deep", () => {
    // Where there are rooms; and an example is a small project that a reader can copy out.
    const deeper: ReadonlySet<string> = new Set([...ROOMS.keys(), "examples"]);
    assertNone(
      code
        .filter(({ path, folder }) => path.split("/").length > (deeper.has(folder) ? 3 : 2))
        .map(
          ({ path }) =>
            `${path}:1: nested folder; name the file after its noun and put it into the folder above`,
        ),
    );
  });

  test("no folder or file has a name that could hold anything", () => {
    assertNone(
      paths
        .filter((path) =>
          path
            .split("/")
            .some((part) => part.split(/[-_.]/).some((word) => VAGUE_NAMES.test(word))),
        )
        .map((path) => `${path}:1: vague name; name it after the one noun it holds`),
    );
  });

  test(`files have at most ${MAX_LINES} lines`, () => {
    const findings: string[] = [];
    for (const { path, text } of code) {
      const lines = text.trimEnd().split("\n").length;
      if (lines > MAX_LINES && !LONG_FILES.has(path)) {
        findings.push(
          `${path}:${MAX_LINES + 1}: ${lines} lines; move one noun into a file of its own, or list it with a reason`,
        );
      }
      if (lines <= MAX_LINES && LONG_FILES.has(path)) {
        findings.push(`${path}:1: only ${lines} lines; take it off the list of long files`);
      }
    }
    assertNone(findings);
  });

  test(`lines have at most ${MAX_COLUMNS} columns`, () => {
    const findings: string[] = [];
    for (const { path, text } of code) {
      for (const [index, line] of text.split("\n").entries()) {
        if (line.length <= MAX_COLUMNS) continue;
        findings.push(`${path}:${index + 1}: ${line.length} columns; break the line`);
      }
    }
    assertNone(findings);
  });
});

describe("finished", () => {
  test("nothing is marked as to be done later", () => {
    const written = paths.filter((path) =>
      /\.(ts|mts|js|mjs|md|ya?ml|sh|html|css)$|^\.ci\//.test(path),
    );
    const findings: string[] = [];
    for (const path of written) {
      const text = readFileSync(join(ROOT, path), "utf8");
      for (const match of text.matchAll(UNFINISHED)) {
        findings.push(
          `${path}:${lineAt(text, match.index)}: ${match[0]}; do it, or document what is not done`,
        );
      }
    }
    assertNone(findings);
  });

  test("no test is focused, skipped or left for later", () => {
    const findings: string[] = [];
    for (const source of code) {
      if (!isTest(source.path) && source.folder !== "test") continue;
      for (const match of source.bare.matchAll(FOCUSED_OR_SKIPPED)) {
        findings.push(
          `${at(source, match.index)}: .${match[1]}; run it, or use skipIf with the condition it needs`,
        );
      }
    }
    assertNone(findings);
  });
});
