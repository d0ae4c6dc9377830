/**
 * A vector in 12 bits a number: whole multiples of one unit, exact to 1/4094 of its largest number. What goes on from
 * one must go on from the rounded numbers, or it would go on differently after it was stored.
 */
export type CompactVector = {
  readonly unit: number;
  /** −2047 to 2047 */
  readonly multiples: Int16Array;
};

const largestMultiple = 2047;

export function compact(values: Float64Array): CompactVector {
  const unit = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / largestMultiple;
  return { unit, multiples: Int16Array.from(values, (value) => (unit > 0 ? Math.round(value / unit) : 0)) };
}

export function expand({ unit, multiples }: CompactVector): Float64Array {
  return Float64Array.from(multiples, (multiple) => unit * multiple);
}

/** Two multiples in three bytes, in two's complement, the lower bits first. */
export function packMultiples(multiples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(packedLength(multiples.length));
  for (let i = 0; i < multiples.length; i += 2) {
    const [first, second] = [multiples[i]! & 0xfff, (multiples[i + 1] ?? 0) & 0xfff];
    const at = 1.5 * i;
    bytes[at] = first;
    bytes[at + 1] = (first >> 8) | (second << 4);
    if (i + 1 < multiples.length) bytes[at + 2] = second >> 4;
  }
  return bytes;
}

/** @param bytes  `packedLength(length)` of them */
export function unpackMultiples(bytes: Uint8Array, length: number): Int16Array {
  return Int16Array.from({ length }, (_, i) => {
    const at = Math.floor(1.5 * i);
    const [low, high] = [bytes[at]!, bytes[at + 1]!];
    const bits = i % 2 === 0 ? low | ((high & 0xf) << 8) : (low >> 4) | (high << 4);
    return (bits << 20) >> 20;
  });
}

export function packedLength(length: number): number {
  return Math.ceil(1.5 * length);
}
