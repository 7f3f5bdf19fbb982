/**
 * What a command is. A command is stated once: its name, its typed parameters, what it does and how its
 * data looks to people. The command line, the REPL, the control socket, `--help`, `--json` and completion
 * are faces of that statement; a new face needs no change to the commands.
 *
 *     text ──arguments.ts──▶ values ──run──▶ data ──render──▶ text for people
 *     JSON ─────────────────▶ values ──run──▶ data ─────────▶ JSON for machines
 *
 * What a command needs of whoever runs it follows from what it does with its arguments ({@link needOf}): to look, the
 * role observe; to change the mesh, operate; to destroy, admin and a step-up. The gate of the mesh holds every face to
 * that (operator/gate.ts).
 */
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { Gate } from "../operator/gate.ts";
import type { Caller, Need, Role } from "../operator/role.ts";
import { UsageError } from "../terminal/exit.ts";
import type { Paint } from "../terminal/paint.ts";
import { blastRadius, isBlastRadius, renderBlastRadius, whomOf } from "./blast-radius.ts";
import type { Face } from "./face.ts";
import type { MeshLine } from "./line.ts";
import { flag, schemaOf, type ValueType } from "./values.ts";

/** One argument of a command. */
export interface Parameter<T = unknown> {
  readonly schema: ValueType<T>;
  readonly help: string;
  /**
   * Stands on the command line by its place instead of by `--name`; `rest` takes all words that follow,
   * `word` the next one if it is written exactly as the schema has it, and can be given by `--name` too.
   */
  readonly place?: "positional" | "rest" | "word";
  /** With one of these flags it has no place on the command line; without them it is required there. */
  readonly unless?: readonly string[];
  /** May be given several times; the schema then takes a list. */
  readonly repeats?: boolean;
  /** What stands in the help for the value, such as `N`; a parameter without it is a flag without a value. */
  readonly value?: string;
  /** Makes a value of the words of a command line, where that is more than text (messages). */
  readonly fromText?: (text: string) => unknown;
  /** What Tab offers. */
  readonly complete?: "address" | "worker" | "command" | readonly string[];
}

/** The arguments of a command by name; a parameter whose schema takes undefined is optional. */
export type Parameters = Readonly<Record<string, Parameter>>;

/** The values that a command gets, typed by its parameters. */
export type Arguments<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

/** Where a command of a mesh runs: in the process of that mesh, for whichever face asked. */
export interface MeshSession {
  readonly mesh: Mesh;
  /** Tells the asker in a few words how far it is; nobody may be listening. */
  readonly tell?: (progress: string) => void;
  /** Aborts when the asker has gone or has changed their mind. */
  readonly signal: AbortSignal;
  /** The table of commands, from which {@link perform} runs. */
  readonly commands: readonly Command[];
  /**
   * Runs another command of the table on this mesh, unremembered by `undo`; its data is plain JSON. Whoever may not run
   * that one by itself may not this way either.
   */
  readonly perform: (command: string, args: Record<string, unknown>) => Promise<unknown>;
  /** Who asked, and what keeps watch over it; absent where nobody does (a mesh in the own program). */
  readonly watch?: CommandWatch | undefined;
}

/** Whoever runs a command, and the gate that they go through. */
export interface CommandWatch {
  readonly gate: Gate;
  readonly caller: Caller;
  /** Asked for again and again by a screen, not by a person. */
  readonly isWatch?: boolean;
}

/** Who asks for a command that runs without a mesh. */
export interface Asker {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in {@link MeshSession}. */
  readonly tell?: (progress: string) => void;
}

interface CommandWords<P extends Parameters> {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** More for `--help` of this command. */
  readonly details?: string;
  readonly parameters: P;
  readonly examples: readonly string[];
  /** What arguments mean only together; UsageError when they do not go together. */
  check?(args: Arguments<P>): void;
}

