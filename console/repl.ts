/**
 * The REPL that `start` and `attach` share. On a terminal it has history, completion and Ctrl-C; from a
 * pipe it reads the same commands. Either way a command ends before the next begins, which node:repl does
 * not promise for piped lines; hence readline and a queue.
 */
import { createInterface, type Interface } from "node:readline";
import { complete } from "./command/completion.ts";
import { type Face, paintOf, print, printJson, say } from "./command/face.ts";
import type { MeshLine } from "./command/line.ts";
import { type Form, perform, report } from "./command/perform.ts";
import { readTyped, type TypedLine } from "./command/typed-line.ts";
import { type Call, Dialogue } from "./dialogue.ts";
import { type LanguageModel, proposedBy } from "./grammar/language-model.ts";
import { codeOf, sentenceOf, UsageError } from "./terminal/exit.ts";
import { HISTORY_LINES, History, historyPath } from "./terminal/history.ts";
import { paintFor } from "./terminal/paint.ts";

/** How a session went. */
export interface ReplOutcome {
  readonly interactive: boolean;
  readonly commands: number;
  readonly failed: number;
  /** The mesh went away before the person did. */
  readonly lost: boolean;
}

/** Lines that may wait while a command runs; a longer pipe is read later. */
const MAX_WAITING = 100;
const LEAVE: readonly string[] = [".exit", "exit", "quit", ".quit"];

/** One session. */
export class Repl {
  /** Whether a person types, and not a pipe. */
  readonly interactive: boolean;
  readonly #face: Face;
  readonly #line: MeshLine;
  readonly #history: History;
  readonly #dialogue: Dialogue;
  /** Of the sentence that is being answered. */
  #talkSignal: AbortSignal = new AbortController().signal;
  readonly #waiting: string[] = [];
  #reader: Interface | undefined;
  /** Set while the queue is empty and a line is awaited. */
  #wake: (() => void) | undefined;
  #running: AbortController | undefined;
  #ended = false;
  #commands = 0;
  #failed = 0;

  /** `model` is asked for sentences that the grammar does not understand. */
  constructor(face: Face, line: MeshLine, model?: LanguageModel) {
    this.interactive = face.stdin.isTTY === true;
    // Inside, --json and --data are those of each command.
    this.#face = face;
    this.#line = line;
    this.#history = new History(historyPath(face.env));
    this.#dialogue = new Dialogue({
      commands: face.commands,
      paint: paintOf(face),
      print: (text) => print(face, text),
      perform: (call) => this.#performCall(call),
      ask: ({ command, args }) => line.call(command.name, { ...args }, this.#talkSignal),
      ...(model && {
        propose: (sentence, commands) => proposedBy(model, sentence, commands, this.#talkSignal),
      }),
    });
  }

