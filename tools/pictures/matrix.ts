/** @file The attention of one head: a matrix of tokens by tokens, and one row of it laid over the image. */
import { HEAT_LEGEND_HEIGHT, heatColours, heated, heatLegend } from './heat.ts';
import type { RgbImage } from './image.ts';
import { placed } from './patches.ts';
import { COLOURS, picture, text } from './svg.ts';

/** One head, and the row to be shown. */
export interface Matrix {
  readonly title: string;
  readonly image: RgbImage;
  /** Shapes  [T, T]: row by row, what each token looks at. */
  readonly values: Float32Array;
  /** What the token looks at, without the class token. Shapes  [side, side]. */
  readonly row: Float32Array;
  /** Its number; 0 is the class token. */
  readonly token: number;
}

const MARGIN = 20;
const SIDE = 400;
/** Left of the matrix, for the names of its rows. */
const ROW_NAMES = 64;
const TOP = 96;
const HEADING = 18;

/** Draws it: the image, the matrix, the image under the heat of the row. */
export async function matrixPicture(matrix: Matrix): Promise<string> {
  const { title, image, values, row, token } = matrix;
  const tokens = Math.sqrt(values.length);
  const side = Math.sqrt(row.length);
  const [left, middle] = [MARGIN, 2 * MARGIN + SIDE + ROW_NAMES];
  const right = middle + SIDE + 2 * MARGIN;
  const cell = SIDE / tokens;
  const box = { y: TOP, width: SIDE, height: SIDE };
  const colours = { width: tokens, height: tokens, pixels: heatColours(values) };
  const name = token === 0 ? 'class token' : `patch ${token}`;
  const line = TOP + (token + 0.5) * cell;
  const bold = { y: TOP - 12, size: HEADING - 3, weight: 'bold' } as const;
  const faint = { size: 12, colour: COLOURS.faint } as const;
  const parts = [
    text(title, { x: left, y: MARGIN + HEADING, size: HEADING, weight: 'bold' }),
    text(token === 0 ? 'the image' : `the image, and ${name}`, { x: left, ...bold }),
    await placed(image, { x: left, ...box }),
    ...frames(left, token, side),
    text(`who looks at whom: ${tokens} x ${tokens}`, { x: middle, ...bold }),
    await placed(colours, { x: middle, ...box, isPixelated: true }),
    text('class', { x: middle - 8, y: TOP + 10, anchor: 'end', ...faint }),
    text(`${tokens - 1}`, { x: middle - 8, y: TOP + SIDE, anchor: 'end', ...faint }),
    text('class', { x: middle, y: TOP + SIDE + 16, ...faint }),
    text('looked at', { x: middle + SIDE / 2, y: TOP + SIDE + 16, anchor: 'middle', ...faint }),
    text(`${tokens - 1}`, { x: middle + SIDE, y: TOP + SIDE + 16, anchor: 'end', ...faint }),
    ...pointers(line, middle, name, token === 0),
    text(`the row of the ${name}, over the image`.replace('the patch', 'patch'), {
      x: right,
      ...bold,
    }),
    await placed(heated(image, row, side), { x: right, ...box }),
    ...frames(right, token, side),
    ...heatLegend({ left: right, top: TOP + SIDE }, ['not looked at', 'looked at most']),
  ];
  return picture(right + SIDE + MARGIN, TOP + SIDE + HEAT_LEGEND_HEIGHT + MARGIN, parts);
}

/** Frames the patch of a token, in black and white. */
function frames(left: number, token: number, side: number): string[] {
  if (token === 0) return [];
  const size = SIDE / side;
  const x = left + size * ((token - 1) % side);
  const y = TOP + size * Math.floor((token - 1) / side);
  const rectangle = `x="${x}" y="${y}" width="${size}" height="${size}" fill="none"`;
  return [
    `<rect ${rectangle} stroke="#ffffff" stroke-width="5"/>`,
    `<rect ${rectangle} stroke="${COLOURS.ink}" stroke-width="2"/>`,
  ];
}

/** Marks a row of the matrix on both sides. */
function pointers(y: number, left: number, name: string, isClass: boolean): string[] {
  const mark = (x: number, turn: number) =>
    `<path d="M${x} ${y}l${9 * turn} -6v12z" fill="${COLOURS.bad}"/>`;
  const label = { x: left - 16, y: y + 4, anchor: 'end', size: 12, colour: COLOURS.bad } as const;
  return [
    mark(left - 2, -1),
    mark(left + SIDE + 2, 1),
    ...(isClass ? [] : [text(name, { ...label, weight: 'bold' })]),
  ];
}
