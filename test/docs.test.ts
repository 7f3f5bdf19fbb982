// The guide's own words: every snippet of docs/ and README runs, and prints what stands beside it.
//
//   ```js, ```ts   a file when its first line is `// name.js`; otherwise it is only compiled
//   `node name.js` prints:   the block that follows is what it prints, to the letter
//   ```yaml        a file when its first line is `# name.yaml`
//   ```sh          `$ mesh-30k …`, `mesh> …` and `$ node …` run; lines below are what they print, but numbers may be
//                  others and … is anything
//   ```console     for reading only: what installs something, or needs a machine of its own; so is any other language
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, beforeAll, describe, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BIN = join(ROOT, "runtime/index.js");
const folder = mkdtempSync(join(tmpdir(), "mesh-30k-docs-"));
/** What a page does not say itself. Flags win over variables, so what it says holds. */
const SMALL = {
  MESH_SECTORS: "3",
  MESH_CLUSTERS: "2",
  MESH_AGENTS: "5",
  MESH_WORKERS: "1",
  MESH_HTTP: "127.0.0.1:0",
  MESH_LOG: "silent",
};
/** Commands that are processes of their own; all others are typed into the mesh that the page has started. */
const ALONE =
  /^(start .*--(run|for)|diff|fork|restore|doctor|simulate|help|version|\S+ --help|backup list --data)/;
/** Commands that may be typed again without changing what comes after them. */
const AGAIN = /^(conflicts|health|incident|cascade|forecast|status)\b/;
/** README's files are run by readme.test.ts. */
const PAGES = readdirSync(join(ROOT, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  const lines = readFileSync(join(ROOT, page), "utf8").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const opening = /^ *```(\w*)$/.exec(lines[at]);
    if (opening === null) continue;
    const from = at + 1;
    do at++;
    while (at < lines.length && !/^ *```$/.test(lines[at]));
    const text = `${lines.slice(from, at).join("\n")}\n`;
    found.push({ language: opening[1], line: from, text });
  }
  return found;
}

/** `// name.js`, or `# name.yaml`, on the first line of a snippet. */
const fileName = ({ text }: Block): string | undefined =>
  /^(?:\/\/|#) ([\w-]+\.(?:[jt]s|yaml))\n/.exec(text)?.[1];
const isCode = ({ language }: Block): boolean => language === "js" || language === "ts";
const placeOf = (page: string): string => join(folder, page.replaceAll(/[/.]/g, "-"));

function start(
  command: string,
  args: readonly string[],
  cwd: string,
): ChildProcessWithoutNullStreams {
  const env = { ...process.env, ...SMALL, NO_COLOR: "1", MESH_SOURCE: "0" };
  return spawn(command, args, { cwd, env });
}

async function run(
  args: readonly string[],
  cwd: string,
): Promise<{ code: number; said: string; out: string }> {
  const child = start(process.execPath, args, cwd);
  let [out, talk] = ["", ""];
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (talk += chunk));
  child.stdin.end();
  const [code] = await once(child, "close");
  return { code, out, said: out + talk };
}

/** Words as a shell reads them, quotes taken off. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"),
  );
}

/** A line as it was printed, with other numbers; frames and gaps may be longer or shorter. */
function shape(line: string): RegExp {
  const pattern = line
    .trim()
    .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/conflict-[a-z0-9]+/g, "conflict-ID")
    .replaceAll(/\d(?:[\d,:]|\\\.|-(?=\d))*/g, "[\\d.,:-]+")
    .replaceAll(/(?<=\+)(ms|s|m|h)\b/g, "(?:ms|s|m|h)")
    .replaceAll(/(?<=\+) (B|KiB|MiB)\b/g, " (?:B|KiB|MiB)")
    .replaceAll("conflict-ID", "conflict-[a-z0-9]+")
    .replaceAll("…", ".*")
    .replaceAll(/ {2,}| (?=│$)/g, " +")
    .replaceAll(/─+/g, "─+");
  return new RegExp(`^ *${pattern} *$`, "m");
}

/** The REPL of a page's mesh, spoken to line by line. */
class Repl {
  readonly #child: ChildProcessWithoutNullStreams;
  #out = "";
  #talk = "";

