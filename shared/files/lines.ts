/** @file Splits bytes into lines of a bounded length, so that a line without an end has bounded memory. Pure. */

const NEWLINE = 0x0a;

/** Splits pieces of a text into its lines. */
export class BoundedLines {
  readonly #bytesMax: number;
  readonly #decoder = new TextDecoder();
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end in the next piece, without line ends; undefined for each that is longer than the bound. */
  *add(piece: Uint8Array): Generator<string | undefined> {
    let first = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, first)) {
      yield this.#close(piece.subarray(first, end));
      first = end + 1;
    }
    this.#hold(piece.subarray(first));
  }

  /** The last line, if the text does not end with a line end. */
  *end(): Generator<string | undefined> {
    if (this.#heldBytes > 0) yield this.#close(new Uint8Array(0));
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#bytesMax) this.#held = [];
    else if (part.length > 0) this.#held.push(part);
  }

  #close(rest: Uint8Array): string | undefined {
    this.#hold(rest);
    const isTooLong = this.#heldBytes > this.#bytesMax;
    const [only = rest] = this.#held;
    const bytes = this.#held.length > 1 ? Buffer.concat(this.#held) : only;
    this.#held = [];
    this.#heldBytes = 0;
    return isTooLong ? undefined : this.#decoder.decode(bytes);
  }
}
