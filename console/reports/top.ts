/**
 * `top` on a terminal: the other screen buffer, drawn in place. A frame overwrites the one before and
 * clears only what is left over, in one write, so nothing flickers; whatever happens, the terminal is
 * given back as it was.
 */
import { emitKeypressEvents } from "node:readline";
import { type Face, paintOf, print, printJson } from "../command/face.ts";
import type { MeshLine } from "../command/line.ts";
import { EXIT } from "../terminal/exit.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, screenFrame } from "../terminal/screen.ts";
import { cutTo } from "../terminal/text-width.ts";
import { renderFrame, TOP_SORTS, type TopFrame, type TopSort } from "./top-frame.ts";

const REFRESH_MS = 1_000;
/** Lines of a frame that are not agents, beside one for each worker: summary, headings, keys. */
const OTHER_LINES = 8;
const KEYS =
  "i impedance  l latency  p processing  u queue  r reliability  d drift  space hold  q quit";

interface TopArguments {
  readonly sort?: TopSort | undefined;
  readonly within?: string | undefined;
  readonly limit?: number | undefined;
}

/** Shows `top` until q or Ctrl-C; one picture as JSON, and where stdout is no terminal. */
export async function showTop(face: Face, line: MeshLine, args: TopArguments): Promise<number> {
  if (face.json || !face.stdout.isTTY || !face.stdin.isTTY) {
    const frame = (await line.call("top", { ...args })) as TopFrame;
    if (face.json) printJson(face, frame);
    else print(face, renderFrame(frame, paintOf(face)));
    return EXIT.ok;
  }
  const screen = new TopScreen(face, line, args);
  return screen.run();
}

/** The sort that a key asks for. */
export function sortOfKey(key: string): TopSort | undefined {
  if (key === "u") return "queue";
  return key === "q" ? undefined : TOP_SORTS.find((sort) => sort[0] === key);
}

class TopScreen {
  readonly #face: Face;
  readonly #line: MeshLine;
  readonly #args: TopArguments;
  #sort: TopSort;
  #held = false;
  #frame: TopFrame | undefined;
  #unwatch: () => void = () => {};
  #end: (code: number) => void = () => {};
  #failure: unknown;

  constructor(face: Face, line: MeshLine, args: TopArguments) {
    this.#face = face;
    this.#line = line;
    this.#args = args;
    this.#sort = args.sort ?? "impedance";
  }

  async run(): Promise<number> {
    const { stdin, stdout, signals } = this.#face;
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    const onKey = (_: unknown, key: Key | undefined): void => this.#onKey(key);
    const onSignal = (): void => this.#end(EXIT.ok);
    const onResize = (): void => this.#watch();
    const onGone = (): void => this.#fail(this.#line.gone.reason);
    // Even when something else ends the process, its last act gives the terminal back.
    const giveBack = (): unknown => stdout.write(LEAVE_SCREEN);
    emitKeypressEvents(stdin);
    stdin.setRawMode?.(true);
    stdin.resume();
    stdin.on("keypress", onKey);
    stdout.on("resize", onResize);
    signals.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("exit", giveBack);
    this.#line.gone.addEventListener("abort", onGone);
    stdout.write(ENTER_SCREEN);
    try {
      if (this.#line.gone.aborted) onGone();
      else this.#watch();
      const code = await ended;
      if (this.#failure !== undefined) throw this.#failure;
      return code;
    } finally {
      this.#unwatch();
      this.#line.gone.removeEventListener("abort", onGone);
      signals.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("exit", giveBack);
      stdout.off("resize", onResize);
      stdin.off("keypress", onKey);
      stdin.pause();
      stdin.setRawMode?.(false);
      stdout.write(LEAVE_SCREEN);
    }
  }

  /** Asks for frames anew: for another order, another size. */
  #watch(): void {
    this.#unwatch();
    const workers = this.#frame?.status.workers ?? 0;
    const fitting = Math.max(1, (this.#face.stdout.rows ?? 24) - OTHER_LINES - workers - 1);
    const args = {
      sort: this.#sort,
      limit: Math.min(1_000, this.#args.limit ?? fitting),
      ...(this.#args.within !== undefined && { within: this.#args.within }),
    };
    const onFrame = (data: unknown): void => {
      const first = this.#frame === undefined;
      if (!this.#held || first) this.#frame = data as TopFrame;
      this.#draw();
      // Only the first frame tells how many workers there are, and so how many agents fit.
      if (first) this.#watch();
    };
    const onFailure = (error: unknown): void => this.#fail(error);
    this.#unwatch = this.#line.watch("top", args, REFRESH_MS, onFrame, onFailure);
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#end(EXIT.failure);
  }

  #draw(): void {
    if (this.#frame === undefined) return;
    const { stdout } = this.#face;
    const width = stdout.columns ?? 80;
    const height = stdout.rows ?? 24;
    const paint = paintOf(this.#face);
    const lines = renderFrame(this.#frame, paint)
      .split("\n")
      .slice(0, height - 1);
    while (lines.length < height - 1) lines.push("");
    lines.push(paint.dim(cutTo(this.#held ? `held · ${KEYS}` : KEYS, width)));
    stdout.write(screenFrame(lines, width));
  }

  #onKey(key: Key | undefined): void {
    if (key === undefined) return;
    if (key.name === "q" || key.name === "escape" || (key.ctrl && key.name === "c")) {
      this.#end(EXIT.ok);
    } else if (key.name === "space") {
      this.#held = !this.#held;
      this.#draw();
    } else {
      const sort = key.name === undefined || key.ctrl ? undefined : sortOfKey(key.name);
      if (sort === undefined) return;
      this.#sort = sort;
      this.#held = false;
      this.#watch();
    }
  }
}

/** What node:readline tells of a key. */
interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}
