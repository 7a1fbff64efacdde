/**
 * @file Windows and OS/2 bitmaps (BMP): 1, 4, 8, 16, 24 and 32 bits a pixel, run lengths, bit masks, either way up.
 *
 * The prebuilt libvips has no reader of them, and those on npm that were tried (bmp-ts 1.0.9, fast-bmp 4.0.1) gave
 * Pillow's pixels for 13 and 10 of 34 layouts. Samples are those of Pillow: 32 bits without masks have no alpha, 5 bits
 * are widened by 255 / 31.
 *
 * Source  Microsoft's description of BITMAPINFOHEADER, BITMAPV5HEADER and bitmap compression.
 */
import { runLengths } from './bmp-runs.ts';
import { colours, colourTable, type Picture, type PictureFile, truncated } from './raster.ts';

const RLE8 = 1;
const RLE4 = 2;
const BIT_FIELDS = 3;
const FILE_HEADER = 14;
const HEADER_SIZES: readonly number[] = [12, 40, 52, 56, 64, 108, 124];

interface Header {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Red, green, blue, alpha: bits of a pixel. */
  readonly masks: readonly number[];
  /** Bytes of an entry of the colour table, and where the table and the pixels begin. */
  readonly entryBytes: number;
  readonly tableAt: number;
  readonly tableColours: number;
  readonly pixelsAt: number;
}

/**
 * Reads the header of a BMP file.
 *
 * Throws  Error, saying why, for what is not read here; a size that is not in the file is found when it is decoded.
 */
export function openBmp(bytes: Uint8Array): PictureFile {
  const header = readHeader(bytes);
  const { width, height } = header;
  return { width, height, decode: () => decode(bytes, header) };
}

function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER + 12) truncated();
  const size = view.getUint32(FILE_HEADER, true);
  if (!HEADER_SIZES.includes(size)) throw new Error(`a BMP header of ${size} bytes is not known`);
  if (bytes.length < FILE_HEADER + size) truncated();
  const facts = size === 12 ? oldFacts(view) : newFacts(view);
  const { bits, compression } = facts;
  const hasMasksBehind = size === 40 && compression === BIT_FIELDS;
  const tableAt = FILE_HEADER + size + (hasMasksBehind ? 12 : 0);
  if (bytes.length < tableAt) truncated();
  const tableColours = bits > 8 ? 0 : facts.colours || 2 ** bits;
  const entryBytes = size === 12 ? 3 : 4;
  const offset = view.getUint32(10, true);
  // Some files name the end of their header, which is where their colour table begins.
  const isBehindTable = offset === 0 || (offset === FILE_HEADER + size && bits <= 8);
  const header = {
    ...{ width: facts.width, height: Math.abs(facts.height), isTopDown: facts.height < 0 },
    ...{ bits, compression, entryBytes, tableAt, tableColours },
    masks: compression === BIT_FIELDS ? masksOf(view, size) : [],
    pixelsAt: isBehindTable ? tableAt + tableColours * entryBytes : offset,
  };
  checkHeader(header);
  return header;
}

/** OS/2's first header. */
function oldFacts(view: DataView) {
  const at = FILE_HEADER + 4;
  const [width, height] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
  return { width, height, bits: view.getUint16(at + 6, true), compression: 0, colours: 0 };
}

function newFacts(view: DataView) {
  const at = FILE_HEADER + 4;
  return {
    width: view.getInt32(at, true),
    height: view.getInt32(at + 4, true),
    bits: view.getUint16(at + 10, true),
    compression: view.getUint32(at + 12, true),
    colours: view.getUint32(at + 28, true),
  };
}

/** The masks lie behind a header of 40 bytes, and in a longer one at the same place. */
function masksOf(view: DataView, headerSize: number): number[] {
  const at = FILE_HEADER + 40;
  const masks = [0, 4, 8].map((more) => view.getUint32(at + more, true));
  masks.push(headerSize >= 56 && headerSize !== 64 ? view.getUint32(at + 12, true) : 0);
  return masks.every((mask) => mask === 0) ? [0xff0000, 0xff00, 0xff, 0xff000000] : masks;
}

