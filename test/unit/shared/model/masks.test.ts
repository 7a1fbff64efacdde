/** @file Masks of dropout and stochastic depth: how many, how often, and what decides them. */
import { describe, expect, it } from 'vitest';
import { drawMask, maskSites, pathRate } from '../../../../shared/model/masks.ts';

const MODEL = {
  imageSize: 32,
  channels: 3,
  patchSize: 8,
  width: 64,
  depth: 3,
  heads: 2,
  mlpWidth: 128,
  numClasses: 10,
};
const key = (epoch: number, samples: number[]) => ({ seed: 1, epoch, samples });
const zeros = (mask: Uint8Array) => mask.reduce((count, value) => count + (1 - value), 0);

describe('the masks of a model', () => {
  it('are none without a rate', () => expect(maskSites(MODEL, {})).toEqual([]));

  it('stand where the paper’s code has dropout', () => {
    const names = maskSites(MODEL, { dropout: 0.1 }).map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual([
      'dropout/embed',
      'dropout/blocks.0.attn',
      'dropout/blocks.0.mlp.fc1',
      'dropout/blocks.0.mlp.fc2',
    ]);
    expect(names).toHaveLength(1 + 3 * 3);
  });

  it('of stochastic depth grow with depth, from none at the first block', () => {
    expect([0, 1, 2].map((block) => pathRate(0.2, block, 3))).toEqual([0, 0.1, 0.2]);
    const names = maskSites(MODEL, { stochasticDepth: 0.2 }).map(({ name }) => name);
    expect(names).toEqual(
      ['1.attn', '1.mlp', '2.attn', '2.mlp'].map((place) => `path/blocks.${place}`),
    );
  });
});

describe('a mask', () => {
  const [site] = maskSites(MODEL, { dropout: 0.1 });

  it.each([0.05, 0.1, 0.5])('drops a share of %f', (rate) => {
    const samples = Array.from({ length: 64 }, (_, i) => i);
    const mask = drawMask({ ...site!, rate }, 0, key(0, samples), 64);
    const deviation = Math.sqrt((rate * (1 - rate)) / mask.length);
    expect(Math.abs(zeros(mask) / mask.length - rate)).toBeLessThan(5 * deviation);
  });

  it('of a path drops whole samples at its rate', () => {
    const samples = Array.from({ length: 4000 }, (_, i) => i);
    const mask = drawMask({ name: 'path/x', size: 1, rate: 0.3 }, 5, key(2, samples), 4000);
    expect(Math.abs(zeros(mask) / 4000 - 0.3)).toBeLessThan(0.04);
  });

  it('of a sample depends on seed, epoch, sample and place alone', () => {
    const row = (mask: Uint8Array, place: number) =>
      mask.slice(place * site!.size, (place + 1) * site!.size);
    const mask = drawMask(site!, 0, key(0, [3, 9]), 2);
    expect(row(drawMask(site!, 0, key(0, [9, 3, 4]), 4), 1)).toEqual(row(mask, 0));
    for (const other of [
      drawMask(site!, 1, key(0, [3]), 1),
      drawMask(site!, 0, key(1, [3]), 1),
      drawMask(site!, 0, { ...key(0, [3]), seed: 2 }, 1),
      row(mask, 1),
    ]) {
      expect(row(other, 0)).not.toEqual(row(mask, 0));
    }
  });

  it('keeps everything where there is no sample', () => {
    const mask = drawMask(site!, 0, key(0, [3]), 3);
    expect(zeros(mask.subarray(site!.size))).toBe(0);
  });
});
