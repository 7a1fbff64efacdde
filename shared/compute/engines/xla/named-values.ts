/** @file Options and properties by name, as the plugin takes and gives them. */
import { NAMED_VALUE, NAMED_VALUE_TYPES } from './abi.ts';
import { addressOf, copyFrom, keep, Struct, textFrom, words, wordsFrom } from './memory.ts';

/** Options of a plugin; a number that is not whole, or is a float by name, is a float. */
export type NamedValues = Readonly<
  Record<string, string | number | boolean | readonly number[] | Float32Array>
>;

/** PJRT_NamedValue structs in a row; the list keeps alive what they point at. */
export interface EncodedValues {
  readonly list: Uint8Array;
  readonly count: number;
}

/** Size of a PJRT_NamedValue. */
const STRIDE = 56;

/** Encodes options; a float is given as a Float32Array of one value, since 1 is a whole number in JavaScript. */
export function encodeValues(values: NamedValues): EncodedValues {
  const kept: unknown[] = [];
  const entries = Object.entries(values);
  const list = new Uint8Array(Math.max(1, entries.length) * STRIDE);
  for (const [index, [key, value]] of entries.entries()) {
    const name = Buffer.from(key);
    const { type, bits, size, pointed } = encodeValue(value);
    kept.push(pointed);
    const block = new Struct(NAMED_VALUE, {
      ...{ name, name_size: name.length },
      ...{ type: NAMED_VALUE_TYPES[type], value: bits, value_size: size },
    });
    kept.push(block);
    list.set(block.bytes, index * STRIDE);
  }
  return { list: keep(list, kept), count: entries.length };
}

function encodeValue(value: NamedValues[string]): {
  readonly type: keyof typeof NAMED_VALUE_TYPES;
  readonly bits: bigint | number;
  readonly size: number;
  readonly pointed?: ArrayBufferView;
} {
  if (typeof value === 'boolean') return { type: 'bool', bits: value ? 1 : 0, size: 1 };
  if (typeof value === 'number') return { type: 'int64', bits: value, size: 1 };
  if (value instanceof Float32Array) {
    const bits = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    return { type: 'float', bits, size: 1 };
  }
  if (typeof value === 'string') {
    const pointed = Buffer.from(value);
    return { type: 'string', bits: addressOf(pointed), size: pointed.length, pointed };
  }
  const pointed = words(value);
  return { type: 'int64List', bits: addressOf(pointed), size: value.length, pointed };
}

/** Reads what the plugin gives; a list of numbers comes as its length. */
export function decodeValues(address: bigint, count: number): Map<string, string | number> {
  const values = new Map<string, string | number>();
  for (let index = 0; index < count; index += 1) {
    const block = new DataView(copyFrom(address + BigInt(index * STRIDE), STRIDE).buffer);
    const name = textFrom(block.getBigUint64(16, true), Number(block.getBigUint64(24, true)));
    const size = Number(block.getBigUint64(48, true));
    values.set(name, decodeValue(block, size));
  }
  return values;
}

function decodeValue(block: DataView, size: number): string | number {
  const at = 40;
  switch (block.getInt32(32, true)) {
    case NAMED_VALUE_TYPES.string:
      return textFrom(block.getBigUint64(at, true), size);
    case NAMED_VALUE_TYPES.int64:
      return Number(block.getBigInt64(at, true));
    case NAMED_VALUE_TYPES.int64List:
      return wordsFrom(block.getBigUint64(at, true), size).length;
    case NAMED_VALUE_TYPES.float:
      return block.getFloat32(at, true);
    default:
      return block.getUint8(at);
  }
}