/** What {@link meshCommand} takes. */
export interface MeshCommandSpec<P extends Parameters, Data> extends CommandWords<P> {
  /** True when the command changes the mesh; with a function, when it does with these arguments. */
  readonly changes: boolean | ((args: Arguments<P>) => boolean);
  /**
   * True when, with these arguments, it ends something, lets frozen agents go on, or changes who is trusted: it then
   * needs the role admin and a step-up. Only what changes the mesh can destroy.
   */
  readonly destroys?: boolean | ((args: Arguments<P>) => boolean);
  /** A change that needs a step-up though it destroys nothing: an act of the whole mesh. */
  readonly actsOnAll?: (args: Arguments<P>) => boolean;
  /** Where the need does not follow from these. */
  readonly need?: (args: Arguments<P>) => Partial<Need>;
  /**
   * Whom it would touch, as a selection or several, for `--dry-run`; null for a record or a setting. By default whom
   * the arguments name. A command with a `dryRun` parameter of its own plans by itself.
   */
  readonly touches?: (args: Arguments<P>) => string | readonly string[] | null;
  /** What takes it back, of these arguments and what came of them; nothing when it cannot be taken back. */
  readonly inverse?: (
    args: Arguments<P>,
    data: Data,
  ) => { readonly command: string; readonly args: Record<string, unknown> } | undefined;
  /** Reads shared memory only, or awaits what the mesh itself bounds: it must answer when shards hang. */
  readonly run: (session: MeshSession, args: Arguments<P>) => Data | Promise<Data>;
  /**
   * What can be told without a mesh, from what it left in its data folder; undefined when these arguments need one.
   */
  readonly withoutMesh?: (
    dataDir: string,
    args: Arguments<P>,
    asker: Asker,
  ) => Promise<Data> | undefined;
  readonly render: (data: Data, paint: Paint) => string;
  /** True when the command ran but what was wanted did not come about: exit code 1. */
  readonly failed?: (data: Data) => boolean;
  /** Whether there is something that `undo` can take back. Default: when it has not failed. */
  readonly changed?: (data: Data) => boolean;
  /** Takes the terminal over instead of printing once; with `--json` it prints documents by itself. */
  readonly show?: (face: Face, line: MeshLine, args: Arguments<P>) => Promise<number>;
}

/** What {@link faceCommand} takes. */
export interface FaceCommandSpec<P extends Parameters, Data> extends CommandWords<P> {
  /** Every word after the name, `--help` apart, belongs to another program and is passed on as it is. */
  readonly raw?: boolean;
  /** False when it makes no sense inside a REPL. */
  readonly inRepl?: boolean;
  readonly run: (face: Face, args: Arguments<P>, words: readonly string[]) => Data | Promise<Data>;
  readonly render: (data: Data, paint: Paint) => string;
  /** What `--json` prints; the data itself when not stated, nothing when it gives undefined. */
  readonly toJson?: (data: Data) => unknown;
  readonly exitCode?: (data: Data) => number;
}

/** A command that runs where the mesh is. */
export interface MeshCommand extends CommandWords<Parameters> {
  readonly needs: "mesh";
  /** True when it may change the mesh: see {@link changesWith}. */
  readonly changes: boolean;
  changesWith(args: Record<string, unknown>): boolean;
  /** What it needs of whoever runs it with these arguments. */
  needOf(args: Record<string, unknown>): Need;
  /** The least role that can do everything it offers. */
  readonly role: Role;
  inverse(
    args: Record<string, unknown>,
    data: unknown,
  ): { readonly command: string; readonly args: Record<string, unknown> } | undefined;
  run(session: MeshSession, args: Record<string, unknown>): Promise<unknown>;
  withoutMesh(
    dataDir: string,
    args: Record<string, unknown>,
    asker: Asker,
  ): Promise<unknown> | undefined;
  render(data: unknown, paint: Paint): string;
  failed(data: unknown): boolean;
  changed(data: unknown): boolean;
  readonly show?: (face: Face, line: MeshLine, args: Record<string, unknown>) => Promise<number>;
}

/** A command that runs where the person is. */
export interface FaceCommand extends CommandWords<Parameters> {
  readonly needs: "none";
  readonly raw: boolean;
  readonly inRepl: boolean;
  run(face: Face, args: Record<string, unknown>, words: readonly string[]): Promise<unknown>;
  render(data: unknown, paint: Paint): string;
  toJson(data: unknown): unknown;
  exitCode(data: unknown): number;
}

/** A row of the table of commands. */
export type Command = MeshCommand | FaceCommand;

