/** @file What programs do with a model: predict images of every kind, features, evaluation, and what is refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Image,
  listRuns,
  type Model,
  openModel,
  readRun,
  TesseraError,
} from '../../../index.ts';
import { fixturePath, model as shape } from '../../support/weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-model-'));
const CLASSES = ['cat', 'cow', 'dog'];
const image = join(folder, 'set', 'cat', '0.png');
let model: Model;

beforeAll(async () => {
  const { imageSize } = shape;
  for (const [at, name] of CLASSES.entries()) {
    mkdirSync(join(folder, 'set', name), { recursive: true });
    for (let number = 0; number < 4; number += 1) {
      const background = { r: 80 * at, g: 60 * number, b: 40 };
      await sharp({ create: { width: imageSize, height: imageSize, channels: 3, background } })
        .png()
        .toFile(join(folder, 'set', name, `${number}.png`));
    }
  }
  const said = vi.spyOn(process.stderr, 'write');
  // Threads run what was built: test/unit/shared/data/pooled.test.ts.
  const set = ['worker.decoders=0'];
  model = await openModel(fixturePath('timm.f32.pth'), { classes: CLASSES, heads: 2, set });
  expect(said).not.toHaveBeenCalled();
});
afterAll(async () => {
  await model.close();
  await model.close();
  rmSync(folder, { recursive: true });
});

describe('a model', () => {
  it('says what it is and what was assumed', () => {
    expect(model.classes).toEqual(CLASSES);
    expect(model.path).toBe(fixturePath('timm.f32.pth'));
    expect(model.engine).toMatch(/^onnxruntime-cpu/);
    expect(model.notes.join()).toMatch(/does not say how images are prepared/);
  });

  it('gives the logits of which predictions are made', async () => {
    const [[logits], [prediction]] = await Promise.all([
      model.logits(image),
      model.predict(readFileSync(image)),
    ]);
    const powers = Array.from(logits as Float32Array, Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    const best = Math.max(...powers) / sum;
    expect(prediction?.guesses[0]?.probability).toBeCloseTo(best, 6);
    await expect(model.logits(new Uint8Array(9))).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  it('predicts a path, a URL, bytes and raw pixels alike, alone or together', async () => {
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    const url = pathToFileURL(image);
    const raw = { data, width: info.width, height: info.height, channels: info.channels };
    const clamped = { ...raw, data: new Uint8ClampedArray(data) };
    const kinds: Image[] = [image, url, url.href, readFileSync(image), raw, clamped];
    const predictions = await model.predict(kinds, { top: 2 });
    expect(predictions.map((of) => of.image)).toEqual([
      ...[image, image, image],
      ...['image 4', 'image 5', 'image 6'],
    ]);
    const [first] = predictions;
    expect(first?.guesses).toHaveLength(2);
    for (const { guesses } of predictions) expect(guesses).toEqual(first?.guesses);
    const [alone] = await model.predict(raw);
    expect(alone).toMatchObject({ image: 'image 1' });
    expect(alone?.guesses.slice(0, 2)).toEqual(first?.guesses);
    expect(alone?.guesses.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
  });

  it('computes calls that overlap one after the other, with the same numbers', async () => {
    const paths = CLASSES.map((name) => join(folder, 'set', name, '1.png'));
    const [all, ...each] = await Promise.all([
      model.features(paths),
      ...paths.map((path) => model.features(path)),
    ]);
    expect(all).toEqual(each.flat());
    expect(all?.map(({ length }) => length)).toEqual([shape.width, shape.width, shape.width]);
  });

  it('computes as many images at a time as it is told', async () => {
    const options = { classes: CLASSES, heads: 2, batchSize: 1 };
    const one = await openModel(fixturePath('timm.f32.pth'), options);
    const [[mine], [other]] = [await one.features(image), await model.features(image)];
    await one.close();
    for (const [at, value] of (mine ?? []).entries())
      expect(value).toBeCloseTo(other?.[at] ?? 0, 4);
    await expect(one.predict(image)).rejects.toMatchObject({ sentence: 'the model is closed' });
    await expect(
      openModel(fixturePath('timm.f32.pth'), { ...options, batchSize: 0 }),
    ).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('an evaluation', () => {
  it('counts what is right and wrong in a folder of images, by the names of the classes', async () => {
    const found = await model.evaluate(join(folder, 'set'), { split: 'train' });
    const { samples, correct, accuracy, confusion, classes, mistakes, badSamples } = found;
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(samples);
    expect(samples).toBeGreaterThan(6);
    expect(badSamples).toBe(0);
    expect(accuracy).toBe(correct / samples);
    expect(mistakes).toHaveLength(samples - correct);
    expect(classes.map((of) => of.class)).toEqual(CLASSES);
    for (const { label, predicted } of mistakes) expect(label).not.toBe(predicted);
  });

  it('of other classes, or of a split without images, is refused', async () => {
    await expect(model.evaluate(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
    await expect(
      model.evaluate(join(folder, 'set'), { split: 'validation' }),
    ).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('what is not an image', () => {
  it.each<[string, Image, Partial<TesseraError>]>([
    ['a file that is not there', join(folder, 'none.png'), { code: 'DATA_INVALID' }],
    ['a file of another kind', fixturePath('fixtures.json'), { code: 'DATA_INVALID' }],
    ['bytes of another kind', Buffer.from('junk'), { code: 'DATA_INVALID' }],
    ['the URL of a site', 'file://host/a.png', { code: 'USAGE' }],
    ['a web address', new URL('https://example.com/a.png'), { code: 'USAGE' }],
    [
      'pixels that are too few',
      { data: new Uint8Array(5), width: 2, height: 2, channels: 3 },
      { code: 'DATA_INVALID' },
    ],
    ['something else', 7 as unknown as Image, { code: 'USAGE' }],
  ])('%s', async (_, wrong, expected) => {
    const error = await model.predict(wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TesseraError);
    expect(error).toMatchObject(expected);
    expect((error as TesseraError).hint).toBeTruthy();
  });
});

it('what is not a model, and folders without runs', async () => {
  await expect(openModel(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'DATA_INVALID' });
  await expect(readRun(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'DATA_INVALID' });
  expect(await listRuns(folder)).toEqual([]);
});
