import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { PayloadCodec } from "./payload.ts";

const WORD = 16;

/** Through shared memory, as a frame goes; behind it the memory is full of rubbish. */
function through(sender: PayloadCodec, receiver: PayloadCodec, value: unknown): unknown {
  const length = sender.encode(value);
  const memory = new SharedArrayBuffer(WORD * 4 + ((length + 3) & ~3) + 64);
  const words = new Int32Array(memory);
  const bytes = new Uint8Array(memory);
  bytes.fill(0xa5);
  sender.copyTo(words, bytes, WORD, length);
  for (let i = 0; i < WORD; i++) expect(words[i]).toBe(0xa5a5a5a5 | 0);
  expect(bytes[WORD * 4 + ((length + 3) & ~3)]).toBe(0xa5);
  const decoded = receiver.decode(words, bytes, WORD, length);
  bytes.fill(0x5a);
  return decoded;
}

function decodeBytes(codec: PayloadCodec, hostile: Uint8Array): unknown {
  const memory = new SharedArrayBuffer(WORD * 4 + ((hostile.length + 3) & ~3));
  const bytes = new Uint8Array(memory);
  bytes.set(hostile, WORD * 4);
  return codec.decode(new Int32Array(memory), bytes, WORD, hostile.length);
}

const key = fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name !== "__proto__");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

