/** @file Protocol-buffer bytes, field by field, without a library. */

/** Encoded fields of a message; large contents are in it by reference. */
export type Fields = readonly Uint8Array[];

/** Variable-length integer; a negative one is 64-bit two's complement. */
function varint(value: number): Uint8Array {
  if (value >= 0 && value < 0x80) return Uint8Array.of(value);
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

/** An integer, an enum or a bool. */
export const integer = (field: number, value: number): Fields => [varint(field * 8), varint(value)];

/** A float of 32 bits. */
export function float(field: number, value: number): Fields {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return [varint(field * 8 + 5), bytes];
}

/** A float of 64 bits. */
export function double(field: number, value: number): Fields {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [varint(field * 8 + 1), bytes];
}

/** A message, or bytes. */
export function message(field: number, ...contents: readonly Fields[]): Fields {
  const fields = contents.flat();
  const size = fields.reduce((sum, { length }) => sum + length, 0);
  return [varint(field * 8 + 2), varint(size), ...fields];
}

/** A string. */
export const text = (field: number, value: string) => message(field, [Buffer.from(value)]);