function checkHeader({ width, height, bits, compression, tableColours, isTopDown }: Header): void {
  if (width <= 0 || height <= 0) throw new Error(`a picture of ${width} x ${height} pixels`);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new Error(`${bits} bits a pixel are not read`);
  const fits = [
    true,
    bits === 8 && !isTopDown,
    bits === 4 && !isTopDown,
    bits === 16 || bits === 32,
  ];
  if (fits[compression] !== true) {
    throw new Error(`BMP compression ${compression} with ${bits} bits a pixel is not read`);
  }
  if (tableColours > 65_536) throw new Error(`a colour table of ${tableColours} entries`);
}

function decode(bytes: Uint8Array, header: Header): Picture {
  const { width, height, bits, compression, pixelsAt } = header;
  if (compression === RLE8 || compression === RLE4) {
    const indices = runLengths(bytes.subarray(pixelsAt), { width, height, bits });
    return colours(indices, tableOf(bytes, header), header);
  }
  const stride = Math.floor((width * bits + 31) / 32) * 4;
  // The filling of the last row may be missing.
  const needed = stride * (height - 1) + Math.ceil((width * bits) / 8);
  if (bytes.length < pixelsAt + needed) truncated();
  const rowAt = (y: number) => pixelsAt + stride * (header.isTopDown ? y : height - 1 - y);
  if (bits <= 8) {
    const indices = new Uint8Array(width * height);
    for (let y = 0; y < height; y += 1) {
      unpack(bytes.subarray(rowAt(y)), bits, indices.subarray(y * width, (y + 1) * width));
    }
    return colours(indices, tableOf(bytes, header), header);
  }
  return bits === 24 ? triples(bytes, header, rowAt) : masked(bytes, header, rowAt);
}

function tableOf(bytes: Uint8Array, { tableAt, tableColours, entryBytes }: Header): Uint8Array {
  const entries = bytes.subarray(tableAt, tableAt + tableColours * entryBytes);
  return colourTable(entries, { step: entryBytes, red: 2, blue: 0 });
}

/** Indices of 1, 4 or 8 bits, the first in the highest ones. */
function unpack(row: Uint8Array, bits: number, target: Uint8Array): void {
  if (bits === 8) {
    target.set(row.subarray(0, target.length));
    return;
  }
  const perByte = 8 / bits;
  for (let x = 0; x < target.length; x += 1) {
    const shift = 8 - bits * ((x % perByte) + 1);
    target[x] = ((row[Math.floor(x / perByte)] as number) >> shift) & (2 ** bits - 1);
  }
}

function triples(bytes: Uint8Array, header: Header, rowAt: (y: number) => number): Picture {
  const { width, height } = header;
  const samples = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let from = rowAt(y), end = from + width * 3; from < end; from += 3, to += 3) {
      samples[to] = bytes[from + 2] as number;
      samples[to + 1] = bytes[from + 1] as number;
      samples[to + 2] = bytes[from] as number;
    }
  }
  return { width, height, channels: 3, samples };
}

/** Pixels of 16 or 32 bits, whose colours are some of them. */
function masked(bytes: Uint8Array, header: Header, rowAt: (y: number) => number): Picture {
  const { width, height, bits } = header;
  const plain = bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const masks = header.masks.length > 0 ? header.masks : plain;
  const channels = masks[3] === 0 ? 3 : 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Uint8Array(width * height * channels);
  const step = bits / 8;
  for (const [channel, { shift, most }] of masks.slice(0, channels).map(fieldOf).entries()) {
    const scale = 255 / Math.max(1, most);
    let to = channel;
    for (let y = 0; y < height; y += 1) {
      const start = rowAt(y);
      for (let at = start; at < start + width * step; at += step, to += channels) {
        const pixel = step === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
        samples[to] = Math.floor(((pixel >>> shift) & most) * scale + 1e-9);
      }
    }
  }
  return { width, height, channels, samples };
}

/** Where a mask's bits begin, and their largest value. Throws  Error for bits that do not lie together. */
function fieldOf(mask: number): { readonly shift: number; readonly most: number } {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  if (((most + 1) & most) !== 0 || most > 0xffff) {
    throw new Error(`the bit mask 0x${mask.toString(16)} is not read`);
  }
  return { shift, most };
}
