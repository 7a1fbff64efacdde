/** @file JPEG files by kernels: the bytes of libvips, any part of any picture; what is not quite in order is left to it. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../../../shared/data/pixels/geometry.ts';
import { decodeByKernels } from '../../../../shared/data/pixels/jpeg-kernel.ts';

/** Colours of half the width and full height, which sharp does not write: 25 x 11, by Pillow. */
const HALF_WIDTH = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9' +
    'lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAALABkD' +
    'ASEAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAwYCBP/EACcQAAEDAwIEBwAAAAAAAAAAAAEAAgMEERIFIRMUIpEjMVFSYWJx/8QAFwEBAQEB' +
    'AAAAAAAAAAAAAAAAAwUBBP/EAB8RAAEEAgIDAAAAAAAAAAAAAAEAAgMEERIhMQUzYf/aAAwDAQACEQMRAD8AGp1qpDfFZt8BG2Wq4fMxBu29ikD6' +
    'kZLwe+EsVo65CNusy1hxqWkW9Ak5iL7LGaQjVnSAxVScyHlUMcMTr5Maf0Kd1Altdg3Zt/IKO33EfF0ePALF2xxR4joHZb4bPaOyRpOFFuHExX//' +
    '2Q==',
  'base64',
);

/** What libvips makes of a part of a file; nothing of one that it refuses. */
async function byLibvips(file: Uint8Array, part?: Box): Promise<Buffer | undefined> {
  const image = sharp(file, { failOn: 'warning', ignoreIcc: true });
  try {
    const { space } = await image.metadata();
    if (part !== undefined) image.extract(part);
    return await image.toColourspace(space).raw().toBuffer();
  } catch {
    return undefined;
  }
}

const side = fc.integer({ min: 8, max: 80 });
const pictures = fc.record({
  ...{ width: side, height: side, isGrey: fc.boolean() },
  // Soft shades, and hard edges, where samples go beyond black and white.
  shade: fc.constantFrom(
    (at: number) => 128 + 100 * Math.sin(at / 37) + ((at * 31) % 19),
    (at: number) => (Math.imul(at, 0x9e37_79b1) >>> 31) * 255,
  ),
  jpeg: fc.record({
    quality: fc.constantFrom(5, 50, 80, 95, 100),
    chromaSubsampling: fc.constantFrom('4:2:0', '4:4:4'),
    optimiseCoding: fc.boolean(),
  }),
  /** Where the part lies, and how much of the rest it takes. */
  part: fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99)),
});
type Picture = typeof pictures extends fc.Arbitrary<infer T> ? T : never;

async function fileOf({ width, height, isGrey, shade, jpeg }: Picture): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => shade(at));
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return await (isGrey ? image.toColourspace('b-w') : image).jpeg(jpeg).toBuffer();
}

function partOf({ width, height, part: [x, y, across, down] }: Picture): Box {
  const [left, top] = [Math.floor((x * width) / 100), Math.floor((y * height) / 100)];
  const share = (room: number, percent: number) => 1 + Math.floor(((room - 1) * percent) / 99);
  return { left, top, width: share(width - left, across), height: share(height - top, down) };
}

async function expectSame(file: Uint8Array, part?: Box): Promise<void> {
  const pixels = decodeByKernels(file, part)?.pixels.slice();
  expect(pixels).toBeDefined();
  expect(Buffer.compare(pixels as Uint8Array, (await byLibvips(file, part)) as Buffer)).toBe(0);
}

describe('the kernels', () => {
  it('make the bytes of libvips, of all and of a part', async () => {
    await fc.assert(
      fc.asyncProperty(pictures, async (picture) => {
        const file = await fileOf(picture);
        await expectSame(file);
        await expectSame(file, partOf(picture));
      }),
      { numRuns: 60 },
    );
    await expectSame(HALF_WIDTH);
    await expectSame(HALF_WIDTH, { left: 3, top: 2, width: 17, height: 8 });
  });

  it('read nothing of a damaged file that libvips refuses, and the same of one that it reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...([pictures, fc.nat(), fc.integer({ min: -1, max: 255 })] as const),
        async (picture, place, value) => {
          const file = await fileOf(picture);
          const at = place % file.length;
          if (value >= 0) file[at] = value;
          const damaged = value < 0 ? file.subarray(0, at) : file;
          const read = decodeByKernels(damaged, undefined)?.pixels.slice();
          if (read === undefined) return;
          const pixels = await byLibvips(damaged);
          expect(pixels && Buffer.compare(read, pixels)).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('read a grey file of the samplings that libvips reads', async () => {
    const grey = sharp(new Uint8Array(32 ** 2).fill(90), {
      raw: { width: 32, height: 32, channels: 1 },
    });
    const file = await grey.toColourspace('b-w').jpeg().toBuffer();
    // Behind the marker: length, bits, height, width, components, then the component's name.
    const at = file.indexOf(Buffer.from([0xff, 0xc0])) + 11;
    expect(file[at]).toBe(0x11);
    for (let sampling = 0; sampling < 256; sampling += 1) {
      file[at] = sampling;
      const isRead = decodeByKernels(file, undefined) !== undefined;
      expect(isRead, `sampling ${sampling}`).toBe((await byLibvips(file)) !== undefined);
    }
  });

  it('leave alone what is not of the commonest kind', async () => {
    const raw = { width: 32, height: 32, channels: 3 } as const;
    const progressive = sharp(new Uint8Array(3 * 32 ** 2), { raw }).jpeg({ progressive: true });
    expect(decodeByKernels(await progressive.toBuffer(), undefined)).toBeUndefined();
    const narrow = sharp(new Uint8Array(3 * 5 * 9), { raw: { ...raw, width: 5, height: 9 } });
    expect(decodeByKernels(await narrow.jpeg().toBuffer(), undefined)).toBeUndefined();
    expect(decodeByKernels(HALF_WIDTH.subarray(0, -2), undefined)).toBeUndefined();
  });
});
