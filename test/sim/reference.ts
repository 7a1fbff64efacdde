/**
 * @file The run without any worker, network or fault: what every world must arrive at, bit by bit.
 *
 * The model is a stand-in, a few float32 operations a sample, whose sums depend on their order as real ones do.
 */

import { ParameterStore } from '../../coordinator/step/parameters.ts';
import { LeafProgram } from '../../shared/compute/leaf-program.ts';
import type { LeafInputs, LeafOutputs } from '../../shared/compute/program.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import type { NodeTotals } from '../../shared/core/work.ts';
import { NOTHING_LEFT_OUT } from '../../shared/data/found.ts';
import { batchIndices, leafIndices, sequentialIndices } from '../../shared/data/sampler.ts';
import type { DataSource, EncodedSample, Split } from '../../shared/data/source.ts';
import { roundBfloat16, roundToBfloat16 } from '../../shared/kernels/bfloat16.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import { learningRateAt } from '../../shared/training/schedule.ts';

/** What the pixels of a split are multiples of, so that no two splits are alike. */
const PIXELS: Readonly<Record<Split, number>> = { train: 7, validation: 5, test: 11 };

/** A data set of one-byte images. */
export function simSource(size: Readonly<Record<Split, number>>): DataSource {
  const label = (_split: string, index: number) => index % 2;
  const name = (split: string, index: number) => `${split}#${index}`;
  return {
    classes: ['even', 'odd'],
    size,
    found: NOTHING_LEFT_OUT,
    label,
    name,
    listedBytes: () => 1,
    bytes: () => Promise.resolve(1),
    read: (split, index) => {
      const raw = { height: 1, width: 1, channels: 1 };
      const bytes = Uint8Array.of(PIXELS[split] * index);
      const about = { index, label: label(split, index), name: name(split, index) };
      return Promise.resolve({ ...about, raw, bytes });
    },
  };
}

/** The one pixel of a sample; `epoch` is undefined for an image that only judges. */
export function pixelOf(sample: EncodedSample, epoch: number | undefined): number {
  return Math.fround((1 + (sample.bytes[0] ?? 0)) / 256 + (epoch === undefined ? 0 : epoch / 16));
}

/** Computes a leaf; its parameters are in sight, so that the oracle can look at them. */
export class SimProgram extends LeafProgram {
  readonly description = 'simulated';
  parameters = new Float32Array();
  /** From then on it computes nonsense. */
  isBroken = false;

  override readonly slots: number;

  protected override readonly gradients: ValueType;

  constructor(slots = 1, gradients: ValueType = 'f32') {
    super();
    this.slots = slots;
    this.gradients = gradients;
  }

  setParameters(parameters: Float32Array): void {
    this.parameters = parameters as Float32Array<ArrayBuffer>;
  }

