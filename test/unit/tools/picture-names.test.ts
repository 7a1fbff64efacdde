/** @file Names in pictures: none runs into its neighbour, and what tells them apart stays. */
import { describe, expect, it } from 'vitest';
import { curves } from '../../../cli/plot/curves.ts';
import { heatmap } from '../../../tools/pictures/charts.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { fitted, textWidth } from '../../../tools/pictures/text-width.ts';

const LONG = 'WWW MMM a name that is far too long for the picture it stands above, as some are';
const image = { width: 4, height: 4, pixels: new Uint8Array(48) };

/** The texts of an SVG, where they begin, and where they end at most. */
function textsOf(svg: string): { text: string; y: number; left: number; right: number }[] {
  const pattern =
    /<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)"[^>]*font-weight="(\w+)">([^<]*)</g;
  return [...svg.matchAll(pattern)].map(([, x, y, size, weight, text = '']) => {
    const width = textWidth(text, Number(size), weight as 'normal' | 'bold');
    return { text, y: Number(y), left: Number(x), right: Number(x) + width };
  });
}

describe('a name that is too long', () => {
  it('fits, and keeps its start, its end, or the percentage behind it', () => {
    for (const [keep, pattern] of [
      ['start', /^WWW.*…$/],
      ['end', /^….*some are$/],
    ] as const) {
      const short = fitted(LONG, { width: 150, size: 12, keep });
      expect(short).toMatch(pattern);
      expect(textWidth(short, 12)).toBeLessThanOrEqual(150);
      expect(textWidth(short, 12)).toBeGreaterThan(120);
    }
    expect(fitted(`${LONG} 98.2%`, { width: 150, size: 12 })).toMatch(/^WWW.*… 98\.2%$/);
    expect(fitted('short', { width: 150, size: 12 })).toBe('short');
    expect(fitted('寿司寿司寿司', { width: 40, size: 12 })).toBe('寿司…');
    expect(fitted('', { width: 1, size: 12 })).toBe('');
  });
});

describe('a sheet', () => {
  it('has no title, note or name that reaches the next image', async () => {
    const tile = { image, title: `${LONG} 41.0%`, note: LONG, name: `${LONG}/IMG_1.jpg` };
    const svg = await sheet([tile, tile, tile], { columns: 3, tileSize: 120 });
    const texts = textsOf(svg);
    expect(texts).toHaveLength(9);
    for (const { y, left, right } of texts) {
      const next = texts.filter((other) => other.y === y && other.left > left);
      for (const other of next) expect(right).toBeLessThan(other.left);
    }
    expect(texts.map(({ text }) => text)).toContainEqual(expect.stringMatching(/IMG_1\.jpg$/));
  });
});

describe('curves', () => {
  const metrics = {
    steps: [1, 2].map((step) => ({ step, epoch: step - 1, loss: 1 / step, accuracy: step / 4 })),
    evaluations: [1, 2].map((version) => ({ version, loss: 1 / version, accuracy: version / 4 })),
    chosenOn: 'test',
  };
  const run = (name: string, more: object = {}) => {
    return { name, metrics: { ...metrics, ...more } as never };
  };

  it('of several runs name each once, with what tells it apart, and train and test by their lines', () => {
    const svg = curves([run(`${LONG}${LONG}-20260101-120000`), run('b-20260101-120001')]);
    const texts = textsOf(svg);
    expect(texts.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^….*-20260101-120000$/),
      'b-20260101-120001',
      'train',
      'test',
    ]);
    const width = Number(/ width="(\d+)"/.exec(svg)?.[1]);
    for (const { right } of texts) expect(right).toBeLessThan(width);
    // Below the charts, which end where the legend begins.
    for (const { y } of texts) expect(y).toBeGreaterThan(380);
    expect(svg).toMatch(/stroke-dasharray="2 4"/);
  });

  it('of one run have a colour for each split', () => {
    const svg = curves([run('a')]);
    expect(textsOf(svg).map(({ text }) => text)).toEqual(['train', 'test']);
    expect(svg).toMatch(/stroke="#0072b2".*stroke="#d55e00"/s);
  });

  it('of a run that was tested once, at the end, show that as a point', () => {
    const test = { version: 2, loss: 0.5, accuracy: 0.5 };
    const texts = textsOf(curves([run('a', { chosenOn: 'validation', test })]));
    const names = ['train', 'validation', 'test of the kept model'];
    expect(texts.map(({ text }) => text)).toEqual(names);
    const once = { evaluations: metrics.evaluations.slice(1) };
    const without = textsOf(curves([run('a', once)])).map(({ text }) => text);
    expect(without).toEqual(['train', 'test of the kept model']);
  });

  it('of several runs tell validation from test by the line', () => {
    const svg = curves([run('a'), run('b', { chosenOn: 'validation' })]);
    expect(svg).toMatch(/stroke-dasharray="2 4".*stroke-dasharray="6 4"/s);
  });
});

describe('a confusion matrix', () => {
  it('of long names leaves room for them', () => {
    const names = [LONG, 'b'];
    const svg = heatmap({
      ...{ title: 'm', xLabel: 'predicted', yLabel: 'true', rows: names, columns: names },
      values: [
        [1, 0],
        [0, 1],
      ],
    });
    expect(svg).not.toContain(LONG);
    expect(svg).toContain(LONG.slice(0, 16));
  });
});
