/** @file Which tensors each part of a step takes, by name, and their values in a leaf. */
import { drawMask, maskSites } from '../model/masks.ts';
import { backboneSize, type ParameterEntry, parameterTable } from '../model/parameters.ts';
import * as tf from '../model/tensorflow.ts';
import { hasFrozenBackbone, type LeafInputs, type Pixels, type ProgramSpec } from './program.ts';
import { imagesShape, type Part, type StepInputs } from './step.ts';

/** A tensor that a part takes besides parameters. */
export interface InputShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32' | 'bool' | 'float16' | 'uint8';
}

/** The parameters that a part takes: with a frozen backbone, the head is trained apart from it. */
export function parametersOf(spec: ProgramSpec, part: Part): ParameterEntry[] {
  const { entries } = parameterTable(spec.model);
  const headStart = backboneSize(spec.model);
  if (part === 'features') return entries.filter(({ offset }) => offset < headStart);
  if (hasFrozenBackbone(spec)) return entries.filter(({ offset }) => offset >= headStart);
  return [...entries];
}

/** What a part takes besides parameters. */
export function inputsOf(spec: ProgramSpec, part: Part): InputShape[] {
  const { microBatch, model, transfer } = spec;
  const type = transfer?.type ?? 'float32';
  const images: InputShape = { name: 'images', shape: imagesShape(spec), type };
  if (part === 'features') return [images];
  const rows: InputShape = { name: 'features', shape: [microBatch, model.width], type: 'float32' };
  const inputs: InputShape[] = [
    hasFrozenBackbone(spec) ? rows : images,
    { name: 'labels', shape: [microBatch], type: 'int32' },
    { name: 'weights', shape: [microBatch], type: 'float32' },
  ];
  if (part === 'forward') return inputs;
  if (spec.mixes) {
    inputs.push({ name: 'mix/labels', shape: [microBatch], type: 'int32' });
    inputs.push({ name: 'mix/shares', shape: [microBatch], type: 'float32' });
  }
  for (const { name, size } of maskSites(spec.model, spec)) {
    inputs.push({ name, shape: [microBatch, size], type: 'bool' });
  }
  return inputs;
}

/** A step's inputs out of named tensors; pixels are float32 in any case, those of bytes from 0 to 255. */
export function stepInputs(
  spec: ProgramSpec,
  part: Part,
  parameters: StepInputs['parameters'],
  tensors: ReadonlyMap<string, tf.Tensor>,
): StepInputs {
  const get = <T extends tf.Tensor>(name: string) => tensors.get(name) as T;
  const isTraining = part === 'training';
  return {
    parameters,
    labels: get('labels'),
    weights: get('weights'),
    ...(tensors.has('images') && { images: normalised(spec, get<tf.Tensor4D>('images')) }),
    ...(tensors.has('features') && { features: get<tf.Tensor2D>('features') }),
    ...(isTraining && { masks: tensors }),
    ...(isTraining &&
      spec.mixes && {
        mix: { labels: get<tf.Tensor1D>('mix/labels'), shares: get<tf.Tensor1D>('mix/shares') },
      }),
  };
}

/** Images as the model takes them: bytes are normalised here, each channel by one product and one difference. */
function normalised({ model, transfer }: ProgramSpec, images: tf.Tensor4D): tf.Tensor4D {
  if (transfer?.type !== 'uint8') return images;
  const { mean, deviation } = transfer;
  const channels = Array.from({ length: model.channels }, (_, channel) => channel);
  const of = (values: readonly number[], channel: number) => values[channel] ?? Number(values[0]);
  const perChannel = (value: (channel: number) => number) =>
    tf.tensor4d(channels.map(value), [1, model.channels, 1, 1]);
  const scale = perChannel((channel) => 1 / (255 * of(deviation, channel)));
  const offset = perChannel((channel) => of(mean, channel) / of(deviation, channel));
  return tf.sub(tf.mul(images, scale), offset);
}

/** A leaf's values for the inputs of a part; masks are drawn here. */
export function leafValues(
  spec: ProgramSpec,
  part: Part,
  leaf: LeafInputs,
): Map<string, Pixels | Int32Array> {
  const { microBatch } = spec;
  const values = new Map<string, Pixels | Int32Array>([
    ['images', leaf.images],
    ['labels', leaf.labels],
    ['weights', leaf.weights],
  ]);
  if (leaf.features !== undefined) values.set('features', leaf.features);
  if (part !== 'training') return values;
  // A leaf without mixing: every image is wholly its own.
  values.set('mix/labels', leaf.mix?.labels ?? leaf.labels);
  values.set('mix/shares', leaf.mix?.shares ?? new Float32Array(microBatch).fill(1));
  const noise = leaf.noise ?? { seed: 0, epoch: 0, samples: [] };
  for (const [index, site] of maskSites(spec.model, spec).entries()) {
    values.set(site.name, drawMask(site, index, noise, microBatch));
  }
  return values;
}

/** A leaf of images without labels. */
export function unlabelled(images: Pixels, { microBatch }: ProgramSpec): LeafInputs {
  return { images, labels: new Int32Array(microBatch), weights: new Float32Array(microBatch) };
}
