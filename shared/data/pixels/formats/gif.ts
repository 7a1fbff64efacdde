/**
 * @file The first picture of a GIF file, as Pillow's convert('RGB') has it: a transparent index keeps the colour that
 * the table gives it, and so does the room around a smaller picture. (libvips makes both black.)
 *
 * Source  the GIF89a specification.
 */
import { unpackLzw } from './lzw.ts';
import { colours, colourTable, type Picture, type PictureFile, truncated } from './raster.ts';

const SCREEN_BYTES = 13;
const EXTENSION = 0x21;
const PICTURE = 0x2c;
const GRAPHIC_CONTROL = 0xf9;
const TRAILER = 0x3b;
const HAS_TABLE = 0x80;
const IS_INTERLACED = 0x40;
/** First row and step of the passes of an interlaced picture. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly isInterlaced: boolean;
  readonly table: Uint8Array;
  readonly transparent: number | undefined;
  /** Where its data begin: a byte with the width of the codes, then blocks. */
  readonly dataAt: number;
}

/**
 * Reads a GIF file up to its first picture.
 *
 * Throws  Error, saying why, where there is none.
 */
export function openGif(bytes: Uint8Array): PictureFile {
  if (bytes.length < SCREEN_BYTES) truncated();
  const screen = { width: uint16(bytes, 6), height: uint16(bytes, 8) };
  const frame = firstFrame(bytes);
  const width = Math.max(screen.width, frame.left + frame.width);
  const height = Math.max(screen.height, frame.top + frame.height);
  if (frame.width === 0 || frame.height === 0) throw new Error('its first picture has no pixels');
  return { width, height, decode: () => decode(bytes, frame, { width, height }) };
}

function firstFrame(bytes: Uint8Array): Frame {
  const table = tableAt(bytes, SCREEN_BYTES, bytes[10] as number);
  let at = SCREEN_BYTES + table.length;
  let transparent: number | undefined;
  while (byteAt(bytes, at) !== PICTURE) {
    const kind = byteAt(bytes, at);
    if (kind === TRAILER) throw new Error('it has no picture');
    if (kind === EXTENSION) {
      transparent = transparentIndex(bytes, at) ?? transparent;
      at = behindBlocks(bytes, at + 2);
    }
    // Readers step over what does not belong here.
    else at += 1;
  }
  const flags = byteAt(bytes, at + 9);
  const own = tableAt(bytes, at + 10, flags);
  return {
    left: uint16(bytes, at + 1),
    top: uint16(bytes, at + 3),
    width: uint16(bytes, at + 5),
    height: uint16(bytes, at + 7),
    isInterlaced: (flags & IS_INTERLACED) !== 0,
    table: (flags & HAS_TABLE) === 0 ? table : own,
    transparent,
    dataAt: at + 10 + own.length,
  };
}

/** The index that a graphic control extension calls transparent. */
function transparentIndex(bytes: Uint8Array, at: number): number | undefined {
  const isControl = byteAt(bytes, at + 1) === GRAPHIC_CONTROL && byteAt(bytes, at + 2) >= 4;
  return isControl && byteAt(bytes, at + 3) % 2 === 1 ? byteAt(bytes, at + 6) : undefined;
}

function behindBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (byteAt(bytes, at) !== 0) at += 1 + byteAt(bytes, at);
  return at + 1;
}

/** The entries of a colour table, none where the flags have none. */
function tableAt(bytes: Uint8Array, at: number, flags: number): Uint8Array {
  if ((flags & HAS_TABLE) === 0) return new Uint8Array(0);
  const length = 3 * 2 ** ((flags & 7) + 1);
  if (at + length > bytes.length) truncated();
  return bytes.subarray(at, at + length);
}

function decode(
  bytes: Uint8Array,
  frame: Frame,
  size: { readonly width: number; readonly height: number },
): Picture {
  const { left, top, width, height, transparent, isInterlaced } = frame;
  const indices = new Uint8Array(width * height);
  const codeBits = byteAt(bytes, frame.dataAt);
  const filled = unpackLzw(blocks(bytes, frame.dataAt + 1), codeBits, indices);
  if (filled < indices.length) truncated();
  const canvas = new Uint8Array(size.width * size.height).fill(transparent ?? 0);
  const rows = isInterlaced ? interlacedRows(height) : undefined;
  for (let row = 0; row < height; row += 1) {
    const y = top + (rows === undefined ? row : (rows[row] as number));
    canvas.set(indices.subarray(row * width, (row + 1) * width), y * size.width + left);
  }
  const table = colourTable(frame.table, { step: 3, red: 0, blue: 2 });
  if (transparent !== undefined) table[transparent * 4 + 3] = 0;
  return colours(canvas, table, size);
}

function interlacedRows(height: number): number[] {
  const rows: number[] = [];
  for (const [first, step] of PASSES) for (let y = first; y < height; y += step) rows.push(y);
  return rows;
}

/** The data blocks behind one another; what a cut file has of them. */
function blocks(bytes: Uint8Array, start: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = start; at < bytes.length && bytes[at] !== 0; at += 1 + (bytes[at] as number)) {
    parts.push(bytes.subarray(at + 1, at + 1 + (bytes[at] as number)));
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? truncated();
}

function uint16(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8);
}
