/** @file How wide a text is in the font of the pictures, and texts shortened to what fits. Pure. */

/** Weight of the letters. */
export type Weight = 'normal' | 'bold';

/**
 * Advance widths of U+0020 to U+007E, in hundredths of the size, rounded up.
 *
 * Source  the `hmtx` tables of DejaVuSans.ttf and DejaVuSans-Bold.ttf, 2.37.
 */
const WIDTHS: Readonly<Record<Weight, readonly number[]>> = {
  normal: numbers(
    '32 41 46 84 64 96 78 28 40 40 50 84 32 37 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 54 100 69 69 70 78 64 58 78 76 30 30 66 56 87 75 79 61 79 70 64 62 74 69 99 69 62 69 40 34 40 84 50 50 62 64 55 64 62 36 64 64 28 28 58 28 98 64 62 64 64 42 53 40 64 60 82 60 60 53 64 34 64 84',
  ),
  bold: numbers(
    '35 46 53 84 70 101 88 31 46 46 53 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 59 100 78 77 74 84 69 69 83 84 38 38 78 64 100 84 86 74 86 78 73 69 82 78 111 78 73 73 46 37 46 84 50 50 68 72 60 72 68 44 72 72 35 35 67 35 105 72 69 72 72 50 60 48 72 66 93 65 66 59 72 37 72 84',
  ),
};
/** Of any other sign: that of a Chinese one, which few others exceed. */
const WIDTH_OF_OTHERS = 100;

function numbers(text: string): readonly number[] {
  return text.split(' ').map(Number);
}

/** Width of a line of text. Units  those of `size`. */
export function textWidth(content: string, size: number, weight: Weight = 'normal'): number {
  let hundredths = 0;
  for (const sign of content) {
    hundredths += WIDTHS[weight][(sign.codePointAt(0) as number) - 0x20] ?? WIDTH_OF_OTHERS;
  }
  return (hundredths / 100) * size;
}

/** What a text is shortened to. */
export interface Fit {
  readonly width: number;
  readonly size: number;
  readonly weight?: Weight;
  /**
   * What stays: the start, with a percentage at the end; or the end, which distinguishes names of runs and files
   * apart.
   */
  readonly keep?: 'start' | 'end';
}

/** A text, shortened with an ellipsis to what fits. */
export function fitted(content: string, { width, size, weight, keep = 'start' }: Fit): string {
  const fits = (text: string) => textWidth(text, size, weight) <= width;
  if (fits(content)) return content;
  const signs = [...content];
  const share = /\s[\d.]+%$/.exec(content)?.[0] ?? '';
  const body = keep === 'end' ? signs : signs.slice(0, signs.length - share.length);
  const shortened = (count: number) =>
    keep === 'end'
      ? `…${body.slice(body.length - count).join('')}`
      : `${body.slice(0, count).join('').trimEnd()}…${share}`;
  // The longest that fits, by halving: a text may be as long as its author likes.
  let [most, tooMany] = [0, body.length];
  while (tooMany - most > 1) {
    const count = Math.floor((most + tooMany) / 2);
    if (fits(shortened(count))) most = count;
    else tooMany = count;
  }
  return shortened(most);
}
