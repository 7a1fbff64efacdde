/** @file One patch as a machine has it: its place in the image, its numbers by colour, and the row that they become. */
import type { RgbImage } from './image.ts';
import { patchOf, placed } from './patches.ts';
import { blank } from './pixels.ts';
import { COLOURS, picture, text } from './svg.ts';

const MARGIN = 20;
const GRID = 360;
const WIDTH = 3 * GRID + 4 * MARGIN;
const TITLE = 28;
const PHOTO = GRID;
/** Height of the row of numbers. */
const ROW = 34;

/** The three lights of a pixel, each with the ink of its words. */
const CHANNELS = [
  { name: 'red', ink: '#b3261e', light: [255, 84, 72] },
  { name: 'green', ink: '#1f7a3d', light: [84, 214, 116] },
  { name: 'blue', ink: '#2459b8', light: [96, 150, 255] },
] as const;
/** Luminance from which words on a ground are dark. */
const BRIGHT = 150;

/** Draws the patch of a number, counted from 1. */
export async function patchNumbers(
  image: RgbImage,
  patchSize: number,
  number: number,
): Promise<string> {
  const patch = patchOf(image, patchSize, number);
  const area = patchSize ** 2;
  const gridTop = MARGIN + TITLE + PHOTO + 2 * MARGIN;
  const rowTop = gridTop + TITLE + GRID + 2 * MARGIN;
  const cell = GRID / patchSize;
  const parts = [
    ...(await whereItLies(image, patch, { patchSize, number })),
    ...CHANNELS.flatMap(({ name, ink }, channel) => {
      const x = MARGIN + channel * (GRID + MARGIN);
      const heading = `${name}: ${patchSize} x ${patchSize} numbers from 0 to 255`;
      return [
        text(heading, { x, y: gridTop + 16, size: 15, weight: 'bold', colour: ink }),
        ...numberGrid(patch, channel, { x, y: gridTop + TITLE, cell }),
      ];
    }),
    text(`and as one row of ${patchSize} x ${patchSize} x 3 = ${3 * area} numbers`, {
      ...{ x: MARGIN, y: rowTop + 16, size: 15, weight: 'bold' },
    }),
    ...(await asRow(patch, rowTop + TITLE)),
  ];
  return picture(WIDTH, rowTop + TITLE + ROW + 3 * MARGIN, parts);
}

/** The image with the patch framed, and the patch from near. */
async function whereItLies(
  image: RgbImage,
  patch: RgbImage,
  { patchSize, number }: { readonly patchSize: number; readonly number: number },
): Promise<string[]> {
  const columns = image.width / patchSize;
  const cell = PHOTO / columns;
  const top = MARGIN + TITLE;
  const left = MARGIN + cell * ((number - 1) % columns);
  const upper = top + cell * Math.floor((number - 1) / columns);
  const near = MARGIN + GRID + MARGIN;
  const bold = { y: MARGIN + 16, size: 15, weight: 'bold' } as const;
  const rays = `M${left + cell} ${upper}L${near} ${top}M${left + cell} ${upper + cell}L${near} ${top + PHOTO}`;
  const size = { y: top, width: PHOTO, height: PHOTO };
  return [
    text(`patch ${number} of ${columns ** 2}`, { x: MARGIN, ...bold }),
    await placed(image, { x: MARGIN, ...size }),
    `<path d="${rays}" stroke="${COLOURS.ink}" stroke-width="1" stroke-dasharray="4 4"/>`,
    frame({ x: left, y: upper, side: cell }),
    text(`from near: ${patchSize} x ${patchSize} pixels`, { x: near, ...bold }),
    await placed(patch, { x: near, ...size, isPixelated: true }),
    frame({ x: near, y: top, side: PHOTO }),
    ...onePixel(patch, { x: near + GRID + MARGIN, y: top }),
  ];
}

