/** @file The values of tensors between bytes and float32: F32, F16, BF16 and F64, little-endian. */
import { TesseraError } from '../../core/errors.ts';
import { HALF_INFINITY, halfOf, halfToFloat32Bits } from '../../core/floats.ts';

/** The floats that are read as float32 and written. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/**
 * The values of a tensor as float32: a view where dtype and alignment allow, else a copy; F64 is rounded.
 *
 * Throws  DATA_INVALID when the dtype is not F32, F16, BF16 or F64, or a finite value is too large for float32.
 */
export function float32Of(
  tensor: { readonly dtype: string; readonly bytes: Uint8Array },
  name = 'tensor',
): Float32Array {
  const { dtype, bytes } = tensor;
  switch (dtype) {
    case 'F32': {
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
      return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
    }
    case 'F16':
      return from16(bytes, halfToFloat32Bits);
    case 'BF16':
      return from16(bytes, (half) => half << 16);
    case 'F64':
      return from64(bytes, name);
    default:
      throw new TesseraError('DATA_INVALID', `${quote(name)} has dtype ${dtype}`, {
        hint: 'parameters must be F32, F16, BF16 or F64',
      });
  }
}

/**
 * The bytes of float32 values in a dtype: a view for F32, else rounded to nearest, ties to even.
 *
 * Throws  DATA_INVALID when a finite value is too large for F16.
 */
export function bytesOf(values: Float32Array, dtype: FloatDtype, name = 'tensor'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrow = dtype === 'F16' ? halfOf : brainFloatOf;
  const bytes = new Uint8Array(2 * bits.length);
  for (let index = 0; index < bits.length; index += 1) {
    const half = narrow(bits[index] ?? 0);
    bytes[2 * index] = half;
    bytes[2 * index + 1] = half >> 8;
    if (dtype === 'F16' && (half & 0x7fff) === HALF_INFINITY && Number.isFinite(values[index])) {
      throw new TesseraError(
        'DATA_INVALID',
        `${quote(name)} has ${values[index]}: too large for F16`,
        {
          hint: 'write BF16 or F32',
        },
      );
    }
  }
  return bytes;
}

function from16(bytes: Uint8Array, float32Bits: (half: number) => number): Float32Array {
  const bits = new Int32Array(bytes.length / 2);
  for (let index = 0; index < bits.length; index += 1) {
    const low = bytes[2 * index] ?? 0;
    const high = bytes[2 * index + 1] ?? 0;
    bits[index] = float32Bits(low | (high << 8));
  }
  return new Float32Array(bits.buffer);
}

function from64(bytes: Uint8Array, name: string): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / 8);
  for (let index = 0; index < values.length; index += 1) {
    const value = view.getFloat64(8 * index, true);
    values[index] = value;
    if (Number.isFinite(value) && !Number.isFinite(values[index])) {
      throw new TesseraError('DATA_INVALID', `${quote(name)} has ${value}: too large for F32`);
    }
  }
  return values;
}

/** The bfloat16 nearest to a float32, both as bits. */
function brainFloatOf(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Untrusted text for a message: short, and without control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
