/**
 * Where settings come from: a flag wins over a MESH_* variable, that over the file of `--config`, that over
 * the default. Whatever is wrong is collected and said at once, each with its key, its value, what was
 * expected and where it stood.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { ConfigError, sentenceOf } from "../terminal/exit.ts";
import { formatNumber } from "../terminal/format.ts";
import { didYouMean } from "../terminal/nearest.ts";
import { briefly } from "./command.ts";
import { flagOf, SETTINGS, type Setting, type Settings, variableOf } from "./settings.ts";

/** What the settings are made of. */
export interface ConfigSources {
  /** Flags by setting, as they were written; those that were not given are absent or undefined. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** `--config`. */
  readonly file?: string | undefined;
}

/** Settings, and for each of them where it came from: `--sectors`, `MESH_SECTORS`, `mesh.yaml:3`, `default`. */
export interface Config {
  readonly settings: Settings;
  readonly sources: Readonly<Record<keyof Settings, string>>;
}

interface Written {
  readonly value: unknown;
  readonly source: string;
  /** Folder that a relative path starts from. */
  readonly base: string;
}

/** The mesh takes no more: every index must stay a small integer. */
const MAX_AGENTS = 10_000_000;
const KEYS = Object.keys(SETTINGS) as (keyof Settings)[];

/** Reads and checks all settings; ConfigError lists everything that is wrong. */
export function readConfig(from: ConfigSources): Config {
  const problems: string[] = [];
  // A set but empty variable is how shells say "not set".
  const path = from.file ?? (from.env.MESH_CONFIG || undefined);
  const file = path === undefined ? undefined : readFile(resolve(from.cwd, path), path, problems);
  const settings: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of KEYS) {
    const written = fromFlag(key, from) ?? fromVariable(key, from) ?? file?.get(flagOf(key));
    sources[key] = written?.source ?? "default";
    settings[key] = written === undefined ? SETTINGS[key].fallback : check(key, written, problems);
  }
  if (settings.agent === undefined) checkTraces(settings.traces, sources.traces, problems);
  settings.data = resolve(from.cwd, String(settings.data));
  checkSize(settings, sources.workers, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { settings: settings as unknown as Settings, sources: sources as Config["sources"] };
}

/** The data folder of commands that look for a running mesh. */
export function dataFolder(from: Omit<ConfigSources, "flags">, flag: string | undefined): string {
  const path = flag ?? (from.env.MESH_DATA || undefined) ?? String(SETTINGS.data.fallback);
  return resolve(from.cwd, path);
}

function fromFlag(key: keyof Settings, from: ConfigSources): Written | undefined {
  const value = from.flags[key];
  if (value === undefined) return undefined;
  return { value, source: `--${flagOf(key)}`, base: from.cwd };
}

function fromVariable(key: keyof Settings, from: ConfigSources): Written | undefined {
  const name = variableOf(key);
  const value = from.env[name];
  if (value === undefined || value === "") return undefined;
  return { value, source: name, base: from.cwd };
}

function check(key: keyof Settings, written: Written, problems: string[]): unknown {
  const { schema, path } = SETTINGS[key];
  // YAML has made a number of it; only text still shows that a duration has no unit.
  const { value } = written;
  const read = schema.safeParse(typeof value === "number" ? String(value) : value);
  if (!read.success) {
    problems.push(problem(key, read.error.issues[0].message, written));
    return undefined;
  }
  if (path === undefined) return read.data;
  if (path === "agent") return checkAgent(read.data, written, problems);
  return checkPath(key, path, String(read.data), written, problems);
}

/** What agents are, with the paths in it checked: of a kind its `module`, of classes each of theirs. */
function checkAgent(source: unknown, written: Written, problems: string[]): unknown {
  if (typeof source === "string") {
    const place = { ...written, value: source };
    return checkPath("agent", "file", source, place, problems);
  }
  if (typeof source !== "object" || source === null) return source;
  const isKind = !Object.keys(source).some((name) => name === "default" || /^CLASS_/.test(name));
  return Object.fromEntries(
    Object.entries(source).map(([name, value]) => {
      const isPath = isKind ? name === "module" : true;
      return [name, isPath ? checkAgent(value, written, problems) : value];
    }),
  );
}

