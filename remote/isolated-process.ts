// One process for the agents of a module that are not trusted: no shared memory, no environment, no handle but one
// pipe, and bounds to what it may take of memory, of time and of its worker's attention. Whatever it does, the worst
// that comes of it is its death, which is a failure of the agents whose turns it had.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { MeshError } from "../actors/errors.ts";
import { FrameReader, FrameWriter } from "./isolated-frames.ts";
import { type Order, readSaying, type Saying } from "./isolated-messages.ts";

/** What the process may take. */
export interface IsolationLimits {
  /** Of its heap, MiB; of all its memory so much and {@link BASE_MIB} more. */
  readonly memoryMb: number;
  /** One turn, ms. */
  readonly turnMs: number;
  /** Folders and files that it may read beside its module's folder. */
  readonly read: readonly string[];
}

/** What is said in a turn, for its agent. */
export interface TurnEnd {
  readonly resolve: (done: Extract<Saying, { kind: "done" }>) => void;
  readonly reject: (error: Error) => void;
  /** A `tell`, an `ask` or a line of log; what it throws ends the process. */
  readonly say: (saying: Saying) => void;
}

interface OpenTurn extends TurnEnd {
  readonly timer: NodeJS.Timeout;
  said: number;
}

/** What a process of Node takes by itself, MiB. */
const BASE_MIB = 160;
/** Sayings of one turn; one that goes on is a flood. */
const SAYINGS_A_TURN = 10_000;
/** How often its memory is looked at while it has turns, ms. */
const LOOK_MS = 50;
/** Time to load its module, ms. */
const START_MS = 15_000;
/** Pause before it is started again, ms: doubled with each death without a turn between, up to the longest. */
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** Starts a program that dies with the thread that started it. */
const SETPRIV = "/usr/bin/setpriv";

/** The process of one module on one thread, started when it is first needed and again when it has died. */
export class IsolatedProcess {
  readonly #module: string;
  readonly #options: unknown;
  readonly #limits: IsolationLimits;
  readonly #turns = new Map<number, OpenTurn>();
  #child: ChildProcess | undefined;
  #writer: FrameWriter | undefined;
  #ready: Promise<void> | undefined;
  /** Tells those who wait for the process that there is now; after it was ready, nobody. */
  #failStart: ((error: Error) => void) | undefined;
  #look: NodeJS.Timeout | undefined;
  #deaths = 0;
  #lastTurn = 0;
  /** Grows with each process: what an earlier one knew, this one does not. */
  generation = 0;
  snapshots = false;

  constructor(module: string, options: unknown, limits: IsolationLimits) {
    this.#module = module;
    this.#options = options;
    this.#limits = limits;
  }

  /** Runs when the process is there; rejects with MESH_ISOLATED when it cannot be started. */
  ready(): Promise<void> {
    this.#ready ??= this.#start();
    return this.#ready;
  }

  /** Begins a turn in the process that there is; its end is heard by `end`. */
  begin(make: (turn: number) => Order, end: TurnEnd): void {
    const turn = ++this.#lastTurn;
    const late = (): void =>
      this.#kill(this.#child, `a turn of more than ${this.#limits.turnMs} ms`);
    this.#turns.set(turn, { ...end, timer: setTimeout(late, this.#limits.turnMs), said: 0 });
    this.send(make(turn));
  }

  /** Says something to the process; to one that has died, nothing. */
  send(order: Order): void {
    this.#writer?.send(order);
  }

