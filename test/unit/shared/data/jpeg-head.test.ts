/** @file What the head of a JPEG file says is what the decoder says, or nothing. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { plainJpeg } from '../../../../shared/data/pixels/formats/jpeg-head.ts';

const image = (width = 31, height = 17) =>
  sharp(new Uint8Array(width * height * 3).fill(90), { raw: { width, height, channels: 3 } });

it.each([
  ['baseline', image().jpeg(), 3],
  ['progressive', image(40, 300).jpeg({ progressive: true }), 3],
  ['grey', image().toColourspace('b-w').jpeg(), 1],
  ['full chroma', image().jpeg({ chromaSubsampling: '4:4:4' }), 3],
  ['with a profile', image().jpeg().withIccProfile('p3'), 3],
])('%s', async (_, file, channels) => {
  const bytes = await file.toBuffer();
  const { width, height, space, depth } = await sharp(bytes).metadata();
  expect(plainJpeg(bytes)).toEqual({ width, height, channels });
  expect([space, depth]).toEqual([channels === 1 ? 'b-w' : 'srgb', 'uchar']);
  // Nothing of a part that ends before the frame.
  for (const end of [0, 1, 2, 3, 10, 20, 60]) {
    expect(plainJpeg(bytes.subarray(0, end))).toBeUndefined();
  }
});

it.each([
  ['turned by its EXIF data', image().withMetadata({ orientation: 6 }).jpeg()],
  ['in inks', image().toColourspace('cmyk').jpeg()],
  ['not a JPEG', image().png()],
])('nothing of one that is %s', async (_, file) => {
  expect(plainJpeg(await file.toBuffer())).toBeUndefined();
});

it('nothing of bytes between segments', async () => {
  const bytes = await image().jpeg().toBuffer();
  expect(plainJpeg(Buffer.concat([bytes.subarray(0, 2), Buffer.of(0), bytes.subarray(2)]))).toBe(
    undefined,
  );
});