/** Binary comes back as a Buffer: as bytes it is the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

describe("a payload", () => {
  test("comes back as it was, whatever it is made of", () => {
    const sender = new PayloadCodec();
    const receiver = new PayloadCodec();
    fc.assert(
      fc.property(value, (sent) => {
        expect(plain(through(sender, receiver, sent))).toEqual(plain(sent));
      }),
      { numRuns: 2000 },
    );
  });

  test("is plain msgpack, which needs nothing that its sender knew", () => {
    const codec = new PayloadCodec();
    for (let i = 0; i < 3; i++) {
      const length = codec.encode({ a: 1, b: [2] });
      const plain = [0xde, 0, 2, 0xa1, 0x61, 1, 0xa1, 0x62, 0x91, 2];
      expect([...codec.bytes.subarray(0, length)]).toEqual(plain);
    }
  });

  test("comes back at every length around those where the way of copying changes", () => {
    const sender = new PayloadCodec();
    const receiver = new PayloadCodec();
    const lengths = [
      1020, 1021, 1022, 1023, 1024, 1025, 1026, 1027, 1028, 4093, 4096, 4097, 8191, 8192,
    ];
    for (const length of [...lengths, 65_533, 65_536, 65_539, 100_000, 262_080, 3_000_000, 7]) {
      const text = "é".repeat(length >>> 1) + "x".repeat(length & 1);
      expect(through(sender, receiver, text)).toBe(text);
      const bin = Uint8Array.from({ length: length - 3 }, (_, i) => i * 7);
      expect(Buffer.from(bin).equals(through(sender, receiver, bin) as Buffer)).toBe(true);
    }
  });

  test("comes back although another codec of the thread packs in between", () => {
    const codecs = [new PayloadCodec(), new PayloadCodec()];
    const stranger = new Packr();
    const kept: [Buffer, Buffer][] = [];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), fc.nat(20_000), value)), (steps) => {
        for (const [which, length, sent] of steps) {
          const message = { sent, fill: "y".repeat(length) };
          expect(plain(through(codecs[which], codecs[1 - which], message))).toEqual(plain(message));
          const packed = stranger.pack({ length });
          kept.push([packed, Buffer.from(packed)]);
        }
      }),
      { numRuns: 100 },
    );
    // Nor do the codecs write over what the stranger packed.
    for (const [packed, copy] of kept) expect(packed.equals(copy)).toBe(true);
  });

  test("that is put back into the scratch goes out whole, and over nobody else's bytes", () => {
    const codec = new PayloadCodec();
    const stranger = new Packr();
    for (const length of [1, 50, 2000, 30_000]) {
      const value = { text: "w".repeat(length) };
      const encoded = codec.encode(value);
      const kept = codec.bytes.slice(0, encoded);
      expect(codec.decodeOwn(kept.length)).toEqual(value);
      codec.encode("something else");
      // Starts where the codec's last payload stood, and is still in its owner's hands.
      const foreign = stranger.pack({ foreign: "f".repeat(100) });
      const copy = Buffer.from(foreign);
      codec.adopt(kept, kept.length);
      expect(codec.decodeOwn(kept.length)).toEqual(value);
      expect(foreign.equals(copy)).toBe(true);
    }
    codec.adopt(new Uint8Array(0), 0);
  });

  test("of bytes is a copy: it stays when its memory and the codec's are used again", () => {
    const sender = new PayloadCodec();
    const receiver = new PayloadCodec();
    for (const length of [3, 100, 1000, 1100, 70_000]) {
      const bytes = new Uint8Array(length).fill(9);
      const { held } = through(sender, receiver, { held: bytes }) as { held: Uint8Array };
      expect(held.buffer).not.toBeInstanceOf(SharedArrayBuffer);
      through(sender, receiver, "z".repeat(length + 50));
      expect(held.length).toBe(length);
      expect(held.every((byte) => byte === 9)).toBe(true);
      held.fill(1);
      expect(through(sender, receiver, [length])).toEqual([length]);
    }
  });

  test("that cannot be encoded throws, and the next one is whole", () => {
    const codec = new PayloadCodec();
    const circle: unknown[] = [];
    circle.push(circle);
    const refused = [2n ** 70n, circle, [{ deep: Symbol("s") }]];
    for (const value of refused) {
      expect(() => codec.encode(value)).toThrow();
      expect(through(codec, codec, { after: "x".repeat(3000) })).toEqual({
        after: "x".repeat(3000),
      });
    }
  });
});

describe("hostile bytes", () => {
  const sample = {
    text: "some text of forty characters or so, plus",
    list: [1, 2.5, null, -7, 2 ** 40],
    nested: { a: { b: ["c", new Date(0)] } },
    bin: new Uint8Array(20),
  };

  test("cut short throw at every length, also when the rest of the last payload lies behind them", () => {
    const codec = new PayloadCodec();
    const length = codec.encode(sample);
    const whole = codec.bytes.slice(0, length);
    expect(plain(decodeBytes(codec, whole))).toEqual(plain(sample));
    for (let cut = 0; cut < length; cut++) {
      expect(() => decodeBytes(codec, whole.subarray(0, cut)), `cut at ${cut}`).toThrow();
    }
    expect(plain(decodeBytes(codec, whole))).toEqual(plain(sample));
  });

  test("followed by more throw", () => {
    const codec = new PayloadCodec();
    const length = codec.encode(sample);
    const longer = new Uint8Array(length + 1);
    longer.set(codec.bytes.subarray(0, length));
    expect(() => decodeBytes(codec, longer)).toThrow();
  });

  test.each([
    ["an array of 2^32 - 1", [0xdd, 255, 255, 255, 255]],
    ["a map of 2^32 - 1", [0xdf, 255, 255, 255, 255]],
    ["a string of 2^32 - 1", [0xdb, 255, 255, 255, 255]],
    ["bytes of 2^32 - 1", [0xc6, 255, 255, 255, 255]],
    ["an extension of 2^32 - 1", [0xc9, 255, 255, 255, 255, 1]],
    ["nested arrays of 65,535", Array(60).fill([0xdc, 255, 255]).flat()],
    ["arrays 100,000 deep", Array(100_000).fill(0x91)],
    ["an unknown extension", [0xd4, 0x33, 0]],
    ["nothing", []],
  ])("that announce %s throw at once and take no memory", (_name, bytes) => {
    const codec = new PayloadCodec();
    const before = process.memoryUsage();
    expect(() => decodeBytes(codec, Uint8Array.from(bytes))).toThrow();
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(
      64 << 20,
    );
    expect(through(codec, codec, "well")).toBe("well");
  });

  test("of any kind give a value or an error, and never spoil the next payload", () => {
    const codec = new PayloadCodec();
    const length = codec.encode(sample);
    const whole = codec.bytes.slice(0, length);
    const mutated = fc
      .array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        try {
          decodeBytes(codec, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          refused++;
        }
        expect(plain(through(codec, codec, sample))).toEqual(plain(sample));
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(0);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("polluted");
  });

  test("cannot reach the prototype of what they become", () => {
    const codec = new PayloadCodec();
    const attack = Buffer.from("81a95f5f70726f746f5f5f81a8706f6c6c75746564c3", "hex");
    const value = decodeBytes(codec, attack) as { polluted?: boolean };
    expect(value.polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("that define a record change nothing for later payloads", () => {
    const codec = new PayloadCodec();
    // Record 0x40 with the key "evil", and its value.
    const definition = Uint8Array.from([0xd4, 0x72, 0x40, 0x91, 0xa4, 101, 118, 105, 108, 1]);
    try {
      decodeBytes(codec, definition);
    } catch {
      // Refused is as good.
    }
    expect(decodeBytes(codec, Uint8Array.from([0x40]))).toBe(64);
  });
});
