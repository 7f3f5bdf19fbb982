// Somebody at the console, for tests: types lines or pipes them, reads both streams, sends signals.
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Face } from "../console/command/face.ts";
import { COMMANDS } from "../console/commands.ts";
import { main } from "../console/main.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { FakeMesh } from "./fake-mesh.ts";

/** What a person has around them. */
export interface Surroundings {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** Both ends are terminals. */
  readonly terminal?: boolean;
  readonly stdinEnds?: boolean;
  readonly createMesh?: Face["createMesh"];
}

/** One person, good for one command line. */
export class Person {
  readonly stdin: PassThrough = new PassThrough();
  readonly stdout: PassThrough = new PassThrough();
  readonly stderr: PassThrough = new PassThrough();
  readonly signals: EventEmitter = new EventEmitter();
  readonly exits: number[] = [];
  readonly meshes: FakeMesh[] = [];
  readonly face: Face;
  #out = "";
  #talk = "";

  constructor({ cwd, env = {}, terminal = false, stdinEnds = true, createMesh }: Surroundings) {
    this.stdout.on("data", (chunk) => {
      this.#out += chunk;
    });
    this.stderr.on("data", (chunk) => {
      this.#talk += chunk;
    });
    const tty = { isTTY: terminal, columns: 120, rows: 30, setRawMode: () => {} };
    this.face = {
      stdin: Object.assign(this.stdin, tty),
      stdout: Object.assign(this.stdout, tty),
      stderr: Object.assign(this.stderr, tty),
      // Of many people at once not everybody can have the default port, and few need one.
      env: { XDG_STATE_HOME: cwd, XDG_RUNTIME_DIR: cwd, MESH_HTTP: "off", ...env },
      cwd,
      commands: COMMANDS,
      signals: this.signals,
      stdinEnds,
      json: false,
      data: undefined,
      createMesh: createMesh ?? ((options) => Promise.resolve(this.#make(options))),
      exit: (code) => void this.exits.push(code),
    };
  }

  /** Data, as it was written. */
  get out(): string {
    return this.#out;
  }

  /** Talk, without its colours. */
  get talk(): string {
    return stripVTControlCharacters(this.#talk);
  }

  /** The mesh that this person has started. */
  get mesh(): FakeMesh {
    return this.meshes[0];
  }

  run(...argv: string[]): Promise<number> {
    return main(argv, this.face);
  }

  type(...lines: string[]): void {
    for (const line of lines) this.stdin.write(`${line}\n`);
  }

  /** Resolves when what was said on either stream matches; the test's own time-out is the bound. */
  async hears(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.talk) && !pattern.test(stripVTControlCharacters(this.out))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #make(options: Parameters<Face["createMesh"]>[0]): Mesh {
    const made = new FakeMesh(options);
    this.meshes.push(made);
    const total = made.topology.agents;
    options.onProgress?.({ ready: 0, total });
    options.onProgress?.({ ready: total, total });
    return made.mesh;
  }
}