function checkPath(
  key: keyof Settings,
  kind: Exclude<NonNullable<Setting["path"]>, "agent">,
  path: string,
  written: Written,
  problems: string[],
): string {
  const isUrl = kind === "file" && path.startsWith("file:") && URL.canParse(path);
  const full = isUrl ? fileURLToPath(path) : resolve(written.base, path);
  if (kind === "new") return full;
  const found = existsSync(full) ? statSync(full) : undefined;
  const fits = kind === "file" ? found?.isFile() : found?.isDirectory();
  if (!fits) {
    const why = found === undefined ? `${full} does not exist` : `${full} is not one`;
    problems.push(problem(key, `expected an existing ${kind}`, written, `; ${why}`));
  }
  return full;
}

/** The agents that replay traces need some; what other agents make of the folder is theirs to say. */
function checkTraces(folder: unknown, source: string, problems: string[]): void {
  if (typeof folder !== "string" || !existsSync(folder) || !statSync(folder).isDirectory()) return;
  if (readdirSync(folder).some((name) => name.endsWith(".csv.gz"))) return;
  problems.push(
    `traces: expected a folder of traces (*.csv.gz), got ${briefly(folder)} (${source}); it has none`,
  );
}

function problem(key: string, expected: string, written: Written, more = ""): string {
  return `${flagOf(key)}: ${expected}, got ${briefly(written.value)} (${written.source})${more}`;
}

function checkSize(settings: Record<string, unknown>, source: string, problems: string[]): void {
  const { sectors, clusters, agents, workers } = settings;
  const product = Number(sectors) * Number(clusters) * Number(agents);
  if (product > MAX_AGENTS) {
    problems.push(
      `sectors × clusters × agents: expected at most ${formatNumber(MAX_AGENTS)} agents, ` +
        `got ${sectors} × ${clusters} × ${agents} = ${formatNumber(product)}`,
    );
  }
  // Sectors are placed whole, so a worker more would have nothing to do.
  if (Number(workers) > Number(sectors)) {
    problems.push(
      `workers: expected at most one a sector, of which there are ${sectors}, got ${workers} (${source})`,
    );
  }
}

function readFile(full: string, path: string, problems: string[]): Map<string, Written> {
  const entries = new Map<string, Written>();
  let source: string;
  try {
    source = readFileSync(full, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "it does not exist" : sentenceOf(error);
    problems.push(`config: expected a readable YAML file, got ${briefly(path)}: ${why}`);
    return entries;
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  for (const error of document.errors) {
    // The library adds a picture of the place on further lines.
    const [sentence] = error.message.split("\n");
    problems.push(`config: expected YAML, got ${briefly(path)}: ${sentence.replace(/:$/, "")}`);
  }
  if (document.errors.length > 0 || document.contents === null) return entries;
  if (!isMap(document.contents)) {
    problems.push(
      `config: expected keys and values, got ${briefly(path)}: it holds something else`,
    );
    return entries;
  }
  const known = KEYS.map(flagOf);
  for (const pair of document.contents.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const place = `${path}:${lineOf(pair.key as ParsedNode, lines)}`;
    const value = toValue(pair.value, document, problems, key, place);
    if (!known.includes(key)) {
      const all = `expected one of ${known.join(", ")}`;
      const hint = didYouMean(key, known) || `; ${all}`;
      problems.push(`${key}: unknown key, got ${key}: ${briefly(value)} (${place})${hint}`);
    } else if (value !== null) {
      // `workers:` with nothing behind it is as good as a comment.
      entries.set(key, { value, source: place, base: dirname(full) });
    }
  }
  return entries;
}

function toValue(
  node: unknown,
  document: ReturnType<typeof parseDocument>,
  problems: string[],
  key: string,
  place: string,
): unknown {
  try {
    return (node as ParsedNode | null)?.toJS(document) ?? null;
  } catch (error) {
    // An alias bomb, or an alias of nothing.
    problems.push(`${key}: expected a value, got ${sentenceOf(error)} (${place})`);
    return null;
  }
}

function lineOf(node: ParsedNode | null, lines: LineCounter): number {
  return node === null ? 1 : lines.linePos(node.range[0]).line;
}
