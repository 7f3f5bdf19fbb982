/**
 * What the frames of the throughput benches hold: every word follows from the frame's number, so that the
 * reader can prove that each frame came whole, once, and in its order. Words 0 and 1 are left to the header.
 */

const FIRST_WORD = 2;

/** Writes frame `number` of `count` words at `at`. */
export function fillFrame(words: Int32Array, at: number, count: number, number: number): void {
  for (let i = FIRST_WORD; i < count; i++) words[at + i] = number + i;
}

/** Reads all of a frame; throws when it is not frame `number`. */
export function proveFrame(words: Int32Array, at: number, count: number, number: number): void {
  let sum = 0;
  for (let i = FIRST_WORD; i < count; i++) sum = (sum + words[at + i]) | 0;
  const terms = count - FIRST_WORD;
  const expected = (Math.imul(number, terms) + (terms * (FIRST_WORD + count - 1)) / 2) | 0;
  if (words[at + FIRST_WORD] !== number + FIRST_WORD || sum !== expected) {
    throw new Error(
      `frame ${number} expected, found ${words[at + FIRST_WORD] - FIRST_WORD}, sum ${sum}`,
    );
  }
}
