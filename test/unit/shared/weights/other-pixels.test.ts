/** @file What folders and files state of their pixels and classes, and what a run or a command makes of it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { preprocessorFacts } from '../../../../shared/weights/describe/preprocessor.ts';
import { timmFacts } from '../../../../shared/weights/describe/timm-config.ts';
import { transformersFacts } from '../../../../shared/weights/describe/transformers-config.ts';
import { factsFrom } from '../../../../shared/weights/facts.ts';
import { readHuggingFaceFolder } from '../../../../shared/weights/files/huggingface.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { fitWeights } from '../../../../shared/weights/fit/fit.ts';
import { otherPixels, type PreparedImages } from '../../../../shared/weights/fit/other-pixels.ts';
import { findImages } from '../../../../tools/inference/image-files.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';
import { fixturePath, model } from '../../../support/weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-pixels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a run with weights that state their pixels', () => {
  const usual: PreparedImages = {
    ...{ channels: 3, resize: 'crop' as const, cropFraction: 1 },
    ...{ interpolation: 'bicubic' as const, mean: [0.5], deviation: [0.5] },
  };
  const stated = factsFrom('file', 'config.json', {
    ...{ resize: 'crop', cropFraction: 0.875, interpolation: 'bicubic' },
    ...{ mean: [0.485, 0.456, 0.406], deviation: [0.5, 0.5, 0.5] },
  });

  it('is told each value that is another, and the settings that follow the weights', async () => {
    const weights = { ...(await readWeights(fixturePath('timm.f32.pth'))), info: stated };
    expect(otherPixels(weights, 'vit.pth', usual)).toEqual([
      "trained with cropFraction 0.875, mean [0.485,0.456,0.406] (config.json); this run has cropFraction 1, mean [0.5]; to follow the weights: --set data.cropFraction=0.875 --set 'data.mean=[0.485,0.456,0.406]'",
    ]);
    const same = { ...usual, cropFraction: 224 / 256, mean: [0.485, 0.456, 0.406] };
    expect(otherPixels(weights, 'vit.pth', same)).toEqual([]);
    expect(otherPixels({ ...weights, info: {} }, 'vit.pth', usual)).toEqual([]);
  });

  it('is told of a preset by the names of its library, and of no crop where none is', async () => {
    const torchvision = await readWeights(fixturePath('torchvision.f32.pth'));
    expect(otherPixels(torchvision, 'vit.pth', usual)[0]).toContain("torchvision's preset");
    const stretched = factsFrom('file', 'a.json', { resize: 'stretch', cropFraction: 1 });
    const run = { ...usual, cropFraction: 0.9 };
    const [note] = otherPixels({ ...torchvision, naming: 'timm', info: stretched }, 'a', run);
    expect(note).toContain('trained with resize stretch (a.json)');
  });
});

it('the prefix of the own names of transformers is not told', async () => {
  expect((await readWeights(fixturePath('huggingface.f32'))).notes).toEqual([]);
});

it('what is said of assumed pixels names the colours first', async () => {
  const { notes } = await readModel(fixturePath('timm.f32.pth'), { heads: model.heads });
  expect(notes.map(({ sentence }) => sentence).join()).toContain(
    '--set data.mean=... --set data.deviation=...',
  );
});

it('links out of a folder are taken with --set data.links=follow', async () => {
  const [set, outside] = [join(folder, 'set'), join(folder, 'outside')];
  for (const path of [set, outside]) mkdirSync(path);
  for (const path of [join(set, 'a.png'), join(outside, 'b.png')]) {
    writeFileSync(path, Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a));
  }
  symlinkSync(join(outside, 'b.png'), join(set, 'b.png'));
  expect((await findImages([set])).inputs).toHaveLength(1);
  expect((await findImages([set], ['data.links=follow'])).inputs).toHaveLength(2);
});

describe('a folder', () => {
  const timm = { architecture: 'vit_tiny_patch16_224', pretrained_cfg: { mean: 0.4, std: 0.3 } };

  it('of timm may state one mean for all channels', () => {
    expect(timmFacts(timm, 'config.json')).toMatchObject({
      mean: { value: [0.4], source: 'file' },
      deviation: { value: [0.3], source: 'file' },
    });
  });

  it('of timm that states two numbers of classes is refused', () => {
    const two = { ...timm, num_classes: 10, model_args: { num_classes: 4 } };
    expect(() => timmFacts(two, 'config.json')).toThrow('num_classes: 10 and model_args.num');
  });

  it('of transformers that names classes with gaps is refused', () => {
    const named = (...ids: string[]) =>
      transformersFacts(
        { model_type: 'vit', id2label: Object.fromEntries(ids.map((id) => [id, `name ${id}`])) },
        'config.json',
      );
    expect(() => named('0', '1', '5')).toThrow('a name for class 5 of 3');
    expect(() => named('-1', '0', '1')).toThrow('a name for class -1 of 3');
    expect(named('01', '00').classes?.value).toEqual(['name 00', 'name 01']);
  });

  it('of transformers may say that a single number is the short side', () => {
    const short = { size: 32, default_to_square: false };
    expect(() => preprocessorFacts(short, 'a.json')).toThrow('size: 32 without a centre crop');
  });

  /** A folder with the weights of a fixture and these files. */
  function folderOf(name: string, files: Readonly<Record<string, string>>): string {
    const path = join(folder, name);
    mkdirSync(path);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    symlinkSync(fixturePath('timm.f32.safetensors'), join(path, 'model.safetensors'));
    return path;
  }

  it('of transformers 5 is obeyed where the image processor is inside of a processor', async () => {
    const image_processor = { image_processor_type: 'ViTImageProcessor', resample: 3 };
    const path = folderOf('inside', {
      'processor_config.json': JSON.stringify({ image_processor }),
      'preprocessor_config.json': '{"resample": 2}',
    });
    const { info } = await readHuggingFaceFolder(path);
    expect(info.interpolation).toMatchObject({ value: 'bicubic', source: 'file' });
  });

  it('says what a file is that should be JSON', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n';
    const path = folderOf('pointer', { 'config.json': pointer });
    await expect(readHuggingFaceFolder(path)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringContaining('config.json: it is a Git LFS pointer'),
    });
  });

  it('of transformers whose images are of the usual size, not of the size of the model, is refused', async () => {
    const path = folderOf('other', {
      'config.json': '{"model_type": "vit", "image_size": 32}',
      'preprocessor_config.json': '{"image_processor_type": "CLIPImageProcessor"}',
    });
    await expect(readHuggingFaceFolder(path)).rejects.toThrow('default takes 224');
  });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'a tensor with %s is refused by name',
  async (value) => {
    const weights = await readWeights(fixturePath('timm.f32.pth'));
    const norm = weights.tensors.get('norm.weight');
    const values = Float32Array.from(norm?.values ?? []).fill(value, 0, 1);
    const tensors = new Map(weights.tensors).set('norm.weight', {
      shape: [values.length],
      values,
      dtype: 'F32',
    });
    const fit = () =>
      fitWeights({ weights: { ...weights, tensors }, model, head: 'keep', path: 'a' });
    expect(fit).toThrow('NaN or infinite:\n    norm.weight');
  },
);

it('a setting of pixels that is not one is what is wrong, not the weights', async () => {
  const opened = readModel(fixturePath('timm.f32.pth'), { heads: 2, set: ['data.mean=0.4'] });
  await expect(opened).rejects.toThrow('--set data.mean: expected list');
});

it('weights without a head want a new one', async () => {
  const weights = await readWeights(fixturePath('timm.f32.pth'));
  const backbone = new Map([...weights.tensors].filter(([name]) => !name.startsWith('head.')));
  const fit = () =>
    fitWeights({ weights: { ...weights, tensors: backbone }, model, head: 'keep', path: 'a' });
  expect(fit).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('model.init.head: new') }),
  );
});
