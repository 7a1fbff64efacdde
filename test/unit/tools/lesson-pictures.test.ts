/** @file The pictures that teach: figure 1 with a part lit, patches as a sequence, the numbers of one, a head as a matrix. */
import { describe, expect, it } from 'vitest';
import { tokenAttention } from '../../../tools/inference/attention-maps.ts';
import { coloured, meanLength } from '../../../tools/inference/residual.ts';
import { figure1 } from '../../../tools/pictures/figure1.ts';
import { FIGURE_PARTS } from '../../../tools/pictures/figure1-parts.ts';
import { heatColours } from '../../../tools/pictures/heat.ts';
import { matrixPicture } from '../../../tools/pictures/matrix.ts';
import { patchNumbers } from '../../../tools/pictures/patch-numbers.ts';
import { patchesPicture, patchOf, sequenceOf } from '../../../tools/pictures/patches.ts';

const SIZES = {
  ...{ imageSize: 32, channels: 3, patchSize: 8, width: 24, depth: 5, heads: 3 },
  ...{ mlpWidth: 96, numClasses: 7 },
};

/** An image whose red is its column and whose green is its row. */
function ramp(size: number) {
  const pixels = new Uint8Array(3 * size * size);
  for (let at = 0; at < size * size; at += 1) {
    pixels.set([at % size, Math.floor(at / size), 200], 3 * at);
  }
  return { width: size, height: size, pixels };
}

/** Texts of a picture. */
function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text as string);
}

describe('figure 1', () => {
  it('says the sizes of the model', () => {
    const texts = textsOf(figure1(SIZES));
    for (const text of [
      ...['32 × 32 × 3', '16 × 192', '17 × 24', '× L = 5', '3 heads of 8', '96', '24, then 7'],
    ]) {
      expect(texts).toContain(text);
    }
  });

  it('has all parts lit, or one', () => {
    const off = (svg: string) => svg.match(/<g class="off">/g)?.length ?? 0;
    expect(off(figure1(SIZES))).toBe(0);
    // Equations 2 and 3 are lit with their own part and with the encoder.
    const expected = { patches: 7, embedding: 7, encoder: 5, attention: 6, mlp: 6, head: 7 };
    const found = FIGURE_PARTS.map((part) => [part, off(figure1(SIZES, part))]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('has a light and a dark colour for each of its classes, and a ground of its own', () => {
    const svg = figure1(SIZES);
    const [, light = '', dark = ''] =
      /<style>([\s\S]*)@media \(prefers-color-scheme:dark\)\{([\s\S]*)<\/style>/.exec(svg) ?? [];
    const used = new Set([...svg.matchAll(/class="(\w+)"/g)].map(([, name]) => name as string));
    const fills = (style: string) =>
      [...used].filter((name) => new RegExp(`\\.${name}[,{]`).test(style) && name !== 'off').sort();
    expect(fills(light)).toEqual([...used].filter((name) => name !== 'off').sort());
    expect(fills(dark)).toEqual(fills(light));
    expect(svg).toMatch(/<rect class="page" width="100%" height="100%"/);
  });
});

describe('patches', () => {
  it('are counted in reading order', () => {
    const { pixels } = patchOf(ramp(8), 4, 3);
    expect([...pixels.slice(0, 3)]).toEqual([0, 4, 200]);
    expect([...pixels.slice(-3)]).toEqual([3, 7, 200]);
  });

  it('of a sequence: the start, the middle and the end, or all of a short one', () => {
    expect(sequenceOf(4)).toEqual([1, 2, 3, 4]);
    expect(sequenceOf(196)).toEqual([1, 2, 3, 4, 0, 97, 98, 99, 100, 0, 193, 194, 195, 196]);
  });

  it('are drawn with their numbers below', async () => {
    const texts = textsOf(await patchesPicture(ramp(32), 8));
    expect(texts).toContain('4 x 4 = 16 patches of 8 x 8');
    expect(texts.filter((text) => text === '16')).toHaveLength(1);
  });

  it('have every number of every colour in the picture of one', async () => {
    const texts = textsOf(await patchNumbers(ramp(8), 4, 4));
    const count = (number: number) => texts.filter((text) => text === String(number)).length;
    // Red and green run from 4 to 7, each number four times; one pixel is shown apart.
    expect([4, 5].map(count)).toEqual([8, 8]);
    expect(count(200)).toBe(17);
    expect(texts).toContain('and as one row of 4 x 4 x 3 = 48 numbers');
    expect(texts).toContain('red: 4  5  6  7  4  5  6  7  4 …');
  });
});

describe('a head', () => {
  const values = Float32Array.from({ length: 50 }, (_, at) => at / 50);

  it('gives the row of a token, without the class token', () => {
    const map = { values, heads: 2, side: 2 };
    const row = (first: number) => [0, 1, 2, 3].map((at) => Math.fround((first + at) / 50));
    expect([...tokenAttention(map, 0, 0)]).toEqual(row(1));
    expect([...tokenAttention(map, 1, 3)]).toEqual(row(25 + 15 + 1));
  });

  it('is drawn beside its image, with the patch framed and its row marked', async () => {
    const one = { image: ramp(8), values: values.slice(0, 25), row: values.slice(1, 5) };
    const ofPatch = await matrixPicture({ ...one, title: 'Block 1', token: 3 });
    expect(textsOf(ofPatch)).toContain('the row of patch 3, over the image');
    expect(ofPatch.match(/stroke="#ffffff" stroke-width="5"/g)).toHaveLength(2);
    const ofClass = await matrixPicture({ ...one, title: 'Block 1', token: 0 });
    expect(textsOf(ofClass)).toContain('the row of the class token, over the image');
    expect(ofClass).not.toContain('stroke-width="5"');
  });

  it('is black where it is cold', () => {
    const [cold, , hot] = [0, 1, 2].map((at) => [
      ...heatColours(Float32Array.of(0, 1, 1)).slice(3 * at, 3 * at + 3),
    ]);
    expect(cold).toEqual([0, 0, 4]);
    expect(hot).toEqual([252, 255, 164]);
  });
});

describe('what a block adds', () => {
  const width = 4;
  const tokens = (...rows: number[][]) => Float32Array.from([0, 0, 0, 0, ...rows.flat()]);
  const before = tokens([4, 0, 0, 0], [0, 3, 0, 0], [0, 0, 2, 0], [1, 1, 1, 1]);
  const added = tokens([0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]);
  const after = before.map((value, at) => value + (added[at] as number));

  it('has the mean length of its tokens', () => {
    expect(meanLength(Float32Array.of(3, 4, 0, 0, 0, 0, 0, 1), width)).toBe(3);
  });

  it('is grey where nothing is added, and colours add up', () => {
    const [one = [], add = [], sum = []] = coloured([before, added, after], width).map((of) => [
      ...of,
    ]);
    expect(add.slice(0, 3)).toEqual([128, 128, 128]);
    expect(sum.slice(0, 3)).toEqual(one.slice(0, 3));
    expect(sum.slice(3, 6)).not.toEqual(one.slice(3, 6));
    for (let at = 3; at < 6; at += 1) {
      const total = (one[at] as number) + (add[at] as number) - 128;
      if (total > 1 && total < 254)
        expect(Math.abs((sum[at] as number) - total)).toBeLessThanOrEqual(1);
    }
  });
});
