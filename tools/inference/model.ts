/** @file A trained model in this process: predicts, computes features, is evaluated. What programs and commands use. */
import { chooseEngine } from '../../shared/compute/engines/choose.ts';
import { isOnCpu } from '../../shared/compute/engines/options.ts';
import { compileProgram } from '../../shared/compute/engines/registry.ts';
import { cachedExecutables, userExecutables } from '../../shared/compute/executable-cache.ts';
import type { Program } from '../../shared/compute/program.ts';
import { programSpec } from '../../shared/config/program.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { decodersOf } from '../../shared/data/pipeline/threads/decoders.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import type { DataSource, EncodedSample } from '../../shared/data/source.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import { type EvaluateOptions, type Evaluation, evaluateModel } from './evaluate.ts';
import { type Image, imageInputs } from './images.ts';
import { withMirrored } from './mirrored.ts';
import { computeImages, type ImageInput, type ImageResult } from './predict.ts';
import { findModel } from './read/find-model.ts';
import { type ReadOptions, readModel, type TrainedModel } from './read/read-model.ts';
import type { LeafFunction } from './rows.ts';
import { bestGuesses, type Guess } from './top-classes.ts';

/** How a model is opened. */
export interface OpenOptions extends ReadOptions {
  /**
   * Images that are computed at one time; every call computes so many, with black ones where there are fewer. By default
   * the micro-batch of the training. 1 is the fastest for images that come one by one.
   */
  readonly batchSize?: number | undefined;
  /** Test-time augmentation: an image and its mirror image are computed, and their probabilities averaged. */
  readonly tta?: boolean | undefined;
}

/** What an image shows. */
export interface Prediction {
  /** The path of the image, or `image 2` for the second one in memory. */
  readonly image: string;
  /** The likeliest classes, best first. */
  readonly guesses: readonly Guess[];
}

/**
 * Opens a trained model: the folder of a run (its best checkpoint) or of a checkpoint, a weights file or folder of any
 * library that docs/weights.md names, or the name of a run or of downloaded weights.
 *
 * Throws  TesseraError: DATA_INVALID when there is no model or it cannot be read, CHECKPOINT_CORRUPT when it is damaged,
 *         CHECKPOINT_MISMATCH when it is not a Vision Transformer or the options contradict it, NON_FINITE when it holds
 *         NaN or infinities, ENGINE_UNAVAILABLE when the engine of its config does not work here.
 */
export async function openModel(pathOrWeights: string, options: OpenOptions = {}): Promise<Model> {
  const { path } = await findModel(pathOrWeights);
  return await Model.start(await readModel(path, options), options);
}

