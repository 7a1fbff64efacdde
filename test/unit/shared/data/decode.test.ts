/** @file Decoding: kinds of images, orientation, the square, damaged files. */
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type DecodeOptions, decodeImage } from '../../../../shared/data/pipeline/decode.ts';
import { expectInvalid, fileSample, rawSample } from '../../../support/data.ts';

const ORANGE = { r: 200, g: 100, b: 50 };
const STRETCH: DecodeOptions = {
  imageSize: 4,
  channels: 3,
  resize: 'stretch',
  cropFraction: 1,
  interpolation: 'bicubic',
};
const CROP: DecodeOptions = { ...STRETCH, resize: 'crop' };

function orange(alpha?: number) {
  const background = alpha === undefined ? ORANGE : { ...ORANGE, alpha };
  const channels = alpha === undefined ? 3 : 4;
  return sharp({ create: { width: 12, height: 8, channels, background } });
}

/** A picture of noise, so that its JPEG has something to lose everywhere. */
function noise(width: number, height: number) {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 7919 + (i >> 3)) & 255,
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** A picture of vertical stripes of one colour each. */
function stripes(colours: readonly (readonly number[])[], stripe: number, height: number) {
  const width = colours.length * stripe;
  const row = colours.flatMap((colour) => Array(stripe).fill(colour).flat() as number[]);
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => row[i % row.length]!);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

