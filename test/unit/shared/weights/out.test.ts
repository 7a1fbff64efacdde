/** @file What `weights convert` replaces, what it leaves alone, and what it says. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../../cli/program.ts';
import { convertWeights } from '../../../../cli/weights/convert.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { exportedFolder } from '../../../../tools/export/library.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';
import { fixturePath } from '../../../support/weights.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-out-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let out = '';
beforeEach(() => {
  out = join(mkdtempSync(join(root, 'case-')), 'out');
});

const path = fixturePath('huggingface.f32');
const toFolder = () => convertWeights({ path, out, to: 'huggingface', dtype: 'f32' });
const toFile = (from = path) => convertWeights({ path: from, out, to: 'timm', dtype: 'f32' });
const EXPORT = ['config.json', 'model.safetensors', 'preprocessor_config.json'];

describe('a folder for Hugging Face', () => {
  it('fills an empty folder', async () => {
    mkdirSync(out);
    await toFolder();
    expect(readdirSync(out).sort()).toEqual(EXPORT);
  });

  it('replaces an earlier export', async () => {
    await toFolder();
    rmSync(join(out, 'preprocessor_config.json'));
    await toFolder();
    expect(readdirSync(out).sort()).toEqual(EXPORT);
  });

  it('in shards is read like one file, and replaced by the next export', async () => {
    const trained = await readModel(path);
    const { files } = exportedFolder(trained, 'F32', 4000);
    mkdirSync(out);
    for (const { name, pieces } of files) writeFileSync(join(out, name), Buffer.concat(pieces));
    expect(readdirSync(out).length).toBeGreaterThan(5);
    const again = await readModel(out);
    expect(again.parameters).toEqual(trained.parameters);
    const byIndex = await readWeights(join(out, 'model.safetensors.index.json'));
    expect(byIndex.naming).toBe('huggingface');
    await toFolder();
    expect(readdirSync(out).sort()).toEqual(EXPORT);
  });

  it.each([
    ['a folder of photos', () => writeFileSync(join(out, 'photo.jpg'), 'cat')],
    [
      "transformers' own folder",
      () => writeFileSync(join(out, 'config.json'), readFileSync(join(path, 'config.json'))),
    ],
    ['a folder whose config is no JSON', () => writeFileSync(join(out, 'config.json'), '{')],
  ])('does not replace %s', async (_what, fill) => {
    mkdirSync(out);
    fill();
    const before = readdirSync(out);
    await expect(toFolder()).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      hint: expect.stringContaining('not there yet'),
    });
    expect(readdirSync(out)).toEqual(before);
  });

  it('does not replace an export to which somebody added a file', async () => {
    await toFolder();
    writeFileSync(join(out, 'README.md'), 'mine');
    await expect(toFolder()).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('mine');
  });

  it('does not replace a file, nor a link', async () => {
    writeFileSync(out, 'notes');
    await expect(toFolder()).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(readFileSync(out, 'utf8')).toBe('notes');
    rmSync(out);
    symlinkSync(root, out);
    await expect(toFolder()).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(existsSync(root)).toBe(true);
  });
});

describe('a file', () => {
  it('replaces a file, as cp does', async () => {
    writeFileSync(out, 'older');
    await toFile();
    expect((await readWeights(out)).naming).toBe('timm');
  });

  it('does not replace a folder, nor a link to one', async () => {
    const real = `${out}-real`;
    mkdirSync(real);
    symlinkSync(real, out);
    for (const target of [real, out]) {
      await expect(
        convertWeights({ path, out: target, to: 'onnx', dtype: 'f32' }),
      ).rejects.toMatchObject({
        code: 'CANNOT_WRITE',
        hint: expect.stringContaining(join(target, 'vit')),
      });
    }
    expect(readdirSync(real)).toEqual([]);
  });

  it('does not replace what it is made from', async () => {
    await toFile();
    const before = readFileSync(out);
    const options = { path: out, out, to: 'timm', dtype: 'bf16' } as const;
    await expect(convertWeights(options)).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(readFileSync(out)).toEqual(before);
  });

  it('does not replace the model of the folder that it is made from', async () => {
    await toFolder();
    const model = join(out, 'model.safetensors');
    const options = { path: out, out: model, to: 'timm', dtype: 'bf16' } as const;
    await expect(convertWeights(options)).rejects.toThrow('are the same');
  });
});

describe('classes of bare weights', () => {
  const bare = fixturePath('timm.f32.safetensors');
  const convert = (classes?: string) =>
    convertWeights({
      ...{ path: bare, out, to: 'huggingface', dtype: 'f32', heads: 2 },
      ...(classes !== undefined && { classes }),
    });

  it('stay without names in a Hugging Face folder, as in one that transformers wrote', async () => {
    await convert();
    const { id2label } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(id2label).toEqual({ 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' });
    expect((await readWeights(out)).info.classes).toBeUndefined();
    expect((await readModel(out)).classes).toEqual(['class 0', 'class 1', 'class 2']);
  });

  it('keep the names of --classes', async () => {
    const names = `${out}.txt`;
    writeFileSync(names, 'LABEL_1\nb\nc\n');
    await convert(names);
    expect((await readWeights(out)).info.classes?.value).toEqual(['LABEL_1', 'b', 'c']);
  });
});

it('--json answers one document, and --heads is understood', async () => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const bare = fixturePath('timm.f32.safetensors');
  const words = ['weights', 'convert', bare, out, '--to', 'onnx', '--heads', '2', '--json'];
  await createProgram().parseAsync(words, { from: 'user' });
  const text = written.mock.calls.map(([part]) => part).join('');
  written.mockRestore();
  expect(JSON.parse(text)).toEqual({
    schema: 'weights-convert/1',
    ...{ path: bare, out, to: 'onnx', dtype: 'f32', parameters: 5411 },
  });
  expect(existsSync(out)).toBe(true);
});
