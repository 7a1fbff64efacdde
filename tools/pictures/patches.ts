/** @file An image and its patches: laid out, the top row, and all of them as one numbered sequence. */
import { encodePng } from '../../shared/data/pixels/libvips.ts';
import type { RgbImage } from './image.ts';
import { cut, mosaic } from './pixels.ts';
import { COLOURS, embedded, picture, text } from './svg.ts';

const MARGIN = 20;
const SIDE = 440;
const WIDTH = 2 * SIDE + 3 * MARGIN;
/** Height of a title above what it names. */
const TITLE = 28;

/** One patch of an image, counted from 1 in reading order. */
export function patchOf(image: RgbImage, patchSize: number, number: number): RgbImage {
  const columns = image.width / patchSize;
  const [row, column] = [Math.floor((number - 1) / columns), (number - 1) % columns];
  const place = { left: column * patchSize, top: row * patchSize };
  return cut(image, { ...place, width: patchSize, height: patchSize });
}

/** An image as PNG, placed in an SVG. */
export async function placed(
  { pixels, ...size }: RgbImage,
  box: { x: number; y: number; width: number; height: number; isPixelated?: boolean },
): Promise<string> {
  return embedded(await encodePng(pixels, { ...size, channels: 3 }), box);
}

/** Draws a square image beside its patches, its top row, and the sequence that they become. */
export async function patchesPicture(image: RgbImage, patchSize: number): Promise<string> {
  const columns = image.width / patchSize;
  const count = columns ** 2;
  const gap = Math.max(2, Math.round(patchSize / 6));
  const patches = Array.from({ length: count }, (_, at) => patchOf(image, patchSize, at + 1));
  const right = SIDE + 2 * MARGIN;
  const box = { y: MARGIN + TITLE, width: SIDE, height: SIDE };
  const cell = (WIDTH - 2 * MARGIN) / Math.max(14, Math.min(columns, 28));
  const rowTop = box.y + SIDE + MARGIN;
  const sequenceTop = rowTop + TITLE + cell + 2 * MARGIN;
  const shownOfRow = Math.min(columns, 28);
  const parts = [
    title(`the image: ${image.width} x ${image.width} pixels`, MARGIN, MARGIN),
    await placed(image, { ...box, x: MARGIN }),
    title(
      `${columns} x ${columns} = ${count} patches of ${patchSize} x ${patchSize}`,
      right,
      MARGIN,
    ),
    await placed(mosaic(patches, columns, gap), { ...box, x: right }),
    title(`the top row: patches 1 to ${shownOfRow}`, MARGIN, rowTop),
    ...(await strip(range(1, shownOfRow), { patches, top: rowTop + TITLE, cell })),
    title(`all of them, in reading order: a sequence of ${count}`, MARGIN, sequenceTop),
    ...(await strip(sequenceOf(count), { patches, top: sequenceTop + TITLE, cell })),
  ];
  return picture(WIDTH, sequenceTop + TITLE + cell + 2 * MARGIN, parts);
}

function title(content: string, x: number, top: number): string {
  return text(content, { x, y: top + 16, size: 15, weight: 'bold' });
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Numbers of the patches that are shown of a sequence: its start, its middle and its end; 0 is a gap. */
export function sequenceOf(count: number): readonly number[] {
  if (count <= 14) return range(1, count);
  const middle = Math.round(count / 2) + 1;
  return [...range(1, 4), 0, ...range(middle - 2, middle + 1), 0, ...range(count - 3, count)];
}

/** Patches in a line, each above its number. */
async function strip(
  numbers: readonly number[],
  place: { readonly patches: readonly RgbImage[]; readonly top: number; readonly cell: number },
): Promise<string[]> {
  const { patches, top, cell } = place;
  const parts = numbers.map(async (number, at) => {
    const x = MARGIN + at * cell;
    const middle = { x: x + cell / 2 - 2, anchor: 'middle' } as const;
    const patch = patches[number - 1];
    if (patch === undefined) return text('…', { ...middle, y: top + cell / 2, size: 20 });
    const size = { width: cell - 4, height: cell - 4, isPixelated: true };
    const label = { ...middle, y: top + cell + 11, size: 12, colour: COLOURS.faint };
    return (await placed(patch, { x, y: top, ...size })) + text(String(number), label);
  });
  return await Promise.all(parts);
}
