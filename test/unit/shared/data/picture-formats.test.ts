/** @file BMP, GIF and TIFF files that lie, end too soon or hold what is not read. */
import { describe, expect, it } from 'vitest';
import { openBmp } from '../../../../shared/data/pixels/formats/bmp.ts';
import { openGif } from '../../../../shared/data/pixels/formats/gif.ts';
import { unpackLzw } from '../../../../shared/data/pixels/formats/lzw.ts';
import { tiffRefusal } from '../../../../shared/data/pixels/formats/tiff.ts';

/** A BMP header of 40 bytes, and what follows. */
function bmp(
  facts: { width?: number; height?: number; bits?: number; compression?: number; size?: number },
  rest: readonly number[],
) {
  const { width = 2, height = 2, bits = 24, compression = 0, size = 40 } = facts;
  const head = Buffer.alloc(54);
  head.write('BM');
  head.writeUInt32LE(54 + (bits <= 8 ? 4 * 2 ** bits : 0), 10);
  head.writeUInt32LE(size, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  return Buffer.concat([head, Uint8Array.from(rest)]);
}
const table = Array.from({ length: 64 }, (_, i) => i);

describe('BMP', () => {
  it('has its rows from the bottom, blue first', () => {
    const file = bmp({}, [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12]);
    const { samples } = openBmp(file).decode();
    expect([...samples]).toEqual([9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4]);
  });

  it('takes no memory by the word of its header', () => {
    const file = openBmp(bmp({ width: 2 ** 30, height: 2 ** 30 }, [1, 2, 3]));
    expect([file.width, file.height]).toEqual([2 ** 30, 2 ** 30]);
    expect(() => file.decode()).toThrow(/truncated/);
  });

  it.each<[string, Buffer, RegExp]>([
    ['a cut header', bmp({}, []).subarray(0, 30), /truncated/],
    ['an unknown header', bmp({ size: 41 }, table), /41 bytes/],
    ['no pixels', bmp({ width: 0 }, table), /0 x 2/],
    ['a negative width', bmp({ width: -2 }, table), /-2 x 2/],
    ['2 bits a pixel', bmp({ bits: 2 }, table), /2 bits/],
    ['64 bits a pixel', bmp({ bits: 64 }, table), /64 bits/],
    ['a JPEG within', bmp({ compression: 4 }, table), /compression 4/],
    ['run lengths of colours', bmp({ compression: 1 }, table), /compression 1/],
    [
      'run lengths from above',
      bmp({ compression: 2, bits: 4, height: -2 }, table),
      /compression 2/,
    ],
    ['bit masks with holes', bmp({ compression: 3, bits: 32 }, [5, 0, 0, 0, ...table]), /0x5/],
    ['rows that are missing', bmp({}, [1, 2, 3, 4, 5, 6]), /truncated/],
    [
      'run lengths that are cut',
      bmp({ compression: 2, bits: 4 }, [...table, 2, 0x12, 0, 0]),
      /truncated/,
    ],
  ])('is refused with %s', (_, file, reason) => {
    expect(() => openBmp(file).decode()).toThrow(reason);
  });

  it('leaps over pixels, cuts runs at the edge and ends early where it says so', () => {
    const runs = [0, 2, 1, 0, 9, 0x11, 0, 1];
    const { samples } = openBmp(bmp({ compression: 2, bits: 4 }, [...table, ...runs])).decode();
    const reds = [...samples].filter((_, i) => i % 3 === 0);
    expect(reds).toEqual([2, 2, 2, 6]);
  });
});

describe('GIF', () => {
  const head = [...Buffer.from('GIF89a'), 2, 0, 1, 0, 0x80, 0, 0, 10, 20, 30, 40, 50, 60];
  const frame = [0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0];
  // Codes of 3 bits: clear, 0, 1, end.
  const data = [2, 2, 0x44, 0x0a, 0];
  const gif = (...parts: (readonly number[])[]) => Uint8Array.from(parts.flat());

  it('has the colours of its table', () => {
    const { samples, channels } = openGif(gif(head, frame, data)).decode();
    expect([channels, ...samples]).toEqual([3, 10, 20, 30, 40, 50, 60]);
  });

  it('keeps the colour of a transparent index beside its alpha', () => {
    const control = [0x21, 0xf9, 4, 1, 0, 0, 1, 0];
    const { samples } = openGif(gif(head, control, frame, data)).decode();
    expect([...samples]).toEqual([10, 20, 30, 255, 40, 50, 60, 0]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no picture', gif(head, [0x3b]), /no picture/],
    ['an end in its table', gif(head.slice(0, 15)), /truncated/],
    ['an end in an extension', gif(head, [0x21, 0xf9, 4, 1]), /truncated/],
    ['no pixels', gif(head, [0x2c, 0, 0, 0, 0, 0, 0, 1, 0, 0], data), /no pixels/],
    ['an end in its data', gif(head, frame, [2, 2, 0x44]), /truncated/],
    ['too few pixels', gif(head, frame, [2, 1, 0x2c, 0]), /truncated|damaged/],
    ['a code that is not there yet', gif(head, frame, [2, 2, 0x3c, 0, 0]), /damaged/],
    ['codes of 12 bits', gif(head, frame, [12, 2, 0x44, 0x0a, 0]), /12 bits/],
  ])('is refused with %s', (_, file, reason) => {
    expect(() => openGif(file).decode()).toThrow(reason);
  });

  it('unpacks no more than there is room for', () => {
    const target = new Uint8Array(1);
    expect(unpackLzw(Uint8Array.from([0x44, 0x0a]), 2, target)).toBe(1);
  });
});

describe('TIFF', () => {
  /** One directory of short numbers. */
  function tiff(tags: Record<number, number>, order: 'II' | 'MM' = 'II') {
    const entries = Object.entries(tags);
    const file = Buffer.alloc(10 + 12 * entries.length);
    const isLittle = order === 'II';
    const short = (value: number, at: number) =>
      isLittle ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at);
    file.write(order);
    short(42, 2);
    if (isLittle) file.writeUInt32LE(8, 4);
    else file.writeUInt32BE(8, 4);
    short(entries.length, 8);
    for (const [i, [tag, value]] of entries.entries()) {
      for (const [at, number] of [Number(tag), 3, 0, isLittle ? 1 : 0, value].entries()) {
        short(number, 10 + 12 * i + 2 * at);
      }
    }
    return file;
  }

  it.each(['II', 'MM'] as const)(
    'is refused for colours that libvips takes for RGB (%s)',
    (order) => {
      expect(tiffRefusal(tiff({ 262: 6 }, order))).toMatch(/YCbCr/);
      expect(tiffRefusal(tiff({ 259: 7, 262: 6 }, order))).toBeUndefined();
      expect(tiffRefusal(tiff({ 262: 2 }, order))).toBeUndefined();
    },
  );

  it('is refused for the preview of a raw photo', () => {
    expect(tiffRefusal(tiff({ 254: 1, 330: 8 }))).toMatch(/preview/);
    expect(tiffRefusal(tiff({ 254: 1 }))).toBeUndefined();
  });

  it('is left to libvips where it is cut', () => {
    const file = tiff({ 254: 1, 262: 6 });
    for (let end = 0; end < file.length - 12; end += 1) {
      expect(tiffRefusal(file.subarray(0, end))).toBeUndefined();
    }
  });
});
