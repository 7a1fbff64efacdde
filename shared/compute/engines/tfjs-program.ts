/** @file The step run eagerly by TensorFlow.js, on whichever backend is loaded. */
import { TesseraError } from '../../core/errors.ts';
import { fromHalves } from '../../core/floats.ts';
import { parameterTable } from '../../model/parameters.ts';
import * as tf from '../../model/tensorflow.ts';
import { namedTensors, type ParameterTensors } from '../../model/tensors.ts';
import { lockBackend, onBackend } from '../backend-lock.ts';
import type { ValueType } from '../graph/graph.ts';
import { inputsOf, leafValues, stepInputs } from '../inputs.ts';
import type { LeafInputs, Pixels, Program, ProgramSpec } from '../program.ts';
import { computePart, type GradientView, type Part } from '../step.ts';
import { type Outputs, StepProgram } from '../step-program.ts';
import type { InstalledEngine } from './installed.ts';
import { loadInstalled } from './tfjs-installed.ts';

/** Where an engine of TensorFlow.js comes from, and the backend that it registers. */
export interface TfjsLibrary {
  readonly name: string;
  /** Its npm package; undefined for an engine that `tessera engines add` alone brings. */
  readonly module?: string;
  /** What `tessera engines add` has brought, which comes before the npm package. */
  readonly findInstalled?: () => Promise<InstalledEngine | undefined>;
  /** Whether it is refused where it sees no GPU: TensorFlow would run on the CPU. */
  readonly needsGpu?: boolean;
  readonly backend: string;
  /** How to get it. */
  readonly hint: string;
}

/**
 * Loads an eager backend and makes it TensorFlow.js's current one; returns what it is, for people.
 *
 * Throws  ENGINE_UNAVAILABLE when it is not installed or does not load.
 */
export async function loadEager(library: TfjsLibrary, threads = 1): Promise<string> {
  const { name, backend, needsGpu, hint } = library;
  // Keeps TensorFlow.js from advertising tfjs-node on standard output.
  tf.env().set('PROD', true);
  try {
    const description = await loadLibrary(library, threads);
    const isStarted = await lockBackend(() => tf.setBackend(backend));
    if (!isStarted) throw new Error(`backend ${backend} does not start`);
    if (needsGpu && !isUsingGpu(tf.backend())) throw new Error('it sees no GPU');
    return description;
  } catch (error) {
    const isMissing = error instanceof Error && error.message.includes(`'${library.module}'`);
    const { sentence, hint: own } = TesseraError.from(error);
    const reason = isMissing ? `${library.module} is not installed` : sentence.split('\n')[0];
    throw new TesseraError('ENGINE_UNAVAILABLE', `${name} does not load: ${reason}`, {
      hint: isMissing ? hint : (own ?? hint),
      cause: error,
    });
  }
}

/** Loads what was installed, else the npm package. */
async function loadLibrary(library: TfjsLibrary, threads: number): Promise<string> {
  const { name, module, findInstalled } = library;
  const engine = await findInstalled?.();
  if (engine !== undefined) {
    const { version, isOnGpu, threads: used } = loadInstalled(engine, threads);
    return `${name}, TensorFlow ${version}${isOnGpu ? '' : `, threads ${used}`}`;
  }
  if (module === undefined) throw new Error('it is not installed');
  await import(module);
  return name;
}

/** Whether TensorFlow's backend runs on a GPU; the package runs on the CPU where it finds none. */
function isUsingGpu(backend: object): boolean {
  return 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true;
}

/** Prepares the step for running it eagerly: nothing is compiled. */
export async function compileEagerly(
  spec: ProgramSpec,
  library: TfjsLibrary,
  threads: number,
): Promise<Program> {
  return new EagerProgram(spec, await loadEager(library, threads), library.backend);
}

/** A step run eagerly on a registered backend of TensorFlow.js. */
export class EagerProgram extends StepProgram {
  readonly description: string;
  readonly #backend: string;
  #parameters: ParameterTensors = {};

  constructor(spec: ProgramSpec, description: string, backend: string) {
    super(spec);
    this.#backend = backend;
    this.description = description;
  }

  setParameters(parameters: Float32Array): void {
    this.#disposeParameters();
    this.#parameters = namedTensors(parameters, parameterTable(this.spec.model));
  }

  async dispose(): Promise<void> {
    this.#disposeParameters();
  }

  protected override run(
    part: Part,
    leaf: LeafInputs,
    names: readonly string[],
    gradients: readonly GradientView[] = [],
  ): Promise<Outputs> {
    return onBackend(this.#backend, () => {
      const values = leafValues(this.spec, part, leaf);
      const tensors = inputsOf(this.spec, part).map(
        ({ name, shape, type }) =>
          [name, tensorOf(values.get(name) as Pixels, shape, type)] as const,
      );
      const inputs = stepInputs(this.spec, part, this.#parameters, new Map(tensors));
      const outputs = computePart(this.spec, part, inputs);
      const read = (name: string) => outputs.get(name)?.dataSync() as Float32Array;
      for (const { name, values } of gradients) values.set(read(name));
      const results = new Map(names.map((name) => [name, read(name).slice()]));
      tf.dispose([...outputs.values()]);
      return results;
    });
  }

  #disposeParameters(): void {
    tf.dispose(Object.values(this.#parameters));
    this.#parameters = {};
  }
}

/** A tensor of an input; TensorFlow.js has float32 alone where it is of half precision, or of bytes. */
function tensorOf(values: Pixels, shape: readonly number[], type: ValueType): tf.Tensor {
  if (type === 'float16') return tf.tensor(fromHalves(values as Uint16Array), [...shape]);
  if (type === 'uint8') return tf.tensor(Float32Array.from(values), [...shape]);
  return tf.tensor(values as Float32Array, [...shape], type);
}
