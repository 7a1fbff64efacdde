/** @file The bytes of a pickle, read from its beginning to its end: numbers, texts and lines. */
import { damaged } from './pickle-objects.ts';

/** Larger integers are not sizes; the cost of parsing one is quadratic in its digits. */
const INTEGER_BYTES_MAX = 1024;

/** A place in a pickle. Every method takes what it reads, and throws DATA_INVALID where the pickle is cut short. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Index of the next byte. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Index of the next `count` bytes. */
  take(count: number): number {
    const at = this.at;
    if (at + count > this.#bytes.length) throw damaged('it is cut short');
    this.at += count;
    return at;
  }

  byte(): number {
    return this.#view.getUint8(this.take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2), true);
  }

  /** A length; one beyond the file is refused when it is taken. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.take(8), true));
  }

  uint32(): number {
    return this.#view.getUint32(this.take(4), true);
  }

  text(length: number): string {
    const at = this.take(length);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  /** A text up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw damaged('it is cut short');
    const text = this.text(end - this.at);
    this.take(1);
    return text;
  }

  /** A little-endian two's complement integer; a bigint where a number would round it. */
  long(length: number): number | bigint {
    if (length > INTEGER_BYTES_MAX) throw damaged('it has an integer that is too large');
    const at = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i -= 1)
      value = (value << 8n) | BigInt(this.#bytes[at + i] ?? 0);
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  /** An integer as text; protocol 0 writes `01` and `00` for true and false. */
  number(text: string): number | boolean {
    if (text === '01' || text === '00') return text === '01';
    return Number(text);
  }

  int32(): number {
    return this.#view.getInt32(this.take(4), true);
  }

  /** Big-endian, unlike all others. */
  float64(): number {
    return this.#view.getFloat64(this.take(8));
  }
}
