// Input that is nearly right: bytes and text of a corpus, bent by one to a few steps, of a seeded generator.

export type Pick = (most: number) => number;

const ODD_BYTES = [0, 1, 0x7f, 0x80, 0xc1, 0xd4, 0xdc, 0xde, 0xfe, 0xff];
const ODD_NUMBERS = [0, 1, -1, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0xffffffff];
const ODD_TEXTS = [
  "",
  " ",
  "\0",
  "\n",
  "\t",
  '"',
  "'",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "#",
  "&a",
  "*a",
  "!!js",
  "---",
  "-",
  "--",
  "=",
  "%",
  "%00",
  "..",
  "/",
  "null",
  "true",
  "NaN",
  "1e999",
  "-0",
  "9007199254740993",
  "__proto__",
  "constructor",
  "\u{1F600}",
  "\uD800",
  "\u202E",
  "ß",
  "١٢",
  "𝟙",
  "𝔱",
  "x".repeat(300),
];

/** Bytes bent by one to four steps; now and then nothing but noise. */
export function bentBytes(corpus: readonly Uint8Array[], pick: Pick): Uint8Array {
  if (pick(20) === 0) return Uint8Array.from({ length: pick(200) }, () => pick(256));
  let bytes: Uint8Array = corpus[pick(corpus.length)].slice();
  for (let steps = 1 + pick(4); steps > 0; steps--) bytes = bentOnce(bytes, corpus, pick);
  return bytes;
}

function bentOnce(bytes: Uint8Array, corpus: readonly Uint8Array[], pick: Pick): Uint8Array {
  const at = pick(Math.max(1, bytes.length));
  const length = 1 + pick(16);
  switch (pick(8)) {
    case 0:
      bytes[at] ^= 1 << pick(8);
      return bytes;
    case 1:
      bytes[at] = pick(256);
      return bytes;
    case 2:
      bytes[at] = ODD_BYTES[pick(ODD_BYTES.length)];
      return bytes;
    case 3:
      if (at + 4 > bytes.length) return bytes;
      new DataView(bytes.buffer, bytes.byteOffset).setInt32(
        at,
        ODD_NUMBERS[pick(ODD_NUMBERS.length)],
        pick(2) === 0,
      );
      return bytes;
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.max(0, at - length)));
    case 6:
      return bytes.slice(0, at);
    default: {
      const other = corpus[pick(corpus.length)];
      return joined(bytes.subarray(0, at), other.subarray(pick(Math.max(1, other.length))));
    }
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Text bent by one to four steps; what is put in are odd pieces and pieces of the corpus. */
export function bentText(corpus: readonly string[], pick: Pick): string {
  let text = corpus[pick(corpus.length)];
  for (let steps = 1 + pick(4); steps > 0; steps--) {
    const at = pick(text.length + 1);
    const to = at + pick(8);
    const other = corpus[pick(corpus.length)];
    const from = pick(other.length + 1);
    const odd = ODD_TEXTS[pick(ODD_TEXTS.length)];
    const more = [odd, String.fromCharCode(pick(0x250)), other.slice(from, from + pick(30)), ""][
      pick(4)
    ];
    text = text.slice(0, at) + more + text.slice(pick(2) === 0 ? at : to);
  }
  return text.slice(0, 4_096);
}

/** A JSON value with one of its nodes another one: right as a document, wrong as what it is to be. */
export function bentValue(value: unknown, pick: Pick, depth = 0): unknown {
  if (pick(4) === 0 || depth > 6) return oddValue(pick);
  if (Array.isArray(value)) {
    if (value.length === 0) return [oddValue(pick)];
    const place = pick(value.length);
    return value.map((each, i) => (i === place ? bentValue(each, pick, depth + 1) : each));
  }
  if (typeof value !== "object" || value === null) return oddValue(pick);
  const names = Object.keys(value);
  const name = pick(8) === 0 || names.length === 0 ? oddText(pick) : names[pick(names.length)];
  const own = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null;
  // Own, also where it is called `__proto__`, as JSON.parse has it.
  return Object.fromEntries([
    ...Object.entries(value).filter(([each]) => each !== name),
    ...(pick(6) === 0 ? [] : [[name, bentValue(own, pick, depth + 1)] as const]),
  ]);
}

function oddText(pick: Pick): string {
  return ODD_TEXTS[pick(ODD_TEXTS.length)];
}

/** Any value that JSON has. */
export function oddValue(pick: Pick): unknown {
  switch (pick(8)) {
    case 0:
      return oddText(pick);
    case 1:
      return ODD_NUMBERS[pick(ODD_NUMBERS.length)];
    case 2:
      return pick(2) === 0;
    case 3:
      return null;
    case 4:
      return 1.5e300;
    case 5:
      return Array.from({ length: pick(4) }, () => oddText(pick));
    case 6:
      return { [oddText(pick)]: oddText(pick) };
    default:
      return Array.from({ length: pick(40) }).reduce<unknown>((inner) => [inner], 1);
  }
}
