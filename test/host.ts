// A fake mesh that runs, and people who come with one command line each: for tests of the commands.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "vitest";
import type { FakeMesh } from "./fake-mesh.ts";
import { Person } from "./person.ts";

/** What a command line came to. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly talk: string;
  /** Calls of the mesh since it was started. */
  readonly calls: readonly string[];
}

/** A mesh of 24 agents in a folder of its own; `open` it before a test and `close` it after. */
export class Host {
  #cwd = "";
  #person!: Person;
  #ended: Promise<number> = Promise.resolve(0);

  async open(): Promise<void> {
    this.#cwd = mkdtempSync(join(tmpdir(), "mesh-host-"));
    this.#person = new Person({ cwd: this.#cwd });
    const size = ["--sectors", "3", "--clusters", "2", "--agents", "4"];
    this.#ended = this.#person.run("start", ...size, "--no-repl");
    await this.#person.hears(/mesh ready/);
  }

  async close(): Promise<void> {
    this.#person.signals.emit("SIGTERM", "SIGTERM");
    await this.#ended;
  }

  get mesh(): FakeMesh {
    return this.#person.mesh;
  }

  /** Somebody else in the same folder. */
  guest(terminal = false): Person {
    return new Person({ cwd: this.#cwd, terminal });
  }

  async say(...argv: string[]): Promise<Said> {
    const person = this.guest();
    const code = await person.run(...argv);
    return { code, out: person.out, talk: person.talk, calls: this.mesh.calls };
  }

  /** The one document that a command prints with `--json`. */
  async json(...argv: string[]): Promise<Record<string, unknown>> {
    const { out, talk } = await this.say(...argv, "--json");
    assert.equal(talk, "");
    assert.lengthOf(out.trim().split("\n"), 1);
    return JSON.parse(out);
  }

  /** Tests that these words are refused, with the right usage, before the mesh is asked for anything. */
  refuses(cases: readonly (readonly [argv: string[], why: RegExp])[]): void {
    for (const [argv, why] of cases) {
      test(`mesh-30k ${argv.join(" ")} is refused`, async () => {
        const { code, out, talk, calls } = await this.say(...argv);
        assert.equal(code, 2, talk);
        assert.match(talk, why);
        assert.match(talk, new RegExp(`Usage: mesh-30k ${argv[0]}`));
        assert.equal(out, "");
        assert.isEmpty(calls);
      });
    }
  }
}