describe('decodeImage', () => {
  const GREY = 124; // Luma of the orange.
  const kinds: [string, Promise<Buffer>, readonly number[], number][] = [
    ['RGB PNG', orange().png().toBuffer(), [200, 100, 50], GREY],
    ['RGB JPEG', orange().jpeg({ quality: 100 }).toBuffer(), [200, 100, 50], GREY],
    ['lossless WebP', orange().webp({ lossless: true }).toBuffer(), [200, 100, 50], GREY],
    ['palette PNG', orange().png({ palette: true }).toBuffer(), [200, 100, 50], GREY],
    ['16-bit RGB PNG', orange().toColourspace('rgb16').png().toBuffer(), [200, 100, 50], GREY],
    ['grey JPEG', orange().toColourspace('b-w').jpeg().toBuffer(), [128, 128, 128], 128],
    ['16-bit grey PNG', orange().toColourspace('grey16').png().toBuffer(), [128, 128, 128], 128],
    ['half transparent PNG', orange(0.5).png().toBuffer(), [200, 100, 50], GREY],
  ];
  it.each(kinds)('reads a %s as RGB and as grey', async (name, file, rgb, grey) => {
    const sample = fileSample(name, await file);
    const rgbPixels = await decodeImage(sample, STRETCH);
    expect(rgbPixels.length).toBe(4 * 4 * 3);
    for (const [i, value] of rgbPixels.entries()) {
      expect(Math.abs(value - rgb[i % 3]!)).toBeLessThanOrEqual(3);
    }
    const greyPixels = await decodeImage(sample, { ...STRETCH, channels: 1 });
    expect(greyPixels.length).toBe(4 * 4);
    for (const value of greyPixels) expect(Math.abs(value - grey)).toBeLessThanOrEqual(3);
  });

  it('turns an image upright before it cuts', async () => {
    // Stored red | green; orientation 6 asks for a clockwise turn, so red comes on top.
    const file = await stripes(
      [
        [255, 0, 0],
        [0, 255, 0],
      ],
      8,
      16,
    )
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const sample = fileSample('turned', file);
    expect(colourAt(await decodeImage(sample, STRETCH), 4, 1, 0)).toEqual([255, 0, 0]);
    expect(colourAt(await decodeImage(sample, STRETCH), 4, 1, 3)).toEqual([0, 255, 0]);
    const topHalf = { area: 0.5, aspect: 2, left: 0, top: 0 };
    expect(colourAt(await decodeImage(sample, STRETCH, topHalf), 4, 1, 3)).toEqual([255, 0, 0]);
  });

  it('cuts the centre, stretches the whole, or takes the region asked for', async () => {
    const file = await stripes(
      [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
      ],
      16,
      16,
    )
      .png()
      .toBuffer();
    const sample = fileSample('stripes', file);
    const corners = async (options: DecodeOptions, region?: Parameters<typeof decodeImage>[2]) => {
      const pixels = await decodeImage(sample, options, region);
      return [colourAt(pixels, 4, 0, 0), colourAt(pixels, 4, 3, 3)];
    };
    expect(await corners(STRETCH)).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
    const [left, right] = await corners(CROP);
    expect(left![1]).toBeGreaterThan(230);
    expect(right![1]).toBeGreaterThan(230);
    const lastThird = { area: 1 / 3, aspect: 1, left: 0.999, top: 0 };
    expect(await corners(CROP, lastThird)).toEqual([
      [0, 0, 255],
      [0, 0, 255],
    ]);
  });

  it('passes raw pixels of the right size as they are, and resizes others', async () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 16);
    const sample = rawSample(4, 1, bytes);
    expect(await decodeImage(sample, { ...CROP, channels: 1 })).toBe(bytes);
    expect([...(await decodeImage(sample, CROP))].slice(3, 7)).toEqual([16, 16, 16, 32]);
    const larger = await decodeImage(sample, { ...CROP, imageSize: 8, channels: 1 });
    expect(larger.length).toBe(64);
    expect(larger[63]).toBeGreaterThan(larger[0]!);
    const closer = await decodeImage(sample, { ...CROP, cropFraction: 0.5, channels: 1 });
    expect(closer[0]).toBeGreaterThan(bytes[0]!);
  });

  it('gives the same bytes twice', async () => {
    const sample = fileSample('noise', await noise(90, 70).jpeg().toBuffer());
    const options = { ...CROP, imageSize: 32, cropFraction: 0.9 };
    expect(await decodeImage(sample, options)).toEqual(await decodeImage(sample, options));
  });

  it('takes an image of any proportion', async () => {
    const sample = fileSample('line', await noise(2000, 1).png().toBuffer());
    expect((await decodeImage(sample, { ...CROP, imageSize: 32 })).length).toBe(32 * 32 * 3);
  });

  const encodings: [string, Promise<Buffer>][] = [
    ['JPEG', noise(64, 64).jpeg().toBuffer()],
    ['progressive JPEG', noise(64, 64).jpeg({ progressive: true }).toBuffer()],
    ['PNG', noise(64, 64).png().toBuffer()],
    ['WebP', noise(64, 64).webp().toBuffer()],
  ];
  it('lays transparent parts on a colour where one is stated', async () => {
    const sample = fileSample('half', await orange(0.5).png().toBuffer());
    const pixels = await decodeImage(sample, { ...STRETCH, background: '#ffffff' });
    for (const [i, value] of pixels.entries()) {
      expect(Math.abs(value - [227, 177, 152][i % 3]!)).toBeLessThanOrEqual(1);
    }
  });

  it.each(encodings)('refuses a %s that is cut off anywhere', async (name, file) => {
    const bytes = await file;
    await decodeImage(fileSample(name, bytes), CROP);
    for (const share of [0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      await expectInvalid(decodeImage(fileSample(`cut.${name}`, cut), CROP), /cannot decode cut\./);
    }
  });

  it('converts every pixel of a photo of more than a megapixel, and shrinks it', async () => {
    const size = { width: 1300, height: 1000 };
    const clear = sharp({
      create: { ...size, channels: 4, background: { ...ORANGE, alpha: 0.5 } },
    });
    const deep = sharp({ create: { ...size, channels: 3, background: ORANGE } });
    for (const file of [
      await clear.png().toBuffer(),
      await deep.png().toBuffer(),
      await deep.gif().toBuffer(),
      await deep.toColourspace('rgb16').png().toBuffer(),
    ]) {
      const sample = fileSample('large', file);
      expect(await decodeImage(sample, CROP)).toEqual(
        Uint8Array.from({ length: 48 }, (_, i) => [200, 100, 50][i % 3]!),
      );
      const grey = await decodeImage(sample, { ...CROP, channels: 1 });
      expect(new Set(grey)).toEqual(new Set([124]));
    }
  });

  const foreign: [string, ReturnType<typeof rawSample>, RegExp][] = [
    ['text', fileSample('a.jpg', new TextEncoder().encode('hello')), /cannot decode .*: it is /],
    [
      'SVG',
      fileSample('b.png', new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>')),
      /cannot decode .*: it is /,
    ],
    ['raw pixels of another size', rawSample(4, 1, new Uint8Array(15)), /15 bytes .* expected 16/],
    ['an empty raw image', rawSample(0, 1, new Uint8Array(0)), /0 bytes/],
  ];
  it.each(foreign)('refuses %s', async (_, sample, sentence) => {
    await expectInvalid(decodeImage(sample, STRETCH), sentence);
  });

  it('refuses an image of too many pixels before it decodes them', async () => {
    const file = await orange().png().toBuffer();
    file.writeUInt32BE(12_000, 16);
    file.writeUInt32BE(12_000, 20);
    file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
    await expectInvalid(
      decodeImage(fileSample('bomb', file), CROP),
      /more than 100 megapixels: make it smaller/,
    );
  });
});

function colourAt(pixels: Uint8Array, side: number, x: number, y: number): number[] {
  return [...pixels.subarray((y * side + x) * 3, (y * side + x + 1) * 3)];
}

describe('huge images', () => {
  it('are decoded one after the other, however many come at once', async () => {
    // 50 megapixels each, in a few kilobytes: two of them are more than may be under way.
    const huge = await sharp({
      create: { width: 10_010, height: 5_000, channels: 3, background: ORANGE },
    })
      .jpeg({ quality: 1 })
      .toBuffer();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, sharp.counters().process);
    }, 1);
    const samples = [1, 2].map((number) => fileSample(`${number}.jpg`, huge));
    const squares = await Promise.all(samples.map((sample) => decodeImage(sample, CROP)));
    clearInterval(watch);
    expect(squares.map((pixels) => pixels.length)).toEqual([48, 48]);
    expect(most).toBe(1);
  });
});
