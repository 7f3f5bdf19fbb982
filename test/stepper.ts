// Runs a thread of real code one access at a time: see `stepped-code.ts` for the code, `explorer.ts` for the search.
import type { Accesses } from "./stepped-code.ts";

/** A read, or a write, of such a word is a step of its own; others happen together with the step before them. */
export const READ_IS_STEP = 1;
export const WRITE_IS_STEP = 2;

/** Accesses that one operation of a thread may make. */
export const LOG_LENGTH = 4096;

/** Thrown through the code of a thread that has made its step. */
const PAUSE = { pause: true };

/** Memory that threads share, and that is put back when the search goes back. */
export interface Region {
  readonly name: string;
  readonly buffer: ArrayBuffer;
  readonly words: Int32Array;
  /** By word: which accesses are steps. */
  readonly steps: Uint8Array;
  /** Number of its first word among those of all regions. */
  readonly base: number;
}

type View = Int32Array | Float64Array;
type RegionBuffer = ArrayBufferLike & { region?: Region };

/**
 * Shared memory of Int32 and Float64 words under sequential consistency, which is what JavaScript's atomics have.
 * An operation of a thread is run again from its start for each step: what it has read before is read from a log,
 * what it has written before is not written again, and at the second new step it is stopped.
 */
export class Stepper implements Accesses {
  readonly atomics: object;
  readonly regions: Region[] = [];
  /** Hash of all memory, in two halves; changed by each write. */
  hashLow = 0;
  hashHigh = 0;
  /** Hash of what the operation has read so far. */
  readLow = 0;
  readHigh = 0;
  /** The first thing that must not be, as soon as it was seen. */
  fault: string | undefined;
  /** Location, from 1, at which the running thread has begun to wait in this step; 0 for none. */
  waitsAt = 0;
  /** Wakes those who wait at a location; returns how many. */
  wake: (location: number) => number = () => 0;
  #words = 0;
  #log: Float64Array = new Float64Array(0);
  #logAt = 0;
  #cursor = 0;
  #length = 0;
  #spent = false;
  #paused = false;
  /** Outside of any thread: accesses are made at once. */
  #free = true;
  #undoRegion: Region[] = [];
  #undoWord = new Int32Array(1 << 16);
  #undoValue = new Int32Array(1 << 16);
  #undone = 0;

  constructor() {
    this.atomics = this.#makeAtomics();
  }

  /** New shared memory. `steps` says for each word which accesses are steps. */
  region(name: string, bytes: number, steps: (word: number) => number): Region {
    const buffer = new ArrayBuffer(bytes);
    const words = new Int32Array(buffer);
    const region = {
      name,
      buffer,
      words,
      steps: Uint8Array.from(words, (_, word) => steps(word)),
      base: this.#words,
    };
    this.#words += words.length;
    this.regions.push(region);
    (buffer as RegionBuffer).region = region;
    return region;
  }

  /** Says that something happened that must not. */
  fail(sentence: string): never {
    this.fault ??= sentence;
    throw new Error(sentence);
  }

