/**
 * @file The compression of GIF files: codes of growing width for strings that were seen before.
 *
 * Source  the GIF89a specification, appendix F.
 */

/** Longest code, and so the most strings. */
const CODE_BITS_MAX = 12;
const CODES_MAX = 2 ** CODE_BITS_MAX;

/**
 * Unpacks codes into `target` until it is full, they end or they say so; more data than pixels are left alone.
 *
 * Throws  Error for a code that cannot be there.
 * @returns how many bytes of `target` were filled
 */
export function unpackLzw(data: Uint8Array, indexBits: number, target: Uint8Array): number {
  if (indexBits < 1 || indexBits > 8) throw new Error(`codes of ${indexBits} bits`);
  const strings = new Strings(indexBits, target);
  let [hold, held] = [0, 0];
  for (const byte of data) {
    hold |= byte << held;
    held += 8;
    while (held >= strings.bits) {
      const code = hold & (2 ** strings.bits - 1);
      hold >>>= strings.bits;
      held -= strings.bits;
      if (!strings.take(code)) return strings.filled;
    }
  }
  return strings.filled;
}

/** The strings so far, and what they have written. */
class Strings {
  readonly #target: Uint8Array;
  readonly #indexBits: number;
  /** A string is the string of another code, and one byte more. */
  readonly #prefix = new Uint16Array(CODES_MAX);
  readonly #last = new Uint8Array(CODES_MAX);
  readonly #stack = new Uint8Array(CODES_MAX + 1);
  #next = 0;
  #previous = -1;
  /** Width of the next code. */
  bits = 0;
  filled = 0;

  constructor(indexBits: number, target: Uint8Array) {
    this.#indexBits = indexBits;
    this.#target = target;
    for (let code = 0; code < 2 ** indexBits; code += 1) this.#last[code] = code;
    this.#clear();
  }

  /** Writes the string of a code; false at the end of the data, or of the target. */
  take(code: number): boolean {
    const clear = 2 ** this.#indexBits;
    if (code === clear + 1) return false;
    if (code === clear) {
      this.#clear();
      return true;
    }
    const hasPrevious = this.#previous >= 0;
    if (code > this.#next || (code === this.#next && !hasPrevious)) {
      throw new Error('a damaged code');
    }
    // A code that is being made now: the string before, and its first byte again.
    const isNew = code === this.#next;
    const first = this.#write(isNew ? this.#previous : code, isNew);
    if (hasPrevious) this.#add(first);
    this.#previous = code;
    return this.filled < this.#target.length;
  }

  #clear(): void {
    this.#next = 2 ** this.#indexBits + 2;
    this.bits = this.#indexBits + 1;
    this.#previous = -1;
  }

  /** Writes a string, with its first byte once more at its end if asked to; gives that byte. */
  #write(code: number, again: boolean): number {
    let depth = 0;
    let at = code;
    for (; at > 2 ** this.#indexBits; at = this.#prefix[at] as number) {
      this.#stack[depth] = this.#last[at] as number;
      depth += 1;
    }
    const first = this.#last[at] as number;
    this.#put(first);
    while (depth > 0) {
      depth -= 1;
      this.#put(this.#stack[depth] as number);
    }
    if (again) this.#put(first);
    return first;
  }

  #put(byte: number): void {
    if (this.filled < this.#target.length) {
      this.#target[this.filled] = byte;
      this.filled += 1;
    }
  }

  #add(byte: number): void {
    if (this.#next >= CODES_MAX) return;
    this.#prefix[this.#next] = this.#previous;
    this.#last[this.#next] = byte;
    this.#next += 1;
    if (this.#next === 2 ** this.bits && this.bits < CODE_BITS_MAX) this.bits += 1;
  }
}
