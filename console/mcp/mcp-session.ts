/**
 * One MCP client at a mesh: its calls as commands of the table, over whichever line leads to the mesh. It knows
 * nothing of the protocol's library, which is optional and has its words put in by mcp-sdk.ts.
 *
 *     a call that only looks                 ──▶ the command ──▶ text and data
 *     one that changes, client can ask       ──▶ dry run ──▶ question ──yes──▶ the command
 *     one that changes, client cannot ask    ──▶ dry run ──▶ whom it would touch, and a token
 *     the same with the token                ──▶ dry run ──▶ the command
 */
import { isBlastRadius } from "../command/blast-radius.ts";
import { type Command, checkArguments, type MeshCommand } from "../command/command.ts";
import { type MeshLine, meshCommandNamed } from "../command/line.ts";
import { writtenCommand } from "../command/written-command.ts";
import { ConsoleError, codeOf, sentenceOf } from "../terminal/exit.ts";
import { formatNumber } from "../terminal/format.ts";
import { paint } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";
import { CONFIRM_WITHIN_MS, Confirmations } from "./mcp-confirmations.ts";
import { boundedData, boundedText } from "./mcp-output.ts";
import { completions, listResources, type McpResource, readingOf } from "./mcp-resources.ts";
import { CONFIRM, type McpTool, toolsOf } from "./mcp-tools.ts";

/** Calls and readings of a client that may be under way at once. */
export const MAX_CALLS = 16;
/** A command in a question is cut here, and the question says so. */
const MAX_WRITTEN = 1_000;

/** What a session needs. */
export interface McpSessionOptions {
  readonly line: MeshLine;
  readonly commands: readonly Command[];
  /** Milliseconds, monotonic. */
  readonly nowMs: () => number;
}

/** Whoever calls, and what they can. */
export interface McpCaller {
  /** Aborts when the client has gone or has cancelled the call. */
  readonly signal: AbortSignal;
  /** Puts a question to the person behind the client; absent when the client cannot. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined;
  readonly onProgress?: ((progress: string) => void) | undefined;
}

/** What a call came to. */
export interface McpResult {
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly isError: boolean;
}

/** One client. */
export class McpSession {
  readonly #line: MeshLine;
  readonly #commands: readonly Command[];
  readonly #confirmations: Confirmations;
  #underWay = 0;

  constructor({ line, commands, nowMs }: McpSessionOptions) {
    this.#line = line;
    this.#commands = commands;
    this.#confirmations = new Confirmations(nowMs);
  }

  /** `asks`: the client can put a question to its person. */
  tools(asks: boolean): McpTool[] {
    return toolsOf(this.#commands, asks);
  }

  /** Whether there is a tool of this name. */
  knows(name: string): boolean {
    return this.#commands.some((command) => command.name === name && command.needs === "mesh");
  }

  /** Runs a command; what goes wrong is a result too, which says so in a sentence. */
  async call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    caller: McpCaller,
  ): Promise<McpResult> {
    try {
      return await this.#bounded(() => this.#call(name, given, caller));
    } catch (error) {
      const message = sentenceOf(error);
      const data = { error: { code: codeOf(error), message } };
      return { text: boundedText(message), data: boundedData(data).record, isError: true };
    }
  }