/** States a command that runs where the mesh is; arguments and data are typed inside, opaque outside. */
export function meshCommand<const P extends Parameters, Data>(
  spec: MeshCommandSpec<P, Data>,
): MeshCommand {
  const { show, changes, touches } = spec;
  const plansItself = changes === false || "dryRun" in spec.parameters;
  const parameters: Parameters = plansItself
    ? spec.parameters
    : { ...spec.parameters, dryRun: DRY_RUN };
  const isDry = (args: Record<string, unknown>): boolean => args.dryRun === true;
  const failed = (data: unknown): boolean =>
    (plansItself || !isBlastRadius(data)) && (spec.failed?.(data as Data) ?? false);
  const changesNow = (args: Record<string, unknown>): boolean =>
    !isDry(args) && (typeof changes === "function" ? changes(args as Arguments<P>) : changes);
  return Object.freeze({
    ...spec,
    parameters,
    needs: "mesh" as const,
    changes: changes !== false,
    changesWith: changesNow,
    needOf: (args: Record<string, unknown>) => needOf(spec, args as Arguments<P>, changesNow(args)),
    role:
      spec.destroys !== undefined && spec.destroys !== false
        ? "admin"
        : changes === false
          ? "observe"
          : "operate",
    inverse: (args: Record<string, unknown>, data: unknown) =>
      spec.inverse?.(args as Arguments<P>, data as Data),
    run: async (session: MeshSession, args: Record<string, unknown>) => {
      if (plansItself || !isDry(args)) return spec.run(session, args as Arguments<P>);
      const whom = touches === undefined ? whomOf(args) : touches(args as Arguments<P>);
      return blastRadius(session.mesh, spec.name, whom);
    },
    withoutMesh: (dataDir: string, args: Record<string, unknown>, asker: Asker) =>
      isDry(args) && !plansItself
        ? undefined
        : spec.withoutMesh?.(dataDir, args as Arguments<P>, asker),
    render: (data: unknown, paint: Paint) =>
      !plansItself && isBlastRadius(data)
        ? renderBlastRadius(data, paint)
        : spec.render(data as Data, paint),
    failed,
    changed: (data: unknown) => spec.changed?.(data as Data) ?? !failed(data),
    ...(show && {
      show: (face: Face, line: MeshLine, args: Record<string, unknown>) =>
        show(face, line, args as Arguments<P>),
    }),
  }) as unknown as MeshCommand;
}

function needOf<P extends Parameters, Data>(
  { destroys = false, actsOnAll, need }: MeshCommandSpec<P, Data>,
  args: Arguments<P>,
  changes: boolean,
): Need {
  const more = need?.(args);
  if (!changes) return { role: "observe", stepUp: false, ...more };
  const isDestroyed = typeof destroys === "function" ? destroys(args) : destroys;
  const stepUp = isDestroyed || (actsOnAll?.(args) ?? false);
  return { role: isDestroyed ? "admin" : "operate", stepUp, ...more };
}

/** What every command that changes the mesh takes besides its own. */
const DRY_RUN: Parameter<boolean | undefined> = {
  schema: flag().optional(),
  help: "show what it would touch, and do nothing",
};

/** States a command that runs where the person is. */
export function faceCommand<const P extends Parameters, Data>(
  spec: FaceCommandSpec<P, Data>,
): FaceCommand {
  return Object.freeze({
    ...spec,
    needs: "none" as const,
    raw: spec.raw ?? false,
    inRepl: spec.inRepl ?? false,
    run: async (face: Face, args: Record<string, unknown>, words: readonly string[]) =>
      spec.run(face, args as Arguments<P>, words),
    render: (data: unknown, paint: Paint) => spec.render(data as Data, paint),
    toJson: (data: unknown) => (spec.toJson === undefined ? data : spec.toJson(data as Data)),
    exitCode: (data: unknown) => spec.exitCode?.(data as Data) ?? 0,
  });
}

/** Whether the command cannot run without this argument. */
export function isRequired(parameter: Parameter): boolean {
  return !parameter.schema.safeParse(undefined).success;
}

/** Whether a command changes the mesh when it is run with these arguments; one that needs no mesh does not. */
export function changesWith(command: Command, args: Readonly<Record<string, unknown>>): boolean {
  return command.needs === "mesh" && command.changesWith(args);
}

/** Checks the arguments of a command, from any face; UsageError names the argument and what was expected. */
export function checkArguments(
  command: Command,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(command.parameters, name)) continue;
    throw new UsageError(`${command.name}: unknown argument "${name}"`, command.name, name);
  }
  for (const [name, parameter] of Object.entries(command.parameters)) {
    const read = parameter.schema.safeParse(given[name]);
    if (read.success) {
      if (read.data !== undefined) args[name] = read.data;
      continue;
    }
    const problem = read.error.issues[0].message;
    const got = given[name] === undefined ? "nothing" : briefly(given[name]);
    throw new UsageError(`${command.name}: ${name}: ${problem}, got ${got}`, command.name, name);
  }
  command.check?.(args);
  return args;
}

/** A value in an error: JSON, cut short. */
export function briefly(value: unknown): string {
  let written: string | undefined;
  try {
    written = JSON.stringify(value);
  } catch {
    // Not JSON (a cycle, a bigint): its plain text will do.
  }
  const text = written ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** JSON Schema of a command's arguments, for help and for machines. */
export function argumentsSchema(command: Command): unknown {
  return schemaOf(command.parameters);
}