  /**
   * Runs an operation to its next step. `length` entries of `log` at `at` are its past. Returns what it returned,
   * or undefined when it has been stopped; {@link loggedLength} is then the length of its past.
   */
  run(operation: () => number, log: Float64Array, at: number, length: number): number | undefined {
    this.#log = log;
    this.#logAt = at;
    this.#cursor = 0;
    this.#length = length;
    this.#spent = false;
    this.#paused = false;
    this.#free = false;
    this.waitsAt = 0;
    try {
      const next = operation();
      if (this.#cursor < this.#length) this.fault ??= "an operation did not repeat its past";
      return next;
    } catch (error) {
      if (error === PAUSE) return undefined;
      this.fault ??= `threw ${(error as Error)?.stack ?? error}`;
      return undefined;
    } finally {
      this.#free = true;
      this.#cursor = this.#length;
    }
  }

  get loggedLength(): number {
    return this.#length;
  }

  /** Where {@link undo} goes back to. */
  get mark(): number {
    return this.#undone;
  }

  /** Puts memory back to what it was at `mark`; the caller puts the hashes back. */
  undo(mark: number): void {
    while (this.#undone > mark) {
      const at = --this.#undone;
      this.#undoRegion[at].words[this.#undoWord[at]] = this.#undoValue[at];
    }
  }

  read(array: View, index: number): number {
    if (this.#cursor < this.#length) return this.#log[this.#logAt + this.#cursor++];
    const region = (array.buffer as RegionBuffer).region;
    if (region === undefined) return array[index];
    if (!this.#free) this.#step(region, array, index, READ_IS_STEP);
    const value = array[index];
    this.#remember(value);
    return value;
  }

  write(array: View, index: number, value: number): number {
    if (this.#cursor < this.#length) {
      this.#cursor++;
      return value;
    }
    const region = (array.buffer as RegionBuffer).region;
    if (region === undefined) {
      array[index] = value;
      return value;
    }
    if (!this.#free) this.#step(region, array, index, WRITE_IS_STEP);
    this.#put(region, array, index, value);
    this.#remember(0);
    return value;
  }

  #step(region: Region, array: View, index: number, kind: number): void {
    if (this.#paused) throw PAUSE;
    const word = (array.byteOffset + index * array.BYTES_PER_ELEMENT) >> 2;
    if (!(index >= 0 && index < array.length)) {
      this.fail(`${region.name}: access outside, at ${index} of ${array.length}`);
    }
    if ((region.steps[word] & kind) === 0) return;
    if (this.#spent) {
      this.#paused = true;
      throw PAUSE;
    }
    this.#spent = true;
  }

  #put(region: Region, array: View, index: number, value: number): void {
    const word = (array.byteOffset + index * array.BYTES_PER_ELEMENT) >> 2;
    const wide = array.BYTES_PER_ELEMENT === 8;
    const { words } = region;
    const low = words[word];
    const high = wide ? words[word + 1] : 0;
    array[index] = value;
    if (words[word] !== low) this.#changed(region, word, low);
    if (wide && words[word + 1] !== high) this.#changed(region, word + 1, high);
  }

  #changed(region: Region, word: number, old: number): void {
    if (this.#undone === this.#undoWord.length) {
      this.#undoWord = doubled(this.#undoWord);
      this.#undoValue = doubled(this.#undoValue);
    }
    const at = this.#undone++;
    this.#undoRegion[at] = region;
    this.#undoWord[at] = word;
    this.#undoValue[at] = old;
    const place = region.base + word + 1;
    const now = region.words[word];
    this.hashLow ^= mixLow(place, old) ^ mixLow(place, now);
    this.hashHigh ^= mixHigh(place, old) ^ mixHigh(place, now);
  }

  /** A past access is not made again: reads give the same, writes nothing. */
  #remember(value: number): void {
    if (this.#free) return;
    if (this.#length >= LOG_LENGTH) this.fail(`an operation of more than ${LOG_LENGTH} accesses`);
    this.#log[this.#logAt + this.#length] = value;
    this.#cursor = ++this.#length;
    const word = value | 0;
    const rest = (value - word) * 4096;
    this.readLow = mixLow(this.readLow + 1, word) ^ mixLow(this.readLow, rest | 0);
    this.readHigh = mixHigh(this.readHigh + 1, word) ^ mixHigh(this.readHigh, rest | 0);
  }

  /** A read and a write in one step. */
  #modify(array: Int32Array, index: number, change: (old: number) => number): number {
    if (this.#cursor < this.#length) return this.#log[this.#logAt + this.#cursor++];
    const { region } = array.buffer as RegionBuffer;
    if (region === undefined) throw new Error("atomic access to private memory");
    if (!this.#free) this.#step(region, array, index, READ_IS_STEP | WRITE_IS_STEP);
    const old = array[index];
    this.#put(region, array, index, change(old));
    this.#remember(old);
    return old;
  }

  /** Waiting and waking are steps that give a value and change who waits. */
  #signal(array: Int32Array, index: number, happen: (location: number) => number): number {
    if (this.#cursor < this.#length) return this.#log[this.#logAt + this.#cursor++];
    const { region } = array.buffer as RegionBuffer;
    if (region === undefined) throw new Error("atomic access to private memory");
    if (this.#paused || this.#spent) {
      this.#paused = true;
      throw PAUSE;
    }
    this.#spent = true;
    const value = happen(region.base + ((array.byteOffset >> 2) + index) + 1);
    this.#remember(value);
    return value;
  }

  #makeAtomics(): object {
    return {
      load: (array: View, index: number) => this.read(array, index),
      store: (array: View, index: number, value: number) => this.write(array, index, value),
      exchange: (array: Int32Array, index: number, value: number) =>
        this.#modify(array, index, () => value),
      compareExchange: (array: Int32Array, index: number, expected: number, value: number) =>
        this.#modify(array, index, (old) => (old === expected ? value : old)),
      add: (array: Int32Array, index: number, value: number) =>
        this.#modify(array, index, (old) => old + value),
      sub: (array: Int32Array, index: number, value: number) =>
        this.#modify(array, index, (old) => old - value),
      or: (array: Int32Array, index: number, value: number) =>
        this.#modify(array, index, (old) => old | value),
      notify: (array: Int32Array, index: number) =>
        this.#signal(array, index, (location) => this.wake(location)),
      waitAsync: (array: Int32Array, index: number, expected: number) => {
        const waits = this.#signal(array, index, (location) => {
          if (array[index] !== expected) return 0;
          this.waitsAt = location;
          return 1;
        });
        return waits === 1 ? { async: true, value: "woken" } : { async: false, value: "not-equal" };
      },
    };
  }
}

export function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

export function mixLow(place: number, value: number): number {
  let h = Math.imul(value ^ Math.imul(place, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h ^ place, 0xc2b2ae35);
  return h ^ (h >>> 13);
}

export function mixHigh(place: number, value: number): number {
  let h = Math.imul(value ^ Math.imul(place, 0x7feb352d), 0x846ca68b);
  h ^= h >>> 16;
  h = Math.imul(h + place, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