/** A pixel of the last row as its three lights. */
function onePixel(patch: RgbImage, { x, y }: Readonly<Record<'x' | 'y', number>>): string[] {
  const [row, column] = [patch.height - 1, Math.floor(patch.width / 2)];
  const first = 3 * (row * patch.width + column);
  const values = [...patch.pixels.subarray(first, first + 3)];
  const swatch = `<rect x="${x}" y="${y}" width="92" height="92" fill="rgb(${values.join(',')})" stroke="${COLOURS.ink}"/>`;
  const words = `row ${row + 1}, column ${column + 1}`;
  return [
    text('one pixel: three numbers', { x, y: y - TITLE + 16, size: 15, weight: 'bold' }),
    swatch,
    text(words, { x: x + 108, y: y + 18, size: 13, colour: COLOURS.faint }),
    ...CHANNELS.flatMap(({ name, ink }, channel) => {
      const value = values[channel] ?? 0;
      const top = y + 124 + 40 * channel;
      const style = { y: top + 17, size: 14, colour: ink } as const;
      return [
        text(name, { x, ...style }),
        `<rect x="${x + 60}" y="${top}" width="${255 * 0.85}" height="24" rx="4" fill="#eceff2"/>`,
        `<rect x="${x + 60}" y="${top}" width="${value * 0.85}" height="24" rx="4" fill="rgb(${shade(channel, 255)})"/>`,
        text(String(value), { ...style, x: x + 286, weight: 'bold' }),
      ];
    }),
  ];
}

/** The light of one colour, as bright as its number. */
function shade(channel: number, value: number): [red: number, green: number, blue: number] {
  const [red, green, blue] = CHANNELS[channel]?.light ?? [255, 255, 255];
  const dimmed = (full: number) => Math.round((full * value) / 255);
  return [dimmed(red), dimmed(green), dimmed(blue)];
}

/** A frame that shows on dark and on light. */
function frame({ x, y, side }: Readonly<Record<'x' | 'y' | 'side', number>>): string {
  const rectangle = `x="${x}" y="${y}" width="${side}" height="${side}" fill="none"`;
  return `<rect ${rectangle} stroke="#ffffff" stroke-width="5"/><rect ${rectangle} stroke="${COLOURS.ink}" stroke-width="2"/>`;
}

/** The numbers of one colour, each on a ground that is as strong. */
function numberGrid(
  patch: RgbImage,
  channel: number,
  { x, y, cell }: { readonly x: number; readonly y: number; readonly cell: number },
): string[] {
  const size = Math.min(14, cell * 0.42);
  return Array.from({ length: patch.width * patch.height }, (_, at) => {
    const value = patch.pixels[3 * at + channel] as number;
    const [column, row] = [at % patch.width, Math.floor(at / patch.width)];
    const [left, top] = [x + column * cell, y + row * cell];
    const place = {
      x: left + cell / 2,
      y: top + cell / 2 + size * 0.36,
      anchor: 'middle',
    } as const;
    const [red, green, blue] = shade(channel, value);
    const isBright = 0.299 * red + 0.587 * green + 0.114 * blue > BRIGHT;
    const colour = isBright ? COLOURS.ink : '#ffffff';
    return (
      `<rect x="${left}" y="${top}" width="${cell - 1}" height="${cell - 1}" fill="rgb(${shade(channel, value)})"/>` +
      text(String(value), { ...place, size, colour })
    );
  });
}

/** All numbers in a line, colour after colour, with the first ones written below. */
async function asRow(patch: RgbImage, top: number): Promise<string[]> {
  const area = patch.width * patch.height;
  const line = blank(3 * area, 1);
  for (let at = 0; at < 3 * area; at += 1) {
    const channel = Math.floor(at / area);
    const value = patch.pixels[3 * (at % area) + channel] as number;
    line.pixels.set(shade(channel, value), 3 * at);
  }
  const width = WIDTH - 2 * MARGIN;
  const row = await placed(line, { x: MARGIN, y: top, width, height: ROW, isPixelated: true });
  const parts = CHANNELS.flatMap(({ name, ink }, channel) => {
    const left = MARGIN + (channel * width) / 3;
    const numbers = Array.from(
      { length: 9 },
      (_, at) => patch.pixels[3 * at + channel] as number,
    ).join('  ');
    return [
      `<rect x="${left}" y="${top}" width="${width / 3}" height="${ROW}" fill="none" stroke="${ink}" stroke-width="2"/>`,
      text(`${name}: ${numbers} …`, { x: left + 4, y: top + ROW + 20, size: 12, colour: ink }),
    ];
  });
  return [row, ...parts];
}
