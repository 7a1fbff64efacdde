/**
 * @file Writes small pictures as PNG files without a codec: 8 bits, grey or RGB.
 *
 * Source  PNG, third edition (W3C), sections 5 and 11.2.
 */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** PNG's colour types by number of channels. */
const COLOUR_TYPES = { 1: 0, 3: 2 } as const;

/** A PNG file of pixels. Shapes  pixels is [height, width, channels]. */
export function encodePng(
  pixels: Uint8Array,
  size: { readonly height: number; readonly width: number; readonly channels: 1 | 3 },
): Uint8Array {
  const { height, width, channels } = size;
  const rowBytes = width * channels;
  // Every row begins with its filter; 0 is none.
  const rows = Buffer.alloc(height * (rowBytes + 1));
  for (let y = 0; y < height; y += 1) {
    rows.set(pixels.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOUR_TYPES[channels], 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(typed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}
