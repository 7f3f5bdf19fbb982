// The two ends of a ring, each on a thread of its own. See ring-race.test.ts.
import { parentPort, workerData } from "node:worker_threads";
import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "../dist/mailbox/frame.js";
import { FULL, Ring } from "../dist/mailbox/ring.js";

const { role, memory, offset, capacityBytes, seed, frames, batch, state } = workerData;
const ring = new Ring(memory, offset, capacityBytes);
const idle = new Int32Array(new SharedArrayBuffer(4));

/** Lets the other thread have the core when there are fewer cores than threads. */
function pause() {
  Atomics.wait(idle, 0, 0, 0.05);
}

/** Random integers below `bound` by xorshift32. */
function randomBelow(start) {
  let x = start | 1;
  return (bound) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % bound;
  };
}

/** Bytes of frame `n`, known to both ends: mostly short, some as long as the ring allows. */
function bytesOf(n) {
  let x = Math.imul(n + seed, 0x9e3779b1);
  x ^= x >>> 15;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  const roll = x >>> 0;
  if (roll % 4096 === 0) return ring.maxFrameBytes - ((roll >>> 12) % 512);
  return 64 + ((roll >>> 12) % 257);
}

/** Word 2 is the number, word 3 a checksum of all behind it, which depends on the number. */
function write(word, bytes, n) {
  const { words } = ring;
  words[word + FRAME_LENGTH] = bytes;
  words[word + FRAME_TYPE] = FrameKind.TELL;
  words[word + 2] = n;
  const end = word + (bytes >>> 2);
  let value = Math.imul(n, 0x01000193) ^ seed;
  let sum = n;
  for (let at = word + 4; at < end; at++) {
    words[at] = value;
    sum = (Math.imul(sum, 31) + value) | 0;
    value = (Math.imul(value, 0x343fd) + 0x269ec3) | 0;
  }
  words[word + 3] = sum;
}

function faultOf(word, n) {
  const { words } = ring;
  if (words[word + 2] !== n) return `frame ${words[word + 2]} where ${n} was due`;
  const bytes = words[word + FRAME_LENGTH];
  if (bytes !== bytesOf(n)) return `frame ${n} has ${bytes} bytes instead of ${bytesOf(n)}`;
  const end = word + (bytes >>> 2);
  let value = Math.imul(n, 0x01000193) ^ seed;
  let sum = n;
  for (let at = word + 4; at < end; at++) {
    if (words[at] !== value) return `frame ${n} is torn at word ${at - word}`;
    sum = (Math.imul(sum, 31) + words[at]) | 0;
    value = (Math.imul(value, 0x343fd) + 0x269ec3) | 0;
  }
  return words[word + 3] === sum ? undefined : `frame ${n} has the wrong checksum`;
}

function produce() {
  const random = randomBelow(seed);
  let inBatch = 0;
  let batchFrames = 1 + random(batch);
  for (let n = 0; n < frames; n++) {
    const bytes = bytesOf(n);
    let word = ring.tryClaim(bytes);
    while (word === FULL) {
      if (ring.dirty) ring.publish();
      else pause();
      word = ring.tryClaim(bytes);
    }
    write(word, bytes, n);
    // Now and then a claim is given back, padding and all.
    if (random(64) === 0 && ring.tryClaim(bytes) !== FULL) ring.abort();
    if (++inBatch >= batchFrames) {
      ring.publish();
      inBatch = 0;
      batchFrames = 1 + random(batch);
    }
  }
  ring.publish();
  parentPort.postMessage({ produced: frames });
}

function consume() {
  const random = randomBelow(seed + 1);
  let due = 0;
  let refused = 0;
  let fault;
  let refusal = -1;
  const reader = {
    onFrame: (_ring, word) => {
      if (due === refusal) {
        refused++;
        refusal = -1;
        return false;
      }
      fault ??= faultOf(word, due);
      due++;
      return fault === undefined;
    },
    onCorrupt: (_ring, sentence) => {
      fault ??= sentence;
    },
  };
  while (due < frames && fault === undefined) {
    if (random(16) === 0) refusal = due + random(50);
    if (ring.drain(reader, 1 + random(500)) === 0 && ring.empty) pause();
  }
  parentPort.postMessage({ consumed: due, refused, empty: ring.empty, fault });
}

/*
 * The mortal ends. `state` (Float64) stands for what survives a thread:
 * 0 frames that the producer has committed, which is also the number of its last cycle;
 * 1 the last frame in custody: its number · 2^32 + the end of the frame in the ring;
 * 2 the number of frames after which both stop.
 */
const COMMITTED = 0;
const CUSTODY = 1;
const GOAL = 2;

/** A thread dies in loops and waits only: now and then there is one between two steps. */
function waitForDeath(random) {
  if (random(8) === 0) pause();
}

function produceMortally() {
  const random = randomBelow(seed + state[COMMITTED]);
  ring.recoverProducer(state[COMMITTED]);
  let n = state[COMMITTED];
  parentPort.postMessage("working");
  while (n < state[GOAL]) {
    for (let left = 1 + random(batch); left > 0 && n < state[GOAL]; left--) {
      const word = ring.tryClaim(bytesOf(n));
      if (word === FULL) break;
      write(word, bytesOf(n), n);
      n++;
    }
    if (!ring.dirty) {
      pause();
      continue;
    }
    waitForDeath(random);
    ring.prepare(n);
    waitForDeath(random);
    state[COMMITTED] = n;
    waitForDeath(random);
    ring.publish();
  }
}

function consumeMortally() {
  const random = randomBelow(seed - state[CUSTODY]);
  let due = 0;
  let accepted = ring.accepted;
  let fault;
  if (state[CUSTODY] >= 0) {
    due = Math.floor(state[CUSTODY] / 2 ** 32) + 1;
    const inCustody = (state[CUSTODY] % 2 ** 32) | 0;
    // The one that died may have had no time to tell the ring of the last frame, but of all before it.
    const untold = (inCustody - accepted) | 0;
    if (untold > 0) {
      if (untold !== Math.ceil(bytesOf(due - 1) / 64)) fault = `${untold} cells were not accepted`;
      accepted = inCustody;
    }
  }
  ring.recoverConsumer(accepted);
  const reader = {
    onFrame: (_ring, word, end) => {
      fault ??= faultOf(word, due);
      if (fault !== undefined) return false;
      state[CUSTODY] = due * 2 ** 32 + (end >>> 0);
      due++;
      if (random(64) === 0) pause();
      return true;
    },
    onCorrupt: (_ring, sentence) => {
      fault ??= sentence;
    },
  };
  parentPort.postMessage("working");
  while (due < state[GOAL] && fault === undefined) {
    if (ring.drain(reader, 64) === 0) pause();
  }
  parentPort.postMessage({ consumed: due, empty: ring.empty, fault });
}

({ produce, consume, produceMortally, consumeMortally })[role]();
