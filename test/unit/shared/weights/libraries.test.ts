/**
 * @file Folders and files as timm, torchvision, transformers and DeiT write them: our answer to an image is that of the
 * library's own pipeline, or a refusal that names the fact.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { convertWeights } from '../../../../cli/weights/convert.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { createImagePipeline } from '../../../../shared/data/pipeline/pipeline.ts';
import { encodePng } from '../../../../shared/data/pixels/libvips.ts';
import { encodeSafetensors } from '../../../../shared/weights/formats/safetensors.ts';
import { bytesOf } from '../../../../shared/weights/formats/tensor-values.ts';
import { readModel, type TrainedModel } from '../../../../tools/inference/read/read-model.ts';
import { distance, logitsOf } from '../../../support/weights.ts';

interface Case {
  readonly library: string;
  readonly about: string;
  /** Name of the file; a folder where there is none. */
  readonly file?: string;
  readonly files: Readonly<Record<string, object>>;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[]])[];
  readonly heads?: number;
  readonly logits?: readonly (readonly number[])[];
  readonly refused?: string;
}

const path = join(import.meta.dirname, '../../../fixtures/libraries/libraries.json');
const { cases, images }: { cases: readonly Case[]; images: readonly (readonly number[])[] } =
  JSON.parse(readFileSync(path, 'utf8'));

const root = mkdtempSync(join(tmpdir(), 'tessera-libraries-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Hashes of 0..count-1, as make.py has them. */
function mixed(count: number, seed: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i + 1, 2654435761) ^ seed) >>> 0;
    x = (x ^ (x >>> 15)) >>> 0;
    x = Math.imul(x, 2246822519) >>> 0;
    return (x ^ (x >>> 13)) >>> 0;
  });
}

/** The values of a tensor, a formula of its name. */
function valuesOf(name: string, shape: readonly number[]): Float32Array {
  const hashes = mixed(
    shape.reduce((size, side) => size * side, 1),
    crc32(name),
  );
  const isScale = shape.length === 1 && name.endsWith('weight');
  return Float32Array.from(hashes, (hash) => {
    const share = hash / 2 ** 32 - 0.5;
    return isScale ? 1 + 0.4 * share : 1.2 * share;
  });
}

async function photo(width: number, height: number): Promise<Uint8Array> {
  const noise = mixed(width * height * 3, width);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const planes = [3 * x + 2 * y, x + 5 * y + 40, 2 * x + Math.floor((y * y) / 8)];
      for (const [channel, plane] of planes.entries()) {
        const at = (y * width + x) * 3 + channel;
        pixels[at] = plane + ((noise[at] as number) & 63);
      }
    }
  }
  return await encodePng(pixels, { width, height, channels: 3 });
}

const photos = await Promise.all(images.map(([width = 0, height = 0]) => photo(width, height)));

/** Writes a case as its library does, and answers its path. */
function written({ file, files, tensors }: Case, place: number): string {
  const folder = join(root, String(place));
  mkdirSync(folder, { recursive: true });
  for (const [name, document] of Object.entries(files)) {
    writeFileSync(join(folder, name), JSON.stringify(document));
  }
  const named = tensors.map(([name, shape]) => ({
    ...{ name, shape, dtype: 'F32' as const },
    bytes: bytesOf(valuesOf(name, shape), 'F32'),
  }));
  const pieces = encodeSafetensors(named, { format: 'pt' });
  writeFileSync(join(folder, file ?? 'model.safetensors'), Buffer.concat(pieces));
  return file === undefined ? folder : join(folder, file);
}

/** Logits of the photos, image by image. */
async function answers({ model, config, parameters }: TrainedModel): Promise<Float32Array> {
  const { imageSize, channels } = model;
  const pipeline = createImagePipeline(config.data, { imageSize, seed: 0 });
  const floats = channels * imageSize ** 2;
  const inputs = new Float32Array(photos.length * floats);
  for (const [place, bytes] of photos.entries()) {
    const sample = { index: 0, label: 0, name: `photo ${place}`, raw: undefined, bytes };
    await pipeline.load(sample, undefined, inputs.subarray(place * floats, (place + 1) * floats));
  }
  return logitsOf(model, parameters, inputs);
}

const numbered = cases.map((one, place) => ({ ...one, place }));

describe('the answer is that of the library itself', () => {
  it.each(numbered.filter(({ logits }) => logits))('$library: $about', async (one) => {
    const trained = await readModel(written(one, one.place), { heads: one.heads });
    expect(trained.notes).toEqual([]);
    expect(distance(await answers(trained), (one.logits ?? []).flat())).toBeLessThan(1e-4);
  });
});

describe('a fact that is not supported is named', () => {
  it.each(numbered.filter(({ refused }) => refused))('$library: $about', async (one) => {
    const error = await readModel(written(one, one.place), { heads: one.heads }).catch(
      (thrown: unknown) => TesseraError.from(thrown),
    );
    expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
    expect(TesseraError.from(error).message).toMatch(new RegExp(one.refused ?? ''));
  });
});

const telling = ['squash', 'names, heads, a coarse epsilon', "BiT's processor", '32 px, 2 heads'];
describe.each(['timm', 'torchvision', 'huggingface'] as const)('an export for %s', (to) => {
  it.each(numbered.filter(({ about }) => telling.includes(about)))('$about', async (one) => {
    const path = written(one, one.place);
    const out = join(root, `${to}-${one.place}`);
    await convertWeights({ path, out, to, dtype: 'f32', ...(one.heads && { heads: one.heads }) });
    const [before, after] = [await readModel(path, { heads: one.heads }), await readModel(out)];
    expect(after.notes).toEqual([]);
    expect(after.model).toEqual(before.model);
    expect([after.classes, after.areClassesNamed]).toEqual([
      before.classes,
      before.areClassesNamed,
    ]);
    expect(await answers(after)).toEqual(await answers(before));
  });
});