/** A trained model, ready to compute in this thread. Calls may overlap: they are computed one after the other. */
export class Model {
  /** What was read: its shape, config, parameters. */
  readonly trained: TrainedModel;
  readonly #program: Program;
  readonly #logits: LeafFunction;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(trained: TrainedModel, program: Program, tta: boolean) {
    this.trained = trained;
    this.#program = program;
    const logits = this.#inTurn((images) => program.predict(images));
    const { imageSize: side, numClasses } = trained.model;
    this.#logits = tta ? withMirrored(logits, { side, numClasses }) : logits;
  }

  /** Compiles a model's program on this machine, with its parameters in place. Throws  ENGINE_UNAVAILABLE. */
  static async start(
    trained: TrainedModel,
    { batchSize, tta = false }: Pick<OpenOptions, 'batchSize' | 'tta'> = {},
  ): Promise<Model> {
    const { microBatch } = trained.config.training;
    const training = { ...trained.config.training, microBatch: batchSize ?? microBatch };
    if (!(Number.isInteger(training.microBatch) && training.microBatch > 0)) {
      throw new TesseraError('USAGE', `batchSize ${batchSize} is not a whole number from 1 on`);
    }
    // Without a backward pass there is nothing to compute again. Pixels are float32: they are drawn, too.
    const { transfer: _, ...whole } = programSpec({ ...trained.config, training }, trained.model);
    const spec = { ...whole, recompute: 'none' } as const;
    // Leaf by leaf: one device has no use for another.
    const { compute } = trained.config;
    const [device = 0] = compute.devices === 'all' ? [] : compute.devices;
    const request = { ...compute, devices: [device] };
    const cores = availableThreads();
    const choice = await chooseEngine(request, cores, spec);
    const executables = cachedExecutables(userExecutables());
    const program = await compileProgram(spec, choice, { executables });
    program.setParameters(trained.parameters);
    const { decoders: wanted } = trained.config.worker;
    const decoders = decodersOf({ wanted, cores, isOnCpu: isOnCpu(choice.id) });
    const config = { ...trained.config, training, worker: { ...trained.config.worker, decoders } };
    return new Model({ ...trained, config }, program, tta);
  }

  /** Names of the classes, in the order of the outputs. */
  get classes(): readonly string[] {
    return this.trained.classes;
  }

  /** The file of the weights. */
  get path(): string {
    return this.trained.modelPath;
  }

  /** What to know of the weights, such as values that no file states and are assumed. */
  get notes(): readonly string[] {
    return this.trained.notes.map(({ sentence }) => sentence);
  }

  /** The engine that computes, with its device and threads, and the precision where it is not f32. */
  get engine(): string {
    const { precision } = this.trained.config.training;
    const { description } = this.#program;
    return precision === 'f32' ? description : `${description}, ${precision}`;
  }

  /**
   * The likeliest classes of images, `top` of each.
   *
   * Throws  TesseraError: DATA_INVALID for the first image that cannot be read; NON_FINITE when the outputs are.
   */
  async predict(
    images: Image | readonly Image[],
    { top = 5 }: { readonly top?: number } = {},
  ): Promise<Prediction[]> {
    const predictions: Prediction[] = [];
    for await (const result of this.results(imageInputs(images))) {
      if (result.error !== undefined) throw result.error;
      const { image, values } = result;
      predictions.push({ image, guesses: bestGuesses(values, this.classes, top) });
    }
    return predictions;
  }

  /**
   * The logits of images: the outputs of which `predict` makes probabilities.
   *
   * Shapes  a vector of the number of classes for each image.
   * Throws  as `predict`.
   */
  async logits(images: Image | readonly Image[]): Promise<Float32Array[]> {
    return await valuesOf(this.results(imageInputs(images)));
  }

  /**
   * What the backbone makes of images: the values that the head classifies.
   *
   * Shapes  a vector of the model's width for each image.
   * Throws  as `predict`.
   */
  async features(images: Image | readonly Image[]): Promise<Float32Array[]> {
    const compute = this.#inTurn((leaf) => this.#program.features(leaf));
    return await valuesOf(computeImages(this.trained, compute, imageInputs(images)));
  }

  /**
   * Tests the model on a data set: a folder with a folder of images for each class, a data source of one's own, or, where
   * nothing is given, the data set of its run.
   *
   * Throws  TesseraError: DATA_INVALID when the data cannot be read, CHECKPOINT_MISMATCH when their classes are others,
   *         USAGE when the split has no images, NON_FINITE when the outputs are.
   */
  async evaluate(
    dataSet?: string | DataSource,
    options: EvaluateOptions = {},
  ): Promise<Evaluation> {
    const source = typeof dataSet === 'object' ? dataSet : await this.#open(dataSet);
    return await evaluateModel(this.trained, this.#logits, source, options);
  }

  /** The logits of each image, or why there are none; `loaded` takes what else is wanted of a sample. */
  results(
    inputs: readonly ImageInput[],
    loaded?: (sample: EncodedSample, place: number) => Promise<void>,
  ): AsyncGenerator<ImageResult> {
    return computeImages(this.trained, this.#logits, inputs, loaded);
  }

  /** Ends what is being computed and frees the engine; the model computes nothing more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#last;
    await this.#program.dispose();
  }

  async #open(folder: string | undefined): Promise<DataSource> {
    const { data, seed } = this.trained.config;
    const set =
      folder === undefined ? data : ({ ...data, source: 'image-folder', path: folder } as const);
    return await openDataSource(set, { seed, baseFolder: process.cwd() });
  }

  /** A program computes one leaf at a time. */
  #inTurn(compute: LeafFunction): LeafFunction {
    return (images) => {
      const turn = this.#last.then(() => {
        if (!this.#isClosed) return compute(images);
        throw new TesseraError('USAGE', 'the model is closed', { hint: 'open it again' });
      });
      this.#last = turn.catch(() => undefined);
      return turn;
    };
  }
}

/** What was computed of each image, in memory of its own. Throws  the first error. */
async function valuesOf(results: AsyncIterable<ImageResult>): Promise<Float32Array[]> {
  const values: Float32Array[] = [];
  for await (const result of results) {
    if (result.error !== undefined) throw result.error;
    values.push(result.values.slice());
  }
  return values;
}
