/** @file `plot` with the pictures that teach: figures of others beside a run's, and what cannot be drawn. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { besideOf } from '../../../cli/plot/beside.ts';
import { curves } from '../../../cli/plot/curves.ts';
import { plotMatrix } from '../../../cli/plot/model/attention-matrix.ts';
import { plotPositions } from '../../../cli/plot/model/positions.ts';
import { plotResidual } from '../../../cli/plot/model/residual.ts';
import { plotPatches, plotPatchNumbers } from '../../../cli/plot/patches.ts';
import { fixturePath } from '../../support/weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-lesson-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const image = join(folder, 'blue.png');
const out = join(folder, 'out.svg');
beforeAll(async () => {
  const create = { width: 40, height: 30, channels: 3, background: '#48a' } as const;
  await sharp({ create }).png().toFile(image);
});

describe('figures of another source', () => {
  const read = (text: string) => besideOf(text, 'paper.csv');

  it('are epochs with accuracies, as shares or in per cent, or losses', () => {
    const table = 'Loss, epoch,accuracy\n0.5,1,86.7%\n\n0.4,2,0.9\n';
    expect(read(table)).toEqual({
      accuracy: [
        [1, expect.closeTo(0.867)],
        [2, 0.9],
      ],
      loss: [
        [1, 0.5],
        [2, 0.4],
      ],
    });
    expect(read('epoch,accuracy\n1,1').loss).toEqual([]);
  });

  it.each([
    ['', 'paper.csv is not a table'],
    ['epoch,accuracy', 'paper.csv is not a table'],
    ['a,b\n1,2', 'paper.csv is not a table'],
    ['epoch,accuracy\n1,0.5\n2,90', 'paper.csv:3: expected an epoch and an accuracy'],
    ['epoch,loss\n,1', 'paper.csv:2: expected an epoch and a loss'],
    ['epoch,loss\n1,much', 'paper.csv:2: expected an epoch and a loss'],
  ])('are refused with the line: %j', (text, sentence) => {
    expect(() => read(text)).toThrow(sentence);
  });

  it('are a dotted line of their own beside a run', () => {
    const steps = [{ step: 1, epoch: 1, loss: 2, accuracy: 0.5 }];
    const metrics = { steps, evaluations: [], chosenOn: 'test', test: undefined } as never;
    const svg = curves(
      [{ name: 'mine', metrics }],
      [{ name: 'theirs', ...read('epoch,accuracy\n1,50%\n2,60%') }],
    );
    expect(svg).toContain('>theirs<');
    expect(svg).toContain('stroke-dasharray="2 4"');
  });
});

describe('what cannot be drawn is refused in a sentence', () => {
  const weights = { checkpoint: fixturePath('timm.f32.safetensors'), heads: 2, out };

  it('patches that do not divide an image, and one that is not there', async () => {
    const options = { image, imageSize: 32, patchSize: 5, out };
    await expect(plotPatches(options)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(plotPatchNumbers({ ...options, patchSize: 16, patch: 5 })).rejects.toThrow(
      'the image has 4 patches, and no patch 5',
    );
  });

  it('a block, a head or a patch that a model does not have', async () => {
    await expect(plotResidual({ ...weights, image, block: 99 })).rejects.toThrow('no block 99');
    await expect(plotMatrix({ ...weights, image, head: 9 })).rejects.toThrow('no head 9');
    await expect(plotMatrix({ ...weights, image, head: 1, patch: 999 })).rejects.toThrow(
      'no patch 999',
    );
  });

  it('positions before the training of weights that are not of a run', async () => {
    await expect(plotPositions({ ...weights, before: true })).rejects.toMatchObject({
      code: 'USAGE',
      hint: '--before is for runs that began with random values',
    });
  });
});

it('a block and a head of a model are drawn', async () => {
  const options = { checkpoint: fixturePath('timm.f32.safetensors'), heads: 2, out, image };
  await plotResidual(options);
  expect(readFileSync(out, 'utf8')).toMatch(/z comes in[\s\S]*MSA\(LN\(z\)\)[\s\S]*z leaves/);
  await plotMatrix({ ...options, head: 2, patch: 1 });
  expect(readFileSync(out, 'utf8')).toContain('head 2 of 2');
});
