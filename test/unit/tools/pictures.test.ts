/** @file Pictures: what is in them, and that they can be drawn. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import {
  attentionRollout,
  cosineSimilarity,
  meanAttentionDistance,
  principalComponents,
} from '../../../tools/inference/attention-maps.ts';
import { heatmap, panels } from '../../../tools/pictures/charts.ts';
import { imageOf } from '../../../tools/pictures/image.ts';
import {
  blank,
  cut,
  enlarged,
  heat,
  interpolated,
  mosaic,
} from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { text } from '../../../tools/pictures/svg.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-pictures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const image = { width: 4, height: 2, pixels: new Uint8Array(24).fill(200) };
const panel = {
  title: 'Loss <b>',
  xLabel: 'epoch',
  yLabel: 'cross-entropy',
  kind: 'line',
  series: [
    { name: 'train', points: [[1, 2] as const, [2, 1] as const] },
    { name: 'test', points: [[1, 1.5] as const, [2, 1.2] as const], mark: 'dashed' },
  ],
} as const;

describe('charts', () => {
  it('name their axes and series, and escape what they name', () => {
    const svg = panels([panel, panel]);
    for (const word of ['epoch', 'cross-entropy', 'train', 'test', 'Loss &lt;b&gt;']) {
      expect(svg).toContain(word);
    }
    expect(svg).not.toContain('<b>');
    expect(svg).toMatch(/stroke-dasharray/);
  });

  it('a confusion matrix shows each number', () => {
    const names = ['pizza', 'steak'];
    const labels = { rows: names, columns: names, xLabel: 'predicted', yLabel: 'true' };
    const svg = heatmap({
      title: 'm',
      ...labels,
      values: [
        [17, 23],
        [31, 47],
      ],
    });
    for (const number of [17, 23, 31, 47]) expect(svg).toContain(`>${number}<`);
  });
});

describe('a sheet', () => {
  it('has every image with its title and note', async () => {
    const tiles = [
      { image, title: 'pizza 98 %', note: 'a.jpg' },
      { image, title: '<script>' },
    ];
    const svg = await sheet(tiles, { columns: 2, tileSize: 100, title: 'Two' });
    expect(svg.match(/<image /g)).toHaveLength(2);
    for (const word of ['pizza 98 %', 'a.jpg', 'Two', '&#60;script&#62;'])
      expect(svg).toContain(word);
  });

  it('becomes a PNG with writing on it, on a machine with whatever fonts', async () => {
    const path = join(folder, 'sheet.png');
    await writePicture(
      path,
      await sheet([{ image, title: 'pizza' }], { columns: 1, tileSize: 300 }),
    );
    const { info, data } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(2 * (300 + 2 * 16));
    // Dark pixels above the image can only be letters; a box for a missing letter would be hollow.
    const top = data.subarray(0, info.width * info.channels * 60);
    expect(top.filter((level) => level < 80).length).toBeGreaterThan(200);
  });

  it('is refused under a name that is no picture', async () => {
    await expect(writePicture(join(folder, 'a.gif'), '<svg/>')).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('as SVG is written as it is, and control characters are left out', async () => {
    const path = join(folder, 'a.svg');
    await writePicture(path, text('a\u0007b', { x: 0, y: 0, size: 10 }));
    expect(readFileSync(path, 'utf8')).toContain('>ab<');
  });
});

describe('images', () => {
  it('come back from the model’s input', () => {
    const values = Float32Array.from([1, -1, 0, 0, 0, 0, -1, 1, 0, 0, 1, -1]);
    const { pixels } = imageOf(values, 2, { mean: [0.5], deviation: [0.5] });
    expect([...pixels.slice(0, 3)]).toEqual([255, 128, 128]);
    expect([...pixels.slice(9)]).toEqual([128, 255, 0]);
  });

  it('are cut, enlarged and laid side by side', () => {
    const ramp = { width: 2, height: 1, pixels: Uint8Array.from([1, 1, 1, 9, 9, 9]) };
    expect([...enlarged(ramp, 2).pixels.slice(0, 12)]).toEqual([
      1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9,
    ]);
    expect([...cut(ramp, { left: 1, top: 0, width: 1, height: 1 }).pixels]).toEqual([9, 9, 9]);
    const whole = mosaic([ramp, ramp, ramp], 2, 1);
    expect([whole.width, whole.height]).toEqual([5, 3]);
    expect(blank(2, 2).pixels).toEqual(new Uint8Array(12).fill(255));
  });

  it('of numbers run from dark to yellow', () => {
    const { pixels } = heat([0, 1], 2, { low: 0, high: 1 });
    expect([...pixels]).toEqual([68, 1, 84, 253, 231, 37]);
    expect([...interpolated([0, 0, 4, 4], 2, 4)].filter((_, i) => i % 4 === 0)).toEqual([
      0, 1, 3, 4,
    ]);
  });
});

describe('what attention says', () => {
  const side = 2;
  const tokens = 5;
  /** Every token attends to one key. */
  const lookAt = (key: (query: number) => number) => {
    const values = new Float32Array(tokens * tokens);
    for (let query = 0; query < tokens; query += 1) values[query * tokens + key(query)] = 1;
    return { values, heads: 1, side };
  };

  it('a head that looks at its own patch has distance 0, across the image its diagonal', () => {
    expect(
      meanAttentionDistance(
        lookAt((query) => query),
        16,
      ),
    ).toEqual([0]);
    const [across] = meanAttentionDistance(
      lookAt((query) => (query === 0 ? 0 : 5 - query)),
      16,
    );
    expect(across).toBeCloseTo(16 * Math.SQRT2, 5);
  });

  it('rollout follows the class token through the blocks', () => {
    const flow = attentionRollout([lookAt(() => 3), lookAt(() => 3)], 0);
    expect(flow.indexOf(Math.max(...flow))).toBe(2);
    expect([...flow].reduce((a, b) => a + b)).toBeCloseTo(3 / 4, 6);
  });

  it('cosine similarity is 1 with oneself and blind to length', () => {
    const similarity = cosineSimilarity(Float32Array.from([1, 0, 5, 0, 0, 2]), 2);
    expect([...similarity]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 1]);
  });

  it('principal components are the directions of most variance', () => {
    const rows = Float32Array.from([3, 0, 0, -3, 0, 0, 0, 1, 0, 0, -1, 0]);
    const [first, second] = principalComponents(rows, 3, 2);
    expect([...(first ?? [])].map((x) => Math.abs(Math.round(x * 1e3) / 1e3))).toEqual([1, 0, 0]);
    expect([...(second ?? [])].map((x) => Math.abs(Math.round(x * 1e3) / 1e3))).toEqual([0, 1, 0]);
  });
});
