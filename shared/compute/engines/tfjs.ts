/** @file TensorFlow.js, eagerly: on tfjs-node-gpu or tfjs-node where they are, and the pure JavaScript oracle. */
import * as tf from '@tensorflow/tfjs-core';
import { TesseraError } from '../../core/errors.ts';
import { parameterTable } from '../../model/parameters.ts';
import { inputsOf, leafValues, type Part, stepInputs, unlabelled } from '../inputs.ts';
import {
  type EngineChoice,
  hasFrozenBackbone,
  type LeafInputs,
  type LeafOutputs,
  type Program,
  type ProgramSpec,
} from '../program.ts';
import {
  featuresStep,
  forwardStep,
  imagesShape,
  type StepInputs,
  trainableEntries,
  trainStep,
} from '../step.ts';
import { inTurn } from '../turns.ts';

type EagerName = Exclude<EngineChoice['name'], 'onnxruntime'>;

/** Where each engine comes from, the backend that it registers, and how to get it. */
const ENGINES: Readonly<Record<EagerName, { module: string; backend: string; hint: string }>> = {
  'tfjs-node-gpu': {
    module: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    hint: 'npm rebuild @tensorflow/tfjs-node-gpu --ignore-scripts=false',
  },
  'tfjs-node': {
    module: '@tensorflow/tfjs-node',
    backend: 'tensorflow',
    hint: 'npm install @tensorflow/tfjs-node --ignore-scripts=false',
  },
  'tfjs-cpu': {
    module: '@tensorflow/tfjs-backend-cpu',
    backend: 'cpu',
    hint: 'npm ci',
  },
};

/**
 * Loads an eager backend and makes it TensorFlow.js's current one; answers its module.
 *
 * Throws  ENGINE_UNAVAILABLE when it is not installed or does not load.
 */
export async function loadEager(name: EagerName): Promise<Record<string, unknown>> {
  const { module, backend, hint } = ENGINES[name];
  // Keeps TensorFlow.js from advertising tfjs-node on standard output.
  tf.env().set('PROD', true);
  try {
    const loaded: Record<string, unknown> = await import(module);
    const isStarted = await inTurn(() => tf.setBackend(backend));
    if (!isStarted) throw new Error(`backend ${backend} does not start`);
    if (name === 'tfjs-node-gpu' && !isUsingGpu(tf.backend())) throw new Error('it sees no GPU');
    return loaded;
  } catch (error) {
    const reason = TesseraError.from(error).sentence.split('\n')[0];
    throw new TesseraError('ENGINE_UNAVAILABLE', `${name} does not load: ${reason}`, {
      hint,
      cause: error,
    });
  }
}

/** Whether TensorFlow's backend runs on a GPU; the package runs on the CPU where it finds none. */
function isUsingGpu(backend: object): boolean {
  return 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true;
}

/** Prepares the step for running it eagerly: nothing is compiled. */
export async function compileEagerly(spec: ProgramSpec, name: EagerName): Promise<Program> {
  await loadEager(name);
  return new EagerProgram(spec, name, ENGINES[name].backend);
}

/** A step run eagerly on a registered backend of TensorFlow.js. */
export class EagerProgram implements Program {
  readonly description: string;
  readonly #spec: ProgramSpec;
  readonly #backend: string;
  readonly #parameters = new Map<string, tf.Tensor>();

  constructor(spec: ProgramSpec, description: string, backend: string) {
    this.#spec = spec;
    this.#backend = backend;
    this.description = description;
  }

  setParameters(parameters: Float32Array): void {
    this.#disposeParameters();
    for (const { name, shape, offset, size } of parameterTable(this.#spec.model).entries) {
      // Copied: the caller may reuse the vector, and the cpu backend keeps the arrays that it is given.
      const values = parameters.slice(offset, offset + size);
      this.#parameters.set(name, tf.tensor(values, [...shape]));
    }
  }

  async train(leaf: LeafInputs): Promise<LeafOutputs> {
    const inputs = await this.#withFeatures(leaf);
    return await this.#run(() => {
      const { loss, correct, gradients } = trainStep(this.#spec, this.#tensors('training', inputs));
      const frozen = this.#spec.frozen ?? 0;
      const gradient = new Float32Array(parameterTable(this.#spec.model).size - frozen);
      for (const [index, { offset }] of trainableEntries(this.#spec).entries()) {
        gradient.set((gradients[index] as tf.Tensor).dataSync() as Float32Array, offset - frozen);
      }
      const outputs = { ...sums(loss, correct), gradient };
      correct.dispose();
      return outputs;
    });
  }

  async evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    const inputs = await this.#withFeatures(leaf);
    return await this.#run(() => {
      const { loss, correct } = forwardStep(this.#spec, this.#tensors('forward', inputs));
      return { ...sums(loss, correct), gradient: new Float32Array(0) };
    });
  }

  async predict(images: Float32Array): Promise<Float32Array> {
    const inputs = await this.#withFeatures(unlabelled(images, this.#spec));
    return await this.#run(() => {
      const { logits } = forwardStep(this.#spec, this.#tensors('forward', inputs));
      return logits.dataSync().slice() as Float32Array;
    });
  }

  features(images: Float32Array): Promise<Float32Array> {
    return this.#run(() => {
      const shape = imagesShape(this.#spec);
      const inputs = { parameters: this.#parameters, images: tf.tensor4d(images, shape) };
      return featuresStep(this.#spec, inputs).dataSync().slice() as Float32Array;
    });
  }

  async dispose(): Promise<void> {
    this.#disposeParameters();
  }

  #disposeParameters(): void {
    tf.dispose([...this.#parameters.values()]);
    this.#parameters.clear();
  }

  /** Behind a frozen backbone the head wants features; those that nobody brought are computed. */
  async #withFeatures(leaf: LeafInputs): Promise<LeafInputs> {
    if (!hasFrozenBackbone(this.#spec) || leaf.features !== undefined) return leaf;
    return { ...leaf, features: await this.features(leaf.images) };
  }

  /** Runs on this program's backend and frees every tensor made meanwhile. */
  #run<T>(work: () => T): Promise<T> {
    return inTurn(async () => {
      await tf.setBackend(this.#backend);
      tf.engine().startScope();
      try {
        return work();
      } finally {
        tf.engine().endScope();
      }
    });
  }

  #tensors(part: Part, leaf: LeafInputs): StepInputs {
    const values = leafValues(this.#spec, part, leaf);
    const tensors = inputsOf(this.#spec, part).map(
      ({ name, shape, type }) =>
        [name, tf.tensor(values.get(name) as Float32Array, [...shape], type)] as const,
    );
    return stepInputs(this.#spec, part, this.#parameters, new Map(tensors));
  }
}

function sums(loss: tf.Tensor, correct: tf.Tensor): { lossSum: number; correct: number } {
  return {
    lossSum: loss.dataSync()[0] as number,
    correct: Math.round(correct.dataSync()[0] as number),
  };
}
