/** @file JPEG files that are out of order are put in order; where pixels are lost, nothing is. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeWhole } from '../../../../shared/data/pipeline/decode.ts';
import { tidyJpeg } from '../../../../shared/data/pixels/formats/jpeg.ts';
import { fileSample } from '../../../support/data.ts';

const pixels = Uint8Array.from({ length: 67 * 49 * 3 }, (_, i) => (i * 7) ^ (i >> 6));
const picture = () => sharp(pixels, { raw: { width: 67, height: 49, channels: 3 } });
const PLAIN = await picture().jpeg({ quality: 85 }).toBuffer();
const PROGRESSIVE = await picture().jpeg({ quality: 85, progressive: true }).toBuffer();

/** Where the first scan's header begins. */
function scanAt(file: Buffer): number {
  let at = 2;
  while (file[at + 1] !== 0xda) at += 2 + file.readUInt16BE(at + 2);
  return at;
}

const bytes = (...parts: (Uint8Array | readonly number[])[]) =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));
/** Bytes put before the place `at`; what they take the place of is `drops` long. */
const put = (file: Buffer, at: number, some: readonly number[], drops = 0) =>
  bytes(file.subarray(0, at), some, file.subarray(at + drops));
const read = async (file: Uint8Array) =>
  (
    await decodeWhole(fileSample('a.jpg', file), {
      ...{ channels: 3, background: undefined, interpolation: 'bicubic', sideMax: 100 },
    })
  ).pixels;

const scan = scanAt(PLAIN);
const second = 4 + PLAIN.readUInt16BE(4);
const JFIF_3 = [0xff, 0xe0, 0, 16, ...Buffer.from('JFIF'), 0, 3, 1, 0, 0, 1, 0, 1, 0, 0];
const [zeros, ff00] = [Array<number>(300).fill(0), [0xff, 0, 0xff, 0]];
/** Of one component each, at the places where restarts begin anew. */
const whole: [string, Buffer, Buffer][] = [
  ['zeros before the scan', put(PLAIN, scan, zeros), PLAIN],
  ['escaped bytes before the scan', put(PLAIN, scan, ff00), PLAIN],
  ['zeros between all segments', put(put(PLAIN, scan, [0]), second, [0, 0]), PLAIN],
  ['a scan with the numbers of phones', put(PLAIN, scan + 11, [0, 0, 0], 3), PLAIN],
  ['an unknown version of JFIF', put(PLAIN, 2, JFIF_3), PLAIN],
  ['text behind its end', bytes(PLAIN, Buffer.from('and more')), PLAIN],
  ['another file behind its end', bytes(PLAIN, PROGRESSIVE), PLAIN],
  ['zeros before its end', put(PLAIN, PLAIN.length - 2, zeros), PLAIN],
  ['progressive, zeros before the scan', put(PROGRESSIVE, scanAt(PROGRESSIVE), zeros), PROGRESSIVE],
  [
    'progressive, zeros before its end',
    put(PROGRESSIVE, PROGRESSIVE.length - 2, zeros),
    PROGRESSIVE,
  ],
];

describe('a JPEG file that is out of order', () => {
  it.each(whole)('is read with the same pixels: %s', async (_, file, original) => {
    expect(Buffer.compare(await read(file), await read(original))).toBe(0);
  });

  const start = scan + 14;
  const half = start + Math.floor((PLAIN.length - start) / 2);
  const lost: [string, Buffer][] = [
    ['no end', PLAIN.subarray(0, -2)],
    ['half of it', PLAIN.subarray(0, half)],
    ['half of it, and an end', bytes(PLAIN.subarray(0, half), [0xff, 0xd9])],
    ['half of it, zeros and an end', bytes(PLAIN.subarray(0, half), zeros, [0xff, 0xd9])],
    ['half of it behind zeros', put(PLAIN.subarray(0, half), scan, zeros)],
    [
      'half of it behind zeros, and an end',
      bytes(put(PLAIN.subarray(0, half), scan, zeros), [0xff, 0xd9]),
    ],
    ['restarts promised that are not there', put(PLAIN, scan, [0xff, 0xdd, 0, 4, 0, 2])],
    ['a restart where none belongs', put(PLAIN, half, [0xff, 0xd0])],
    ['a segment longer than the file', put(PLAIN, 2, [0xff, 0xe5, 0xff, 0xff])],
  ];
  it.each(lost)('is refused where pixels are lost: %s', async (_, file) => {
    await expect(read(file)).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });
});

describe('tidyJpeg', () => {
  it('leaves a file in order as it is', () => {
    expect(Buffer.compare(tidyJpeg(PLAIN, true)!, PLAIN)).toBe(0);
    expect(Buffer.compare(tidyJpeg(PROGRESSIVE, false)!, PROGRESSIVE)).toBe(0);
  });

  // 8 x 24 grey pixels: three units, and a restart behind each but the last.
  const framed = (restarts: readonly number[], interval = 1) =>
    bytes(
      ...[
        [0xff, 0xd8],
        [0xff, 0xc0, 0, 11, 8, 0, 24, 0, 8, 1, 1, 0x11, 0],
      ],
      ...[
        [0xff, 0xdd, 0, 4, 0, interval],
        [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
      ],
      ...restarts.map((marker) => [0x55, 0xff, marker]),
      [0x55, 0xff, 0xd9],
    );
  it.each<[string, readonly number[], number, boolean]>([
    ['as many restarts as units ask for', [0xd0, 0xd1], 1, true],
    ['a number that decoders take for the one they expect', [0xd4, 0xd1], 1, true],
    ['a number that says that one is missing', [0xd1, 0xd2], 1, false],
    ['too few', [0xd0], 1, false],
    ['too many', [0xd0, 0xd1, 0xd2], 1, false],
    ['an interval of two units', [0xd0], 2, true],
    ['an interval of all', [], 3, true],
  ])('counts restarts: %s', (_, restarts, interval, isWhole) => {
    const tidy = tidyJpeg(framed(restarts, interval), false);
    expect(tidy !== undefined).toBe(isWhole);
    if (isWhole && restarts[0] === 0xd4) {
      expect(Buffer.compare(tidy!, framed([0xd0, 0xd1]))).toBe(0);
    }
  });
});
