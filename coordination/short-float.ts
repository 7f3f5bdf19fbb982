/**
 * Times in 16 bits: a sign, five bits of exponent, ten of fraction. Between 2⁻⁶ ms and 2²⁶ ms (18 hours) a
 * value keeps three digits, below it is 0, above it is the greatest. Codes order as their values do, so what
 * is sorted can stay encoded.
 */

const FRACTION_BITS = 10;
const DROPPED_BITS = 23 - FRACTION_BITS;
const HALF = 1 << (DROPPED_BITS - 1);
/** What a float at 2⁻⁶ has in its first bits, less one: code 0 is zero alone. */
const BASE = ((127 - 6) << FRACTION_BITS) - 1;
const GREATEST = 0x7fff;
// One word seen as a float and as its bits: the only way to the bits that allocates nothing.
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The code of `value`, −32,767 to 32,767. */
export function encodeShort(value: number): number {
  float[0] = value < 0 ? -value : value;
  const size = ((bits[0] + HALF) >> DROPPED_BITS) - BASE;
  if (size <= 0) return 0;
  const code = size > GREATEST ? GREATEST : size;
  return value < 0 ? -code : code;
}

/** Every value by its code: looked up where thousands are wanted in a millisecond. */
const VALUES = Float32Array.from({ length: 2 * GREATEST + 1 }, (_, at) => {
  const code = at - GREATEST;
  if (code === 0) return 0;
  bits[0] = (Math.abs(code) + BASE) << DROPPED_BITS;
  return code < 0 ? -float[0] : float[0];
});

/** The value of a code, −32,767 to 32,767. */
export function decodeShort(code: number): number {
  return VALUES[code + GREATEST];
}