  constructor(args: readonly string[], cwd: string) {
    this.#child = start(process.execPath, [BIN, ...args], cwd);
    this.#child.stdout.on("data", (chunk) => (this.#out += chunk));
    this.#child.stderr.on("data", (chunk) => (this.#talk += chunk));
  }

  /** All that is said between this line and the end of what it does. */
  async type(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\nversion\n`);
    const end = /mesh-30k +[\d.]+\nnode .*\nplatform .*\n/;
    while (!end.test(this.#out)) {
      assert.isNull(this.#child.exitCode, this.#talk);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const said = this.#out.replace(end, "") + this.#talk;
    this.#out = "";
    this.#talk = "";
    return said;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "close");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

interface Typed {
  readonly line: string;
  readonly inRepl: boolean;
  /** Line within its block. */
  readonly at: number;
  readonly shown: string[];
}

function commandsOf(block: Block): Typed[] {
  const typed: Typed[] = [];
  for (const [at, line] of block.text.trimEnd().split("\n").entries()) {
    const [, prompt, words] = /^(\$|mesh>) (.*)$/.exec(line) ?? [];
    if (prompt !== undefined)
      typed.push({ line: words, inRepl: prompt === "mesh>", at, shown: [] });
    else if (line.trim() !== "") typed.at(-1)?.shown.push(line);
  }
  return typed;
}

/** Runs the shell blocks of one page in their order. */
class Session {
  readonly #cwd: string;
  #repl: Repl | undefined;
  #heard = "";

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** What of a block is not as the page says, each with its line. */
  async play(page: string, block: Block): Promise<string[]> {
    const wrong: string[] = [];
    for (const { line, inRepl, at, shown } of commandsOf(block)) {
      const place = `${page}:${block.line + at + 1}: ${line}`;
      const look = () => this.#command(this.#current(line), inRepl, place);
      const missingIn = (said: string) => shown.filter((expected) => !shape(expected).test(said));
      let output = await look();
      // Records are there when they are on disk, and a machine that is busy with other tests is late: looked at again.
      for (let again = 0; again < 40 && AGAIN.test(line) && missingIn(output).length > 0; again++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        output = await look();
      }
      this.#heard += output;
      const missing = missingIn(output);
      // What goes wrong on purpose says so on the page.
      const failed = !shown.some((one) => one.startsWith("error: ")) && output.includes("error: ");
      if (missing.length > 0 || failed)
        wrong.push(`${place}\nprinted:\n${output}\nand not:\n${missing.join("\n")}`);
    }
    return wrong;
  }

  /** Names that are made anew in each run, as they are in this one. */
  #current(line: string): string {
    return line
      .replaceAll(/([\w./-]+\/)\d{4}-\d\d-\d\dT[\d.-]+Z/g, (all, parent) => {
        const [newest] = readdirSync(join(this.#cwd, parent)).sort().reverse();
        return newest === undefined ? all : parent + newest.replace(/\.mesh$/, "");
      })
      .replaceAll(/conflict-[a-z0-9]{8,}/g, (all) => {
        const [last] = this.#heard.match(/conflict-[a-z0-9]{8,}/g)?.slice(-1) ?? [];
        return last ?? all;
      });
  }

  async #command(line: string, inRepl: boolean, place: string): Promise<string> {
    const own = line.replace(/^(mesh-30k|node runtime(\/index\.js)?) /, "");
    if (!inRepl && own === line) {
      const [node, ...args] = wordsOf(line);
      assert.equal(node, "node", `${place}: neither of mesh-30k nor of node; write it as console`);
      const { code, said } = await run(args, this.#cwd);
      assert.equal(code, 0, `${place}\n${said}`);
      return said;
    }
    if (!inRepl && ALONE.test(own)) {
      const { code, said } = await run([BIN, ...wordsOf(own)], this.#cwd);
      assert.notEqual(code, 2, `${place}\n${said}`);
      return said;
    }
    if (own === "start" || own.startsWith("start ")) {
      await this.end();
      this.#repl = new Repl(wordsOf(own), this.#cwd);
      return this.#repl.type("");
    }
    assert.isDefined(this.#repl, `${place}: no mesh was started on this page`);
    return (this.#repl as Repl).type(own);
  }

  async end(): Promise<void> {
    await this.#repl?.end();
    this.#repl = undefined;
  }

  kill(): void {
    this.#repl?.kill();
  }
}

/** Writes all files of all pages; what is TypeScript, or a part of a program, is compiled, all of it at once. */
async function writeAll(): Promise<void> {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/mesh-30k"), "dir");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const sources: string[] = [];
  for (const page of [...PAGES, "README.md"]) {
    mkdirSync(placeOf(page), { recursive: true });
    for (const block of blocksOf(page)) {
      const name = fileName(block);
      if (name !== undefined) writeFileSync(join(placeOf(page), name), block.text);
      if (name?.endsWith(".ts")) sources.push(join(placeOf(page), name));
      if (name !== undefined || !isCode(block)) continue;
      const part = join(placeOf(page), `line-${block.line}.ts`);
      writeFileSync(part, FRAME + block.text);
      sources.push(part);
    }
  }
  const options = {
    ...{ module: "nodenext", target: "es2023", lib: ["es2024", "esnext.disposable"] },
    ...{ strict: true, skipLibCheck: true, types: ["node"], preserveSymlinks: true },
    ...{ typeRoots: [join(ROOT, "node_modules/@types")], rewriteRelativeImportExtensions: true },
  };
  const files = sources.map((file) => relative(folder, file));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { code, said } = await run([tsc, "-p", folder], folder);
  assert.equal(code, 0, said);
}

/** What parts of programs may take for given. */
const FRAME = 'import type { Mesh } from "mesh-30k";\ndeclare const mesh: Mesh;\n';

/** What the page says that its programs print: the block after "`node name.js` prints:". */
function printed(page: string): Map<string, string> {
  const text = readFileSync(join(ROOT, page), "utf8");
  const said = text.matchAll(/`node ([\w-]+)\.[jt]s` prints:\n\n```\n([^`]*)```/g);
  return new Map([...said].map(([, name, output]) => [name, output]));
}

beforeAll(writeAll, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("docs", () => {
  for (const page of PAGES) {
    const shell = blocksOf(page).filter(({ language }) => language === "sh");
    const programs = printed(page);
    if (shell.length > 0) {
      test(`the commands of ${page} run, and print what it says`, async () => {
        const session = new Session(placeOf(page));
        try {
          const wrong: string[] = [];
          for (const block of shell) wrong.push(...(await session.play(page, block)));
          if (wrong.length > 0) assert.fail(wrong.join("\n\n"));
        } finally {
          session.kill();
        }
      });
    }
    if (programs.size > 0) {
      test(`the programs of ${page} print what it says`, async () => {
        const runs = [...programs].map(async ([name, expected]) => {
          const { code, out, said } = await run([`${name}.js`], placeOf(page));
          assert.equal(code, 0, `${page}: ${name}\n${said}`);
          assert.equal(out, expected, `${page}: ${name}`);
        });
        await Promise.all(runs);
      });
    }
  }

  test("every file and heading that a page points to is there, and is shipped with it", () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const wrong: string[] = [];
    for (const page of ["README.md", ...PAGES]) {
      const text = readFileSync(join(ROOT, page), "utf8");
      for (const [, path, heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
        const target =
          path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path as string));
        if (!existsSync(join(ROOT, target))) wrong.push(`${page}: ${path} is missing`);
        else if (heading !== undefined && !headingsOf(target).has(heading))
          wrong.push(`${page}: ${target} has no heading #${heading}`);
        if (target.startsWith("docs/") && !files.includes(target))
          wrong.push(`${page}: ${target} is not among "files" of package.json`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

const headings = new Map<string, ReadonlySet<string>>();

/** Names of the headings of a page, as they are in links; a name that was there before has a number. */
function headingsOf(page: string): ReadonlySet<string> {
  const known = headings.get(page);
  if (known !== undefined) return known;
  const names = new Map<string, number>();
  const found = new Set<string>();
  const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/^```.*?^```/gms, "");
  for (const [, heading] of text.matchAll(/^#+ (.*)$/gm)) {
    const name = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    const before = names.get(name) ?? 0;
    names.set(name, before + 1);
    found.add(before === 0 ? name : `${name}-${before}`);
  }
  headings.set(page, found);
  return found;
}
