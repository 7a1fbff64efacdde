/** @file Protobuf bytes by the contract's own descriptors: right fields, edge values, wrong wire types, any order, any number. */
import fc from 'fast-check';
import { protoPackage } from '../../shared/exchange/grpc/protos.ts';

interface Field {
  readonly number: number;
  readonly type: string;
  readonly typeName: string;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

/** Any encoding of a message, such as `tessera.v1.Node`. */
export function wireBytes(message: string): fc.Arbitrary<Buffer> {
  const known = fieldsOf(message).map(fieldBytes);
  return fc
    .array(fc.oneof(...known.map((arbitrary) => ({ weight: 3, arbitrary })), strange), {
      maxLength: 14,
    })
    .map((fields) => Buffer.concat(fields));
}

/**
 * A good message with some fields after its own, which decide: all its lengths are right. Of a message that is one of
 * several others, it is the inner one's fields.
 */
export function patched(message: string, good: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc.constantFrom(...good).chain((bytes) => {
    const fields = fieldsOf(message);
    const outer = fields.find(({ number }) => bytes[0] === number * 8 + DELIMITED);
    const isWrapper = fields.every(({ type }) => type === 'TYPE_MESSAGE');
    if (!isWrapper || outer === undefined) return appended(message, bytes);
    const inner = bytes.subarray(1 + varint(BigInt(bytes.length - 2)).length);
    const tag = Buffer.of(bytes[0] ?? 0);
    return appended(nameOf(outer), inner).map((it) => Buffer.concat([tag, withLength(it)]));
  });
}

function appended(message: string, bytes: Buffer): fc.Arbitrary<Buffer> {
  const fields = fieldsOf(message).map(fieldBytes);
  if (fields.length === 0) return fc.constant(bytes);
  return fc
    .array(fc.oneof(...fields), { maxLength: 2 })
    .map((more) => Buffer.concat([bytes, ...more]));
}

function nameOf({ typeName }: Field): string {
  return `tessera.v1.${typeName.split('.').at(-1)}`;
}

function fieldsOf(message: string): readonly Field[] {
  const definition = protoPackage[message]?.type as { readonly field?: readonly Field[] };
  return definition.field ?? [];
}

const integer = fc.oneof(
  fc.nat(20).map(BigInt),
  fc.constantFrom(0n, 1n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 64n - 1n),
);
const double = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324, -1),
);
const text = fc.oneof(
  fc.constantFrom('s-1', 'anna', ''),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\u0000', '\u001b[2J', '../../etc/passwd', 'x'.repeat(2000)),
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((it) => Buffer.from(it));

/** Unknown fields, groups, wrong wire types, endless varints. */
const strange = fc.oneof(
  fc.tuple(fc.nat(40), fc.nat(7), bytes).map(([number, type, rest]) => {
    return Buffer.concat([varint(BigInt(number * 8 + type)), rest]);
  }),
  fc.integer({ min: 1, max: 300 }).map((depth) => Buffer.alloc(depth, 0x0b)),
  fc.constant(Buffer.alloc(12, 0xff)),
);

function fieldBytes(field: Field): fc.Arbitrary<Buffer> {
  const { number, type } = field;
  const tagged = (wireType: number, value: Buffer) =>
    Buffer.concat([varint(BigInt(number * 8 + wireType)), value]);
  const delimited = (value: Buffer) => tagged(DELIMITED, withLength(value));
  switch (type) {
    case 'TYPE_DOUBLE':
      return double.map((value) => {
        const packed = Buffer.alloc(8);
        packed.writeDoubleLE(value);
        return tagged(FIXED64, packed);
      });
    case 'TYPE_STRING':
      return fc
        .oneof(
          text.map((it) => Buffer.from(it)),
          bytes,
        )
        .map(delimited);
    case 'TYPE_BYTES':
      return bytes.map(delimited);
    case 'TYPE_MESSAGE':
      return wireBytes(nameOf(field)).map(delimited);
    default:
      return fc.oneof(
        integer.map((value) => tagged(VARINT, varint(value))),
        fc
          .array(integer, { maxLength: 5 })
          .map((values) => delimited(Buffer.concat(values.map(varint)))),
      );
  }
}

function withLength(value: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7fn ? 0x80 : 0;
    out.push(Number(rest & 0x7fn) | more);
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(out);
}
