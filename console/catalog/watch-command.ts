/** `watch`: a command that looks, again and again, until somebody has seen enough. */
import { emitKeypressEvents } from "node:readline";
import { type Command, changesWith, type MeshCommand, meshCommand } from "../command/command.ts";
import { type Face, paintOf, print, printJson } from "../command/face.ts";
import type { MeshLine } from "../command/line.ts";
import { readTyped } from "../command/typed-line.ts";
import { duration, text, wholeNumber } from "../command/values.ts";
import { Deferred } from "../terminal/deferred.ts";
import { EXIT, UsageError } from "../terminal/exit.ts";
import { formatDuration } from "../terminal/format.ts";
import { paint } from "../terminal/paint.ts";
import { toPlain } from "../terminal/plain.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, screenFrame } from "../terminal/screen.ts";

const STANDARD_MS = 2_000;

/** A command that is watched. */
interface Looking {
  readonly command: MeshCommand;
  readonly args: Record<string, unknown>;
}

interface WatchArguments {
  readonly line: string;
  readonly every?: number | undefined;
  readonly times?: number | undefined;
}

/** What it prints where nobody watches: one picture. */
interface Picture {
  readonly command: string;
  readonly data: unknown;
  readonly page: string;
}

/** `watch COMMAND …`. */
export const watchCommand: MeshCommand = meshCommand({
  name: "watch",
  help: "Run a command that looks every two seconds until q, Ctrl-C or --times.",
  details:
    "Flags of the watched command stand in quotes with it, or behind --. A terminal is drawn on in place, " +
    "elsewhere one follows the other, with --json one JSON document a line. What changes the mesh is refused.",
  parameters: {
    line: {
      schema: text("a command"),
      help: "the command with its arguments",
      place: "rest",
      complete: "command",
    },
    every: {
      schema: duration(100, 86_400_000).optional(),
      help: "from one run to the next (default: 2s)",
      value: "duration",
    },
    times: {
      schema: wholeNumber(1, 1_000_000).optional(),
      help: "end after so many pictures",
      value: "N",
    },
  },
  examples: [
    "watch status",
    "watch --every 1s --times 10 'agents --slow --limit 5'",
    "watch -- kpis",
  ],
  changes: false,
  run: async ({ commands, perform }, { line }): Promise<Picture> => {
    const { command, args } = lookingCommand(commands, line);
    const data = await perform(command.name, args);
    return { command: command.name, data, page: command.render(data, NO_PAINT) };
  },
  render: ({ page }) => page,
  show: (face, line, args) => showWatch(face, line, args),
});

/** For faces that ask once and have no terminal. */
const NO_PAINT = paint(false);

/** Reads what is to be watched; UsageError for what changes the mesh, and for what has no end to wait for. */
function lookingCommand(commands: readonly Command[], line: string): Looking {
  const { command, invocation } = readTyped(commands, line);
  const refuse = (why: string): UsageError =>
    new UsageError(`watch: ${command.name} ${why}`, "watch");
  if (command.needs !== "mesh") throw refuse("tells nothing of a mesh");
  if (command.show !== undefined) throw refuse("watches by itself");
  if (invocation.help) throw refuse("--help tells the same each time");
  if (changesWith(command, invocation.args)) throw refuse("changes the mesh");
  return { command, args: invocation.args };
}

async function showWatch(face: Face, line: MeshLine, args: WatchArguments): Promise<number> {
  const looking = lookingCommand(face.commands, args.line);
  const isScreen = face.stdout.isTTY === true && face.stdin.isTTY === true && !face.json;
  const screen = isScreen ? new Screen(face, args) : undefined;
  let pictures = 0;
  let failed = false;
  const { promise, resolve, reject } = new Deferred<void>();
  const end = (): void => resolve();
  const onGone = (): void => reject(line.gone.reason);
  const { signals } = face;
  signals.on("SIGINT", end).on("SIGTERM", end);
  line.gone.addEventListener("abort", onGone);
  if (line.gone.aborted) onGone();
  screen?.open(end);
  const unwatch = line.watch(
    looking.command.name,
    looking.args,
    args.every ?? STANDARD_MS,
    (data) => {
      if (args.times !== undefined && pictures >= args.times) return;
      pictures++;
      failed = looking.command.failed(data);
      if (face.json) printJson(face, toPlain(data));
      else if (screen !== undefined) screen.draw(looking.command.render(data, paintOf(face)));
      else print(face, looking.command.render(data, paintOf(face)));
      if (pictures === args.times) end();
    },
    reject,
  );
  try {
    await promise;
    // As the watched command ended last.
    return failed ? EXIT.failure : EXIT.ok;
  } finally {
    unwatch();
    screen?.close();
    line.gone.removeEventListener("abort", onGone);
    signals.off("SIGINT", end).off("SIGTERM", end);
  }
}

/** The other screen buffer: a picture overwrites the one before in one write, so that nothing flickers. */
class Screen {
  readonly #face: Face;
  readonly #title: string;
  #end: () => void = () => {};
  readonly #onKey = (_: unknown, key: Key | undefined): void => {
    if (key?.name === "q" || key?.name === "escape" || (key?.ctrl === true && key.name === "c"))
      this.#end();
  };
  // Even when something else ends the process, its last act gives the terminal back.
  readonly #giveBack = (): unknown => this.#face.stdout.write(LEAVE_SCREEN);

  constructor(face: Face, { line, every = STANDARD_MS }: WatchArguments) {
    this.#face = face;
    this.#title = `every ${formatDuration(every)}: ${line} · q quit`;
  }

  open(end: () => void): void {
    const { stdin, stdout, signals } = this.#face;
    this.#end = end;
    emitKeypressEvents(stdin);
    stdin.setRawMode?.(true);
    stdin.resume();
    stdin.on("keypress", this.#onKey);
    signals.on("exit", this.#giveBack);
    stdout.write(ENTER_SCREEN);
  }

  draw(page: string): void {
    const { stdout } = this.#face;
    // A terminal that does not know its size says 0.
    const width = stdout.columns || 80;
    const height = stdout.rows || 24;
    const lines = page.split("\n").slice(0, height - 1);
    while (lines.length < height - 1) lines.push("");
    lines.push(paintOf(this.#face).dim(this.#title));
    stdout.write(screenFrame(lines, width));
  }

  close(): void {
    const { stdin, stdout, signals } = this.#face;
    signals.off("exit", this.#giveBack);
    stdin.off("keypress", this.#onKey);
    stdin.pause();
    stdin.setRawMode?.(false);
    stdout.write(LEAVE_SCREEN);
  }
}

/** What node:readline tells of a key. */
interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}
