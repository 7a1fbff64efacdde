/** @file The door of images: real files, changed; sizes that are made up; pixels that come raw over the wire. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { type DecodeOptions, decodeImage } from '../../shared/data/pipeline/decode.ts';
import { fileSample } from '../support/data.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#48a' } });
const PNG = await picture(20, 12).png().toBuffer();
const IMAGES = [
  PNG,
  await picture(9, 9).png({ palette: true }).toBuffer(),
  await picture(20, 12).jpeg().toBuffer(),
  await picture(20, 12).withMetadata({ orientation: 6 }).jpeg({ progressive: true }).toBuffer(),
  await picture(20, 12).webp().toBuffer(),
];
/** A few bytes each, and billions of pixels where somebody enlarges them in proportion. */
const NARROW = [
  await picture(1, 16_000).png().toBuffer(),
  await picture(16_000, 1).webp({ lossless: true }).toBuffer(),
  await picture(1, 200_000).png().toBuffer(),
];

/** Files of the formats and layouts that are read, or put in order, by Tessera itself, and of rare ones. */
const RARE = rareFiles();

function rareFiles(): Buffer[] {
  const path = join(import.meta.dirname, '../fixtures/pixels/pixels.json');
  const { files }: { files: { name: string; file: string }[] } = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  return files
    .filter(({ name }) => /^bmp|^gif|^tiff|cmyk|restart|alpha/.test(name))
    .map(({ file }) => Buffer.from(file, 'base64'));
}

/** The PNG with another size in its header, whose checksum holds. */
function claiming(width: number, height: number): Buffer {
  const bytes = Buffer.from(PNG);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

/** 12 kB that are all there, and 100 megapixels and more. */
const VAST = vast(10_001, 10_000);

function vast(width: number, height: number): Buffer {
  const chunk = (type: string, content: Buffer) => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), content, Buffer.alloc(4)]);
    bytes.writeUInt32BE(content.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // One bit a pixel, grey.
  header.writeUInt8(1, 8);
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height));
  const chunks = [chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([PNG.subarray(0, 8), ...chunks]);
}

const side = fc.constantFrom(0, 1, 12, 20, 9_000, 2 ** 16, 2 ** 31 - 1, 2 ** 32 - 1);
const files = fc
  .oneof(
    { weight: 18, arbitrary: mutated(IMAGES, { changesMax: 3, headBytes: 120 }) },
    {
      weight: 1,
      arbitrary: fc.tuple(side, side).map(([width, height]) => claiming(width, height)),
    },
    { weight: 1, arbitrary: fc.constantFrom(...NARROW) },
    { weight: 1, arbitrary: fc.constant(VAST) },
  )
  .map((bytes) => fileSample('file', bytes));
const raws = fc
  .tuple(side, side, fc.nat(5), fc.nat(60))
  .map(([height, width, channels, length]) => ({
    ...{ index: 0, label: 0, name: 'raw', raw: { height, width, channels } },
    bytes: new Uint8Array(length),
  }));
const options: fc.Arbitrary<DecodeOptions> = fc.record({
  imageSize: fc.constantFrom(4, 96),
  channels: fc.constantFrom(1, 3),
  resize: fc.constantFrom('stretch', 'crop'),
  cropFraction: fc.constantFrom(1, 0.875),
  interpolation: fc.constantFrom('bicubic', 'bilinear', 'lanczos'),
  background: fc.constantFrom(undefined, '#ff800a'),
});

export const imageDoors = [
  door({
    name: 'images',
    numInputs: 130,
    inputs: fc.tuple(fc.oneof({ weight: 5, arbitrary: files }, raws), options),
    async enter([sample, how]) {
      const pixels = await decodeImage(sample, how);
      if (sample.bytes.length === VAST.length) throw new Error('too many pixels were decoded');
      if (pixels.length !== how.imageSize ** 2 * how.channels) throw new Error('other pixels came');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'rare images',
    numInputs: 150,
    inputs: fc.tuple(
      mutated(RARE, { changesMax: 3, headBytes: 90 }).map((bytes) => fileSample('file', bytes)),
      options,
    ),
    async enter([sample, how]) {
      const pixels = await decodeImage(sample, how);
      if (pixels.length !== how.imageSize ** 2 * how.channels) throw new Error('other pixels came');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.2 },
  }),
];
