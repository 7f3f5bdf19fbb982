/**
 * How the console ends: its exit codes, and the errors that carry one. Anything else that is thrown is a
 * failure (1). What people see of an error is its sentence; the stack is for MESH_DEBUG=1.
 */

/** The mesh checks what the console cannot know; a wrong option is the operator's all the same. */
const USAGE_CODES: readonly string[] = [
  "MESH_INVALID_OPTION",
  "MESH_AGENT_MODULE",
  "CONSOLE_USAGE",
  "CONSOLE_CONFIG",
];

/** Exit codes of `mesh-30k`. 64 and 78 of sysexits are both said as 2: the reader's remedy is the same. */
export const EXIT: {
  readonly ok: 0;
  readonly failure: 1;
  /** Unknown command or flag, wrong argument, wrong configuration. */
  readonly usage: 2;
  /** No mesh is running where the command looked. */
  readonly unavailable: 69;
  /** A second SIGINT, or one before there was a mesh to drain. */
  readonly interrupted: 130;
  /** A second SIGTERM, or one before there was a mesh to drain. */
  readonly terminated: 143;
} = Object.freeze({
  ok: 0,
  failure: 1,
  usage: 2,
  unavailable: 69,
  interrupted: 130,
  terminated: 143,
});

/** An error with the exit code it means. `code` is stable and travels over the control socket. */
export class ConsoleError extends Error {
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, sentence: string, exitCode: number = EXIT.failure) {
    super(sentence);
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: an unknown command, an unknown flag, an argument that cannot be read. */
export class UsageError extends ConsoleError {
  /** The command whose help answers the question, when it is known. */
  readonly command: string | undefined;
  /** The argument that is wrong, when it is one. */
  readonly field: string | undefined;

  constructor(sentence: string, command?: string, field?: string) {
    super("CONSOLE_USAGE", sentence, EXIT.usage);
    this.command = command;
    this.field = field;
  }
}

/** Settings are wrong; one sentence for each, naming key, value, what was expected and where it stood. */
export class ConfigError extends ConsoleError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("CONSOLE_CONFIG", problems.join("\n"), EXIT.usage);
    this.problems = problems;
  }
}

/** No mesh answers where the command looked for one. */
export class NoMeshError extends ConsoleError {
  constructor(sentence: string) {
    super("CONSOLE_NO_MESH", sentence, EXIT.unavailable);
  }
}

/** A failure that came over the control socket, with the code it had there. */
export class RemoteError extends ConsoleError {
  constructor(code: string, sentence: string) {
    super(code, sentence, exitCodeOfCode(code));
  }
}

/** The exit code that an error of any kind means. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConsoleError) return error.exitCode;
  return exitCodeOfCode(codeOf(error));
}

/** The stable code of an error, if it has one. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "CONSOLE_FAILURE";
}

/** What people read of an error. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

function exitCodeOfCode(code: string): number {
  return USAGE_CODES.includes(code) ? EXIT.usage : EXIT.failure;
}