  /** Reads and runs commands until the input ends, the person leaves, or the mesh is gone. */
  async run(): Promise<ReplOutcome> {
    const { gone } = this.#line;
    const onGone = (): void => this.close();
    gone.addEventListener("abort", onGone);
    if (gone.aborted) this.#ended = true;
    try {
      for (;;) {
        const typed = await this.#next();
        if (typed === undefined || LEAVE.includes(typed.trim())) break;
        await this.#take(typed);
      }
    } finally {
      gone.removeEventListener("abort", onGone);
      this.close();
    }
    const lost = gone.aborted;
    if (lost) say(this.#face, sentenceOf(gone.reason));
    const { interactive } = this;
    return { interactive, commands: this.#commands, failed: this.#failed, lost };
  }

  /** Ends the session; a running command is cancelled. */
  close(): void {
    this.#ended = true;
    this.#running?.abort(new Error("cancelled"));
    this.#closeReader();
    this.#wake?.();
  }

  /** Says something above the line that is being typed. */
  notice(sentence: string): void {
    const typing = this.#reader !== undefined && this.#running === undefined && this.interactive;
    this.#face.stderr.write(typing ? `\r\x1b[K${sentence}\n` : `${sentence}\n`);
    if (typing) this.#reader?.prompt(true);
  }

  async #next(): Promise<string | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#ended) return undefined;
      const reader = this.#reader ?? this.#openReader();
      reader.resume();
      if (this.interactive) reader.prompt();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#waiting.shift();
  }

  #openReader(): Interface {
    const { stdin, stdout, stderr, env, commands } = this.#face;
    // Typing is talk: when data goes into a file, the prompt stays on the screen.
    const output = stdout.isTTY ? stdout : stderr;
    const prompt = paintFor(output, env).cyan("mesh> ");
    const { size } = this.#line;
    const reader = createInterface({
      input: stdin,
      ...(this.interactive && {
        output,
        terminal: true,
        prompt,
        history: this.#history.load(),
        historySize: HISTORY_LINES,
        removeHistoryDuplicates: true,
        completer: (line: string) => complete(line, commands, size),
      }),
      ...(!this.interactive && { terminal: false }),
    });
    reader.on("line", (typed) => {
      this.#waiting.push(typed);
      if (this.#waiting.length >= MAX_WAITING) reader.pause();
      this.#wake?.();
    });
    reader.on("SIGINT", () => this.#interrupt(reader));
    reader.on("close", () => {
      // Our own close, for `top` to have the terminal, is not the end of the input.
      if (this.#reader !== reader) return;
      this.#reader = undefined;
      this.#ended = true;
      if (this.interactive) this.#face.stderr.write("\n");
      this.#wake?.();
    });
    this.#reader = reader;
    return reader;
  }

  #closeReader(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
  }

  #interrupt(reader: Interface): void {
    if (this.#running !== undefined) {
      this.#running.abort(new Error("cancelled"));
      return;
    }
    const hadText = reader.line !== "";
    // What node:readline does for Ctrl-E and Ctrl-U: the line is emptied, wherever the cursor was.
    reader.write(null, { ctrl: true, name: "e" });
    reader.write(null, { ctrl: true, name: "u" });
    if (!hadText) this.notice("type .exit or press Ctrl-D to leave");
  }

  async #take(typed: string): Promise<void> {
    const line = typed.trim();
    if (line === "" || line.startsWith("#")) return;
    if (this.interactive) this.#history.add(line);
    if (line === "clear") {
      if (this.#face.stdout.isTTY) this.#face.stdout.write("\x1b[2J\x1b[H");
      return;
    }
    this.#commands++;
    const running = new AbortController();
    this.#running = running;
    try {
      const code = await this.#perform(line, running.signal);
      if (code !== 0) this.#failed++;
    } catch (error) {
      this.#failed++;
      // A lost mesh is told once, at the end of the session.
      if (!this.#line.gone.aborted) this.#tell(line, error);
    } finally {
      this.#running = undefined;
    }
  }

  async #perform(line: string, signal: AbortSignal): Promise<number> {
    const typed = this.#read(line);
    if (typed === undefined) return this.#converse(line, signal);
    const { command, invocation, words } = typed;
    // A screenful command needs the terminal for itself.
    const alone = command.needs === "mesh" && command.show !== undefined && !invocation.help;
    if (alone) this.#closeReader();
    const form: Form = this.#face.json ? "named-json" : invocation.json ? "json" : "page";
    const reach = (): MeshLine => this.#line;
    const told: Face = { ...this.#face, json: form !== "page" };
    const onData = (data: unknown): void =>
      this.#dialogue.noted({ command, args: invocation.args }, data);
    return perform(told, { command, invocation, words, form, signal, reach, onData });
  }

  /** A command as it is typed; undefined for plain words, and UsageError for what is neither. */
  #read(line: string): TypedLine | undefined {
    const { commands, json } = this.#face;
    try {
      return readTyped(commands, line);
    } catch (error) {
      // A machine types commands.
      if (!(error instanceof UsageError) || json) throw error;
      const understood = this.#dialogue.understands(line);
      const isCommand = commands.some(({ name }) => name === line.split(/\s/)[0]);
      const isTalk = understood || (!isCommand && (this.#dialogue.waitsForYes || /\s/.test(line)));
      if (!isTalk || (isCommand && /\s--[a-z]/.test(line))) throw error;
      return undefined;
    }
  }

  #converse(line: string, signal: AbortSignal): Promise<number> {
    this.#talkSignal = signal;
    return this.#dialogue.take(line);
  }

  /** Runs a command for the conversation. */
  async #performCall(call: Call): Promise<{ data: unknown; exitCode: number }> {
    let data: unknown;
    const exitCode = await perform(this.#face, {
      command: call.command,
      invocation: { args: { ...call.args }, help: false, json: false, data: undefined },
      words: [],
      form: "page",
      signal: this.#talkSignal,
      reach: () => this.#line,
      onData: (heard) => {
        data = heard;
      },
    });
    return { data, exitCode };
  }

  #tell(line: string, error: unknown): void {
    if (this.#face.json) {
      const [command = ""] = line.split(/\s+/);
      const problem = { code: codeOf(error), message: sentenceOf(error) };
      printJson(this.#face, { command, error: problem });
    }
    report(this.#face, error, "brief");
  }
}
