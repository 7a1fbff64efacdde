/** @file Bytes that are almost right: good ones, changed here and there, cut, spliced. */
import fc from 'fast-check';

const anywhere = fc.noBias(fc.nat(0x7fff_ffff));
/** Values at which lengths, offsets and counts break. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

type Change = (bytes: Buffer, at: number, value: number) => Buffer;

const CHANGES: readonly Change[] = [
  (bytes, at, value) => {
    bytes[at] = value;
    return bytes;
  },
  (bytes, at, value) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (value % 8));
    return bytes;
  },
  (bytes, at, value) => {
    if (at + 4 <= bytes.length) bytes.writeUInt32LE(EDGES[value % EDGES.length] ?? 0, at);
    return bytes;
  },
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, value) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + (value % 64))]),
  (bytes, at, value) => Buffer.concat([bytes.subarray(0, at + (value % 64)), bytes.subarray(at)]),
  (bytes, at, value) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.alloc(value % 32, value), bytes.subarray(at)]),
];

/** Changed ones of `seeds`, at up to `changesMax` places; the first `headBytes` are changed more often. */
export function mutated(
  seeds: readonly Uint8Array[],
  { changesMax = 5, headBytes = 64 }: { changesMax?: number; headBytes?: number } = {},
): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(CHANGES.length - 1), anywhere, anywhere, fc.boolean());
  return fc
    .tuple(fc.nat(seeds.length - 1), fc.array(change, { maxLength: changesMax }))
    .map(([which, changes]) => {
      let bytes: Buffer = Buffer.from(seeds[which] as Uint8Array);
      for (const [kind, place, value, isHead] of changes) {
        const room = Math.max(1, isHead ? Math.min(headBytes, bytes.length) : bytes.length);
        bytes = (CHANGES[kind] as Change)(bytes, place % room, value);
      }
      return bytes;
    });
}

/** Bytes of no sense whatever. */
export const noise = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
