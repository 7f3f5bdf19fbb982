import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { pack, unpack } from "msgpackr";
import { PayloadCodec } from "../mailbox/payload.ts";
import { type Bench, type Contestant, type Metric, parameter } from "./harness.ts";
import { nsPerOperation } from "./loop.ts";
import { FIRST_TASK_NUMBER, TASK_MESSAGE_BYTES, taskMessage } from "./payload.ts";

/*
 *   message ──encode──▶ bytes in shared memory ──decode──▶ message       (one thread)
 */
const MESSAGES = parameter("codec messages a call", { smoke: 64, full: 512 });

/** One way to write message `i` into slot `i`, and to read it from there. */
interface Slots {
  encode(i: number, message: unknown): void;
  decode(i: number): unknown;
}

function contestant(open: () => Slots): Contestant {
  return async (measured) => {
    const slots = open();
    const messages = Array.from({ length: MESSAGES }, (_, i) => taskMessage(FIRST_TASK_NUMBER + i));
    const read: unknown[] = messages.map(() => undefined);
    const encode = await nsPerOperation(MESSAGES, () => {
      for (let i = 0; i < MESSAGES; i++) slots.encode(i, messages[i]);
    });
    const decode = await nsPerOperation(MESSAGES, () => {
      for (let i = 0; i < MESSAGES; i++) read[i] = slots.decode(i);
    });
    assert.deepEqual(read, messages);
    measured("encode", encode);
    measured("decode", decode);
  };
}

function ours(): Slots {
  const codec = new PayloadCodec();
  const memory = new SharedArrayBuffer(MESSAGES * TASK_MESSAGE_BYTES);
  const words = new Int32Array(memory);
  const bytes = new Uint8Array(memory);
  const slotWords = TASK_MESSAGE_BYTES >>> 2;
  const length = codec.encode(taskMessage(FIRST_TASK_NUMBER));
  assert.equal(length, TASK_MESSAGE_BYTES);
  return {
    encode(i, message) {
      codec.copyTo(words, bytes, i * slotWords, codec.encode(message));
    },
    decode: (i) => codec.decode(words, bytes, i * slotWords, length),
  };
}

/** What returns a buffer of its own is copied into shared memory, and out again where it must. */
function allocating(
  encode: (message: unknown) => Uint8Array,
  decode: (bytes: Buffer) => unknown,
): () => Slots {
  return () => {
    const slotBytes = 1_024;
    const shared = Buffer.from(new SharedArrayBuffer(MESSAGES * slotBytes));
    const lengths = new Int32Array(MESSAGES);
    return {
      encode(i, message) {
        const bytes = encode(message);
        lengths[i] = bytes.length;
        shared.set(bytes, i * slotBytes);
      },
      decode: (i) =>
        decode(Buffer.from(shared.subarray(i * slotBytes, i * slotBytes + lengths[i]))),
    };
  };
}

const NS: Metric = { unit: "ns", better: "less" };

export const codec: Bench = {
  name: "codec",
  question:
    "How long does it take to write a message of 256 bytes to shared memory, and to read it?",
  metrics: { encode: NS, decode: NS },
  ours: contestant(ours),
  peers: {
    msgpackr: contestant(allocating(pack, unpack)),
    JSON: contestant(
      allocating(
        (message) => Buffer.from(JSON.stringify(message)),
        (bytes) => JSON.parse(bytes.toString()),
      ),
    ),
    v8: contestant(allocating(serialize, deserialize)),
  },
};
