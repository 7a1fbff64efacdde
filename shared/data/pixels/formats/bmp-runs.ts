/** @file The run lengths of BMP files (RLE8, RLE4). Source  Microsoft's description of bitmap compression. */
import { truncated } from './raster.ts';

/** What the rows are like. */
interface Layout {
  readonly width: number;
  readonly height: number;
  /** 8 or 4 bits an index. */
  readonly bits: number;
}

/** What the second byte says where the first is 0; more is a number of pixels that follow. */
const END_OF_ROW = 0;
const END = 1;
const LEAP = 2;

/**
 * Unpacks run lengths, the lowest row first; what they leap over has index 0.
 *
 * Shapes  the result is [height, width], the highest row first.
 * Throws  Error when they end before the picture does, without saying so.
 */
export function runLengths(bytes: Uint8Array, layout: Layout): Uint8Array {
  const canvas = new Canvas(layout);
  for (let at = 0; !canvas.isFull; ) {
    const count = byteAt(bytes, at);
    const value = byteAt(bytes, at + 1);
    at += 2;
    if (count > 0) canvas.run(count, value);
    else if (value === END) break;
    else if (value === END_OF_ROW) canvas.leap(-canvas.x, 1);
    else if (value === LEAP) {
      canvas.leap(byteAt(bytes, at), byteAt(bytes, at + 1));
      at += 2;
    } else at += canvas.pixels(value, bytes.subarray(at));
  }
  return canvas.indices;
}

/** The picture so far, and the place of the next pixel. */
class Canvas {
  readonly #layout: Layout;
  readonly indices: Uint8Array;
  x = 0;
  #y = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.indices = new Uint8Array(layout.width * layout.height);
  }

  /** A full last row needs no end. */
  get isFull(): boolean {
    const { width, height } = this.#layout;
    return this.#y >= height || (this.#y === height - 1 && this.x >= width);
  }

  leap(right: number, up: number): void {
    this.x += right;
    this.#y += up;
  }

  /** The same index, or two by turns. */
  run(count: number, value: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#put(this.#layout.bits === 8 ? value : halfOf(value, i));
    }
  }

  /** Pixels one by one; how many bytes they take, which is even. */
  pixels(count: number, bytes: Uint8Array): number {
    const isWhole = this.#layout.bits === 8;
    const length = isWhole ? count : Math.ceil(count / 2);
    if (length > bytes.length) truncated();
    for (let i = 0; i < count; i += 1) {
      this.#put(isWhole ? (bytes[i] as number) : halfOf(bytes[i >> 1] as number, i));
    }
    return length + (length % 2);
  }

  /** What goes beyond a row is left out. */
  #put(index: number): void {
    const { width, height } = this.#layout;
    if (this.x < width && this.#y < height) {
      this.indices[(height - 1 - this.#y) * width + this.x] = index;
    }
    this.x += 1;
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? truncated();
}

/** The half of a byte that the pixel of this number has: the higher one first. */
function halfOf(byte: number, number: number): number {
  return number % 2 === 0 ? byte >> 4 : byte & 15;
}
