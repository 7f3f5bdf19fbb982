// Malformed input, from seeded generators and from fast-check: nothing but a typed no may come of it, soon, and memory
// stays what it was.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { malformedTargets, type Target } from "./malformed-targets.ts";
import { randomOf } from "./mesh.ts";

/** What became of the cases of one reader. */
export interface MalformedCount {
  readonly name: string;
  readonly cases: number;
  /** Bent, and still right. */
  readonly taken: number;
  /** Longest of all cases, the shortest of three tries where the first was long, ms. */
  readonly longestMs: number;
  /** What came of a case that was neither taken nor refused; undefined when nothing did. */
  readonly fault: string | undefined;
  /** Growth of what is in use after collection, from the first tenth on, bytes; 0 where there were few cases. */
  readonly grownBytes: number;
}

/** A case that takes longer is tried again: on a busy machine the first may have waited for others. */
const LONG_MS = 50;
/** With fewer, what grows is the code that is compiled. */
const CASES_THAT_TELL = 2_000;
/** Of the cases, those of fast-check's properties: a twentieth. */
const PROPERTIES = 20;

/** Reads about `count` cases in all, shared out among the readers; the same for the same seed. */
export async function readMalformed(
  count: number,
  seed: number,
  tell: (line: string) => void = () => {},
): Promise<readonly MalformedCount[]> {
  const { targets, close } = malformedTargets();
  const whole = targets.reduce((sum, { share }) => sum + share, 0);
  try {
    const counts: MalformedCount[] = [];
    for (const [place, target] of targets.entries()) {
      const cases = Math.max(40, Math.ceil((count * target.share) / whole));
      tell(`${target.name}: ${cases} cases`);
      counts.push(await new Reading(target, seed + place).run(cases));
    }
    return counts;
  } finally {
    close();
  }
}

class Reading {
  readonly #target: Target;
  readonly #seed: number;
  #taken = 0;
  #cases = 0;
  #longestMs = 0;
  #fault: string | undefined;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#seed = seed;
  }

  async run(cases: number): Promise<MalformedCount> {
    const random = randomOf(this.#seed);
    const pick = (most: number): number => Math.floor(random() * most);
    let usedBytes = 0;
    const tells = cases >= CASES_THAT_TELL;
    for (let i = 0; i < cases; i++) {
      if (i === Math.floor(cases / 10) && tells) usedBytes = usedAfterCollection();
      const given = this.#target.make(pick);
      const read = this.#one(given);
      if (read instanceof Promise) await read;
    }
    const properties = Math.ceil(cases / PROPERTIES);
    const property = fc.asyncProperty(this.#target.anything, async (given) => this.#one(given));
    await fc.assert(property, { numRuns: properties, seed: this.#seed, endOnFailure: true });
    const grownBytes = tells ? usedAfterCollection() - usedBytes : 0;
    return {
      name: this.#target.name,
      cases: this.#cases,
      taken: this.#taken,
      longestMs: this.#longestMs,
      fault: this.#fault,
      grownBytes,
    };
  }

  #one(given: unknown): void | Promise<void> {
    this.#cases++;
    const startMs = performance.now();
    const read = this.#read(given);
    if (read instanceof Promise) return read.then(() => this.#timed(startMs, given));
    return this.#timed(startMs, given);
  }

  #read(given: unknown): void | Promise<void> {
    try {
      const taken = this.#target.read(given as never);
      if (taken instanceof Promise)
        return taken.then(this.#count, (error) => this.#refused(error, given));
      this.#count(taken);
    } catch (error) {
      this.#refused(error, given);
    }
  }

  readonly #count = (taken: boolean): void => {
    if (taken) this.#taken++;
  };

  #refused(error: unknown, given: unknown): void {
    if (this.#target.isRefusal(error)) return;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#fault ??= `case ${this.#cases}: ${shown(given)}: ${what.slice(0, 600)}`;
  }

  #timed(startMs: number, given: unknown): void | Promise<void> {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs <= LONG_MS) {
      this.#longestMs = Math.max(this.#longestMs, elapsedMs);
      return;
    }
    return this.#again(given);
  }

  async #again(given: unknown): Promise<void> {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3; tries++) {
      const startMs = performance.now();
      await this.#read(given);
      shortestMs = Math.min(shortestMs, performance.now() - startMs);
    }
    this.#longestMs = Math.max(this.#longestMs, shortestMs);
    if (shortestMs > LONG_MS) this.#fault ??= `${Math.round(shortestMs)} ms for ${shown(given)}`;
  }
}

function shown(given: unknown): string {
  const text =
    given instanceof Uint8Array ? Buffer.from(given).toString("hex") : JSON.stringify(given);
  return String(text).slice(0, 600);
}

let collect: (() => void) | undefined;

function usedAfterCollection(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