  train(leaf: LeafInputs): Promise<LeafOutputs> {
    return Promise.resolve(this.#compute(leaf, new Float32Array(this.parameters.length)));
  }

  evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    return Promise.resolve(this.#compute(leaf, new Float32Array()));
  }

  /** Whoever still uses it learns so. */
  override recycle(gradient: Float32Array): void {
    gradient.fill(Number.NaN);
  }

  predict(): Promise<Float32Array> {
    return Promise.reject(new Error('not simulated'));
  }

  features(): Promise<Float32Array> {
    return Promise.reject(new Error('not simulated'));
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  #compute({ images, labels, weights }: LeafInputs, gradient: Float32Array): LeafOutputs {
    const { parameters } = this;
    let lossSum = 0;
    let correct = 0;
    for (const [place, weight] of weights.entries()) {
      if (weight === 0) continue;
      const pixel = images[place]!;
      const label = labels[place]!;
      for (let at = 0; at < gradient.length; at += 1) {
        gradient[at]! += pixel * (parameters[at]! + ((7 * at + 3) % 11) / 3) - label / 7;
      }
      lossSum += Math.abs(pixel * parameters[0]! - label) + pixel;
      correct += Math.abs(Math.round(1e4 * (pixel + parameters[1]!))) % 2;
    }
    if (this.gradients === 'bf16') roundBfloat16(gradient);
    return { lossSum: this.isBroken ? Number.NaN : lossSum, correct, gradient };
  }
}

/** What a run without faults comes to. */
export interface Reference {
  /** Parameters of each version. */
  readonly versions: readonly Float32Array[];
  /** Totals of each step. */
  readonly steps: readonly NodeTotals[];
  readonly batchesPerEpoch: number;
  /** Totals of the evaluation of a version on a split. */
  evaluation(version: number, split: 'validation' | 'test'): NodeTotals;
  /** The split that chooses the best version, and that version once the versions up to one are there. */
  readonly chosenOn: 'validation' | 'test';
  best(upTo: number): number | undefined;
}

interface Sum {
  readonly gradient: Float32Array;
  readonly totals: NodeTotals;
}

/** The data of a run, and what of them cannot be read. */
interface Data {
  readonly source: DataSource;
  readonly unreadable: ReadonlySet<string>;
}

/** Computes the whole run in one place, one leaf after the other. */
export async function reference(
  { config, model }: RunIdentity,
  data: Data,
  parameters: Float32Array,
): Promise<Reference> {
  const { source } = data;
  const { seed, training } = config;
  const { batchSize, microBatch } = training;
  const batchesPerEpoch = Math.ceil(source.size.train / batchSize);
  const totalSteps = training.epochs * batchesPerEpoch;
  const table = parameterTable(model);
  const store = new ParameterStore({
    table,
    config: training.optimizer,
    parameters: parameters.slice(),
  });
  const { exchange } = config;
  const program = new SimProgram(1, exchange.gradients);
  const sumOf = async (
    values: Float32Array,
    split: Split,
    indices: Uint32Array,
    epoch?: number,
  ) => {
    program.setParameters(values);
    const numLeaves = Math.ceil(indices.length / microBatch);
    const leaves: Sum[] = [];
    for (let leaf = 0; leaf < numLeaves; leaf += 1) {
      const inputs = await leafOf(data, split, leafIndices(indices, leaf, microBatch), epoch);
      const { gradient, ...totals } =
        await program[split === 'train' ? 'train' : 'evaluate'](inputs);
      leaves.push({ gradient, totals: { ...totals, samples: sum(inputs.weights) } });
    }
    return sumTree(leaves, exchange.gradients);
  };
  const versions = [store.parameters.slice()];
  const steps: NodeTotals[] = [];
  for (let step = 0; step < totalSteps; step += 1) {
    const epoch = Math.floor(step / batchesPerEpoch);
    const batch = step % batchesPerEpoch;
    const indices = batchIndices({ seed, epoch, batch, numSamples: source.size.train, batchSize });
    const { gradient, totals } = await sumOf(
      roundedTo(store.parameters, exchange.parameters),
      'train',
      indices,
      epoch,
    );
    const learningRate = learningRateAt(
      training.schedule,
      training.optimizer.learningRate,
      step,
      totalSteps,
    );
    const { samples } = totals;
    // A step without samples changes nothing, and counts.
    const update = { gradientSum: gradient, samples, step: step + 1, learningRate };
    const { clipNorm } = training;
    if (samples === 0) store.skipStep(step + 1);
    else if (!(await isMade(() => store.applyStep({ ...update, clipNorm })))) break;
    steps.push(totals);
    versions.push(store.parameters.slice());
  }
  const { size } = source;
  const evaluations = { validation: [] as NodeTotals[], test: [] as NodeTotals[] };
  for (const values of versions) {
    for (const split of ['validation', 'test'] as const) {
      if (size[split] === 0) continue;
      evaluations[split].push((await sumOf(values, split, sequentialIndices(size[split]))).totals);
    }
  }
  const chosenOn = size.validation > 0 ? 'validation' : 'test';
  const accuracyOf = (version: number) => {
    const { correct, samples } = evaluations[chosenOn][version]!;
    return correct / samples;
  };
  const everySteps = config.evaluation.everyEpochs * batchesPerEpoch;
  const isJudged = (version: number) =>
    version === totalSteps || (everySteps > 0 && version > 0 && version % everySteps === 0);
  return {
    versions,
    steps,
    batchesPerEpoch,
    evaluation: (version, split) => evaluations[split][version]!,
    chosenOn,
    best: (upTo) =>
      versions
        .map((_, version) => version)
        .filter((version) => version <= upTo && isJudged(version))
        .reduce<number | undefined>(
          (best, version) =>
            best === undefined || accuracyOf(version) > accuracyOf(best) ? version : best,
          undefined,
        ),
  };
}

/** Whether a step makes a version; a run that diverges has no more of them. */
function isMade(step: () => Promise<unknown>): Promise<boolean> {
  return step().then(
    () => true,
    (error: unknown) => {
      if (TesseraError.from(error).code !== 'NON_FINITE') throw error;
      return false;
    },
  );
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}

async function leafOf(
  { source, unreadable }: Data,
  split: Split,
  indices: Uint32Array,
  epoch: number | undefined,
): Promise<LeafInputs> {
  const samples = await Promise.all([...indices].map((index) => source.read(split, index)));
  return {
    images: Float32Array.from(samples, (sample) => pixelOf(sample, epoch)),
    labels: Int32Array.from(samples, ({ label }) => label),
    weights: Float32Array.from(samples, ({ name }) => (unreadable.has(name) ? 0 : 1)),
  };
}

/** Values rounded to a type, one by one. */
export function roundedTo(values: Float32Array, type: ValueType): Float32Array {
  return type === 'f32' ? values : values.map(roundToBfloat16);
}

/** The one association: the left part is the largest full tree that leaves a right one. */
function sumTree(leaves: readonly Sum[], type: ValueType): Sum {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  const half = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  const [left, right] = [sumTree(leaves.slice(0, half), type), sumTree(leaves.slice(half), type)];
  const sums = left.gradient.map((value, at) => value + right.gradient[at]!);
  return {
    gradient: roundedTo(sums, type),
    totals: {
      lossSum: left.totals.lossSum + right.totals.lossSum,
      correct: left.totals.correct + right.totals.correct,
      samples: left.totals.samples + right.totals.samples,
    },
  };
}