  /** A page of the resources; ConsoleError for an unknown cursor. */
  resources(cursor?: string): ReturnType<typeof listResources> {
    return listResources(this.#line.size, cursor);
  }

  /** A resource as JSON; ConsoleError with the code CONSOLE_NO_RESOURCE when there is none of this name. */
  async read(
    uri: string,
    signal: AbortSignal,
  ): Promise<Pick<McpResource, "uri"> & { text: string }> {
    const reading = readingOf(uri);
    if (reading === undefined) throw noResource(uri);
    const read = (): Promise<unknown> => this.#line.call(reading.command, reading.args, signal);
    try {
      const data = await this.#bounded(read);
      return { uri, text: JSON.stringify(boundedData(data).record) };
    } catch (error) {
      throw codeOf(error) === "MESH_UNKNOWN_ACTOR" ? noResource(uri, sentenceOf(error)) : error;
    }
  }

  /** What may stand for the address in a template of resources. */
  completions(uriTemplate: string, fragment: string): string[] {
    return completions(uriTemplate, fragment, this.#line.size);
  }

  async #bounded<T>(task: () => Promise<T>): Promise<T> {
    if (this.#underWay >= MAX_CALLS) {
      const sentence = `${MAX_CALLS} calls are under way, and no more are taken: wait for one to end`;
      throw new ConsoleError("CONSOLE_BUSY", sentence);
    }
    this.#underWay++;
    try {
      return await task();
    } finally {
      this.#underWay--;
    }
  }

  async #call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    caller: McpCaller,
  ): Promise<McpResult> {
    const command = meshCommandNamed(this.#commands, name);
    // Where the person is asked, no token is taken for their word.
    const takesToken = command.changes && caller.ask === undefined;
    const { [CONFIRM]: token, ...words } = given;
    const args = checkArguments(command, takesToken ? words : given);
    if (!command.changesWith(args)) return this.#run(command, args, caller);
    const plan = await this.#plan(command, args, caller);
    const step = stepOf(command, args, plan);
    if (caller.ask !== undefined) {
      if (!(await caller.ask(questionOf(command, args, plan)))) throw declined(command);
      // While the person was thinking, it may have become another change.
      const now = stepOf(command, args, await this.#plan(command, args, caller));
      if (JSON.stringify(now) !== JSON.stringify(step)) throw changedMeanwhile(command);
    } else if (token === undefined) {
      return this.#offer(command, args, plan, step);
    } else {
      this.#confirmations.redeem(String(token), step);
    }
    return this.#run(command, args, caller);
  }

  #plan(
    command: MeshCommand,
    args: Record<string, unknown>,
    { signal }: McpCaller,
  ): Promise<unknown> {
    return this.#line.call(command.name, { ...args, dryRun: true }, signal);
  }

  async #run(
    command: MeshCommand,
    args: Record<string, unknown>,
    { signal, onProgress }: McpCaller,
  ): Promise<McpResult> {
    const data = await this.#line.call(command.name, args, signal, onProgress);
    // Cut before it is rendered: a table of all agents would take its time, for nobody to read.
    const { shown, record, note } = boundedData(data);
    const page = shown === undefined ? "" : boundedText(command.render(shown, PLAIN));
    const text = page !== "" && note !== "" ? `${page}\n${note}` : page + note;
    return { text, data: record, isError: command.failed(data) };
  }

  /** Tells whom it would touch, and how to have it done. */
  #offer(
    command: MeshCommand,
    args: Record<string, unknown>,
    plan: unknown,
    step: unknown,
  ): McpResult {
    const token = this.#confirmations.issue(step);
    const how =
      `Nothing has been done. To do it, call ${command.name} again within ` +
      `${CONFIRM_WITHIN_MS / 1_000} s with the same arguments and "${CONFIRM}": "${token}".`;
    return {
      text: `${boundedText(command.render(plan, PLAIN))}\n${how}`,
      data: boundedData({
        done: false,
        command: command.name,
        arguments: args,
        plan,
        [CONFIRM]: token,
        confirmWithinMs: CONFIRM_WITHIN_MS,
      }).record,
      isError: false,
    };
  }
}

const PLAIN = paint(false);

/**
 * What a confirmation is for. Whom a command touches may differ by a few agents from one moment to the next; what
 * `undo` takes back is another change altogether when somebody else has made one meanwhile.
 */
function stepOf(command: MeshCommand, args: Record<string, unknown>, plan: unknown): unknown {
  const step = { command: command.name, args };
  if (isBlastRadius(plan) || typeof plan !== "object" || plan === null) return step;
  const { undone, by, arguments: inverse } = plan as Record<string, unknown>;
  return { ...step, takesBack: { undone, by, inverse } };
}

function questionOf(command: MeshCommand, args: Record<string, unknown>, plan: unknown): string {
  const written = tame(writtenCommand(command, args));
  const rest = written.length - MAX_WRITTEN;
  const shown =
    rest > 0
      ? `${written.slice(0, MAX_WRITTEN)}… and ${formatNumber(rest)} more characters`
      : written;
  return `${shown}\n\n${boundedText(command.render(plan, PLAIN))}\n\nShall this be done?`;
}

function declined({ name }: MeshCommand): ConsoleError {
  return new ConsoleError("CONSOLE_DECLINED", `${name}: not done, the person did not agree`);
}

function changedMeanwhile({ name }: MeshCommand): ConsoleError {
  const sentence = `${name}: not done, it would be another change by now; call again`;
  return new ConsoleError("CONSOLE_CONFIRM", sentence);
}

function noResource(uri: string, why?: string): ConsoleError {
  const shown = tame(uri.slice(0, 200));
  const sentence = `no resource ${shown}${why === undefined ? "" : `: ${why}`}`;
  return new ConsoleError("CONSOLE_NO_RESOURCE", sentence);
}
