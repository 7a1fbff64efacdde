/** @file The door of model files: what a stranger's weights, and what they say of themselves, can make of a model. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { encodeModelMetadata } from '../../shared/runs/model-metadata.ts';
import { inferModel } from '../../shared/weights/describe/infer.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../shared/weights/formats/safetensors.ts';
import { renameWeights } from '../../shared/weights/names/rename.ts';
import { readModel } from '../../tools/inference/read/read-model.ts';
import { smallConfig } from '../support/config.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { changed } from './json.ts';
import { scratchFolder } from './sandbox.ts';

const root = scratchFolder('model');
const file = join(root, 'model.safetensors');
const classesFile = join(root, 'classes.txt');

const { tensors: RAW } = readSafetensors(
  readFileSync(resolve(import.meta.dirname, '../fixtures/weights/timm.f32.safetensors')),
);
/** A tiny ViT in timm's names. */
export const TENSORS = [...RAW].map(([name, tensor]) => ({ name, ...tensor }) as NamedTensor);
/** What it is. */
export const { model: MODEL } = inferModel(renameWeights(RAW));

const size = fc.constantFrom(0, 1, 2, 3, 16, 48, 1000, 2 ** 20, 2 ** 31, 2 ** 50);
const place = fc.constantFrom(...TENSORS.keys());
type Change = (all: readonly NamedTensor[]) => readonly NamedTensor[];

/** What leaves a model: the same values in another width, other values, names with a prefix, another order. */
const harmless: fc.Arbitrary<Change> = fc.oneof(
  place.map((at) => (all: readonly NamedTensor[]) => {
    const tensor = all[at] ?? (all[0] as NamedTensor);
    const bytes = new Uint8Array(2 * (tensor.bytes.length / 4)).fill(at);
    const narrow = { ...tensor, dtype: 'BF16' as const, bytes };
    return tensor.dtype === 'F32' ? all.with(all.indexOf(tensor), narrow) : all;
  }),
  fc.constant((all: readonly NamedTensor[]) => all.toReversed()),
  fc
    .constantFrom('module.', 'model.', '')
    .map(
      (prefix) => (all: readonly NamedTensor[]) =>
        all.map((tensor) => ({ ...tensor, name: `${prefix}${tensor.name}` })),
    ),
);

/** A change of some tensor: other sides for its values, sides without values, another name, none at all. */
const harmful: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.array(size, { minLength: 1, maxLength: 3 })).map(([at, sides]) => {
    const empty = { shape: [...sides, 0], bytes: new Uint8Array(0) };
    return (all: readonly NamedTensor[]) => all.with(at, { ...(all[at] as NamedTensor), ...empty });
  }),
  place.map((at) => (all: readonly NamedTensor[]) => {
    const tensor = all[at] as NamedTensor;
    return all.with(at, { ...tensor, shape: tensor.shape.toReversed() });
  }),
  fc.tuple(place, place).map(([at, other]) => (all: readonly NamedTensor[]) => {
    const { name } = all[other] as NamedTensor;
    return all.with(at, { ...(all[at] as NamedTensor), name: `${name}.x` });
  }),
  place.map((at) => (all: readonly NamedTensor[]) => all.toSpliced(at, 1)),
);

/** One change that breaks the model at most; two hide each other. */
const changes = fc
  .tuple(fc.array(harmless, { maxLength: 2 }), fc.option(harmful, { freq: 2 }))
  .map(([ways, harm]) => (harm === null ? ways : [harm, ...ways]));

/** What Tessera writes into its files, and the same with other values, as a safetensors file holds it. */
const DESCRIBED = encodeModelMetadata(
  { model: MODEL, classes: ['a', 'b', 'c'], config: smallConfig({}) },
  1,
);
const CONTENT = JSON.parse(DESCRIBED['tessera'] as string);
const otherModel = fc
  .tuple(
    fc.constantFrom('depth', ...Object.keys(MODEL)),
    fc.constantFrom(1, 1000, 2 ** 31, 2 ** 50),
  )
  .map(([key, value]) => ({ ...CONTENT, model: { ...MODEL, [key]: value } }) as unknown);
const described = fc
  .oneof(
    { weight: 1, arbitrary: changed(CONTENT, { changesMax: 1 }) },
    { weight: 2, arbitrary: otherModel },
  )
  .map((content) => ({ ...DESCRIBED, tessera: JSON.stringify(content) }));
const names = fc.option(mutated([Buffer.from('pizza\nsteak\nsushi\n')], { changesMax: 2 }), {
  freq: 3,
});

export const modelDoors = [
  door({
    name: 'model files',
    numInputs: 150,
    inputs: fc.tuple(changes, fc.option(described, { freq: 2 }), names),
    async enter([ways, metadata, classes]) {
      const all = ways.reduce(
        (tensors, apply) => apply(tensors),
        TENSORS as readonly NamedTensor[],
      );
      const named = [...new Map(all.map((tensor) => [tensor.name, tensor])).values()];
      writeFileSync(file, Buffer.concat(encodeSafetensors(named, metadata ?? {})));
      if (classes !== null) writeFileSync(classesFile, classes);
      await readModel(file, { heads: 'any', ...(classes !== null && { classes: classesFile }) });
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH', 'NON_FINITE'],
    least: { accepted: 0.15, refused: 0.3 },
  }),
];
