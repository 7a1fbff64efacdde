/** @file The door of model files: what a stranger's weights, and what they say of themselves, can make of a model. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { openModel } from '../../cli/checkpoint.ts';
import { encodeModelMetadata } from '../../coordinator/model-metadata.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../shared/formats/safetensors.ts';
import { inferModel } from '../../shared/model/pretrained/infer.ts';
import { renameWeights } from '../../shared/model/pretrained/weights.ts';
import { smallConfig } from '../unit/config/support.ts';
import { door } from './door.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-fuzz-model-'));
afterAll(() => rmSync(root, { recursive: true }));
const file = join(root, 'model.safetensors');

const { tensors: RAW } = readSafetensors(
  readFileSync(resolve(import.meta.dirname, '../fixtures/weights/timm.f32.safetensors')),
);
/** A tiny ViT in timm's names. */
export const TENSORS = [...RAW].map(([name, tensor]) => ({ name, ...tensor }) as NamedTensor);
/** What it is. */
export const { model: MODEL } = inferModel(renameWeights(RAW));

const size = fc.constantFrom(0, 1, 2, 3, 16, 48, 1000, 2 ** 20, 2 ** 31, 2 ** 50);
const place = fc.constantFrom(...TENSORS.keys());

/** A change of some tensor: other sides for its values, sides without values, another name, none at all. */
const change = fc.oneof(
  fc.tuple(place, fc.array(size, { minLength: 1, maxLength: 3 })).map(([at, sides]) => {
    const empty = { shape: [...sides, 0], bytes: new Uint8Array(0) };
    return (all: NamedTensor[]) => all.with(at, { ...(all[at] as NamedTensor), ...empty });
  }),
  place.map((at) => (all: NamedTensor[]) => {
    const tensor = all[at] as NamedTensor;
    return all.with(at, { ...tensor, shape: tensor.shape.toReversed() });
  }),
  fc.tuple(place, place).map(([at, other]) => (all: NamedTensor[]) => {
    const { name } = all[other] as NamedTensor;
    return all.with(at, { ...(all[at] as NamedTensor), name: `${name}.x` });
  }),
);
const dropped = fc.option(place, { freq: 10 });

/** What Tessera writes into its files, with other numbers. */
const described = fc
  .tuple(fc.constantFrom(...(Object.keys(MODEL) as (keyof typeof MODEL)[])), size)
  .map(([key, value]) => {
    const metadata = { model: { ...MODEL, [key]: value }, classes: ['a', 'b', 'c'] };
    return encodeModelMetadata({ ...metadata, config: smallConfig({}) }, 1);
  });

export const modelDoors = [
  door({
    name: 'model files',
    numInputs: 200,
    inputs: fc.tuple(fc.array(change, { maxLength: 3 }), dropped, fc.option(described)),
    async enter([changes, without, metadata]) {
      let all = TENSORS;
      for (const apply of changes) all = apply([...all]);
      const kept = all.filter((_, at) => at !== without);
      const named = [...new Map(kept.map((tensor) => [tensor.name, tensor])).values()];
      writeFileSync(file, Buffer.concat(encodeSafetensors(named, metadata ?? {})));
      await openModel(file);
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH'],
  }),
];
