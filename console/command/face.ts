/** Where a person or a script stands: streams, environment, signals, and the table of commands it knows. */
import type { EventEmitter } from "node:events";
import type { Mesh, MeshOptions } from "../../runtime/api/mesh-api.ts";
import { type Paint, paintFor } from "../terminal/paint.ts";
import type { Input, Output } from "../terminal/streams.ts";
import type { Command } from "./command.ts";

/** Everything of its surroundings that the console touches, so that a test can stand in for a person. */
export interface Face {
  readonly stdin: Input;
  /** Data. */
  readonly stdout: Output;
  /** Talk. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly commands: readonly Command[];
  /** Emits SIGINT and SIGTERM. */
  readonly signals: EventEmitter;
  /** Whether the end of stdin means that whoever wrote to it has finished. */
  readonly stdinEnds: boolean;
  /** True when data is to be printed as JSON. */
  readonly json: boolean;
  /** `--data`, when it was given. */
  readonly data: string | undefined;
  createMesh(options: MeshOptions): Promise<Mesh>;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Colours for what goes to stdout. */
export function paintOf(face: Face): Paint {
  return paintFor(face.stdout, face.env);
}

/** Prints data: text with its line end, or nothing. */
export function print(face: Face, text: string): void {
  if (text !== "") face.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Says something to the person, beside the data. */
export function say(face: Face, sentence: string): void {
  face.stderr.write(`${sentence}\n`);
}

/** Prints one JSON document on a line of its own. */
export function printJson(face: Face, data: unknown): void {
  if (data !== undefined) face.stdout.write(`${JSON.stringify(data)}\n`);
}