  async #start(): Promise<void> {
    if (this.#deaths > 0) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** (this.#deaths - 1));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    this.generation++;
    const child = this.#spawn();
    const pipe = child.stdio[3] as Duplex;
    this.#child = child;
    this.#writer = new FrameWriter((bytes) => pipe.write(bytes));
    this.#look = setInterval(() => this.#weigh(child), LOOK_MS).unref();
    const reader = new FrameReader();
    await new Promise<void>((resolve, reject) => {
      const late = (): void => this.#kill(child, `no sign of it within ${START_MS} ms`);
      const timer = setTimeout(late, START_MS);
      this.#failStart = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      const hear = (said: unknown): void => {
        const saying = readSaying(said);
        if (saying === undefined) throw new RangeError("it said what there is not to say");
        if (saying.kind !== "ready") this.#hear(saying);
        else {
          clearTimeout(timer);
          this.snapshots = saying.snapshots;
          resolve();
        }
      };
      pipe.on("data", (piece: Buffer) => {
        if (this.#child !== child) return;
        try {
          reader.take(piece, hear);
        } catch (error) {
          this.#kill(child, String((error as Error).message));
        }
      });
      pipe.on("error", () => this.#kill(child, "its pipe broke"));
      child.on("error", (error) => this.#died(child, error.message));
      child.on("exit", (code, signal) => this.#died(child, signal ?? `exit ${code}`));
      this.send({ module: this.#module, options: this.#options } as unknown as Order);
    });
  }

  #spawn(): ChildProcess {
    const isSource = import.meta.url.endsWith(".ts");
    const host = fileURLToPath(
      new URL(`./isolated-host.${isSource ? "ts" : "js"}`, import.meta.url),
    );
    const flags = [`--max-old-space-size=${this.#limits.memoryMb}`, "--no-warnings", "--no-addons"];
    const node = isSource
      ? [...flags, "--import", "tsx", host]
      : [...flags, ...this.#permission(), host];
    const command = [process.execPath, ...node];
    // Were its worker to be killed while it loops, nobody else would end it.
    if (existsSync(SETPRIV)) command.unshift(SETPRIV, "--pdeathsig", "KILL");
    return spawn(command[0], command.slice(1), {
      env: {},
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      ...(this.#module.startsWith("file:") && { cwd: dirname(fileURLToPath(this.#module)) }),
    });
  }

  /** It may read what it is made of, and write nothing, start nothing. */
  #permission(): string[] {
    const house = fileURLToPath(new URL("../../", import.meta.url));
    const own = this.#module.startsWith("file:") ? [dirname(fileURLToPath(this.#module))] : [];
    const packages = [house, ...own].flatMap(packageFolders);
    const name = process.allowedNodeEnvironmentFlags.has("--permission")
      ? "--permission"
      : "--experimental-permission";
    const folders = [`${house}dist/*`, ...own.map((folder) => `${folder}/*`), ...packages];
    const more = this.#limits.read.map((path) => (isFolder(path) ? `${path}/*` : path));
    const paths = distinct([...folders, `${house}package.json`, ...more]);
    return [name, ...paths.map((path) => `--allow-fs-read=${path}`)];
  }

  #hear(saying: Exclude<Saying, { kind: "ready" }>): void {
    const turn = this.#turns.get(saying.turn);
    // Nobody speaks but in an open turn, and so for nobody but its agent.
    if (turn === undefined) throw new RangeError("it spoke in a turn that is not open");
    if (++turn.said > SAYINGS_A_TURN)
      throw new RangeError(`more than ${SAYINGS_A_TURN} sayings in a turn`);
    if (saying.kind !== "done" && saying.kind !== "failed") {
      turn.say(saying);
      return;
    }
    clearTimeout(turn.timer);
    this.#turns.delete(saying.turn);
    this.#deaths = 0;
    if (saying.kind === "done") turn.resolve(saying);
    else turn.reject(new Error(saying.text));
  }

  /** Where the system tells of it, memory outside of the heap counts too. */
  #weigh(child: ChildProcess): void {
    let pages: number;
    try {
      pages = Number(readFileSync(`/proc/${child.pid}/statm`, "latin1").split(" ")[1]);
    } catch {
      return;
    }
    const mib = (pages * 4_096) / 1024 / 1024;
    if (mib > this.#limits.memoryMb + BASE_MIB)
      this.#kill(child, `${Math.round(mib)} MiB of memory`);
  }

  #kill(child: ChildProcess | undefined, why: string): void {
    // What an earlier one still has to say must not end its successor.
    if (child === undefined || this.#child !== child) return;
    child.kill("SIGKILL");
    this.#died(child, why);
  }

  /** Ends what was under way; of a process that had ended before, nothing. */
  #died(child: ChildProcess, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#writer = undefined;
    this.#ready = undefined;
    this.#deaths++;
    clearInterval(this.#look);
    const error = new MeshError("MESH_ISOLATED", `its process has ended: ${why}`);
    const turns = [...this.#turns.values()];
    this.#turns.clear();
    for (const { timer, reject } of turns) {
      clearTimeout(timer);
      reject(error);
    }
    this.#failStart?.(error);
  }
}

/** Where packages lie that code of a folder may import; of a link both of its ends. */
function packageFolders(folder: string): string[] {
  const found: string[] = [];
  for (let at = resolve(folder); ; at = dirname(at)) {
    const packages = join(at, "node_modules");
    if (existsSync(packages)) {
      const real = realpathSync(packages);
      found.push(`${real}/*`, ...(real === packages ? [] : [packages]));
    }
    if (at === dirname(at)) return found;
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Without what lies in another of them: Node 20 ends itself over a path that is the beginning of one before. */
function distinct(paths: readonly string[]): string[] {
  const all = [...new Set(paths)];
  const isWithin = (path: string, folder: string): boolean =>
    folder !== path && folder.endsWith("/*") && path.startsWith(folder.slice(0, -1));
  return all.filter((path) => !all.some((folder) => isWithin(path, folder)));
}
