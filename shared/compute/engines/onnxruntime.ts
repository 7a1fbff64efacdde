/** @file ONNX Runtime: the recorded step, compiled for a CPU or a GPU. The default engine. */
import * as ort from 'onnxruntime-node';
import { machineTrouble } from '../../core/errno.ts';
import { assert, TesseraError } from '../../core/errors.ts';
import { availableThreads } from '../../machine/devices.ts';
import { type ParameterEntry, parameterTable } from '../../model/parameters.ts';
import { inputsOf, leafValues, type Part, parametersOf, unlabelled } from '../inputs.ts';
import {
  type EngineChoice,
  hasFrozenBackbone,
  type LeafInputs,
  type LeafOutputs,
  type Program,
  type ProgramSpec,
} from '../program.ts';
import type { Graph } from '../record/graph.ts';
import { encodeOnnx } from '../record/onnx.ts';
import { standardProducts } from '../record/standard-products.ts';
import { gradientName, recordFeatures, recordForward, recordTraining } from '../record/steps.ts';
import { trainableEntries } from '../step.ts';
import { assertTelemetryIsOff } from '../telemetry.ts';

// ONNX Runtime starts with its first session, so this is before.
assertTelemetryIsOff();

/** It would undo what `kernels.ts` does for products that are wider than high. */
const UNDOING = 'GemmTransposeFusion';
/** They would undo `standard-products.ts`. */
const UNDOING_STANDARD = 'MatmulTransposeFusion;MatMulScaleFusion';
/** Shapes never change, so buffers of exactly the same size come again: a fifth less time on an H200. */
const WEBGPU = { name: 'webgpu', storageBufferCacheMode: 'simple' } as const;

/**
 * Whether threads of a session wait for each other by spinning. Off: alone a step takes as long, and beside other
 * processes a spinning thread keeps the core from the one that it waits for (`npm run bench -- --only spinning`).
 */
const ALLOW_SPINNING = false;

/** What to type or install to get a provider. */
const HINTS: Readonly<Record<EngineChoice['provider'], string>> = {
  cpu: 'npm ci',
  cuda: 'npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12',
  webgpu: "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
};

/**
 * Prepares the step for an execution provider; each of its graphs is compiled on first use, which
 * throws ENGINE_UNAVAILABLE when the provider does not start.
 */
export async function compileForOnnxRuntime(
  spec: ProgramSpec,
  choice: EngineChoice,
  allowSpinning = ALLOW_SPINNING,
): Promise<Program> {
  const lazily = (record: (spec: ProgramSpec) => Promise<Graph>) =>
    new LazySession(async () => openSession(await record(spec), choice, allowSpinning));
  return new OnnxRuntimeProgram(spec, choice, {
    training: lazily(recordTraining),
    forward: lazily(recordForward),
    features: lazily(recordFeatures),
  });
}

/** Runs a graph of float32 inputs and outputs once, on the CPU; answers its outputs by name. */
export async function runGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Float32Array>> {
  const threads = availableThreads();
  const session = await openSession(graph, { name: 'onnxruntime', provider: 'cpu', threads });
  try {
    const feeds = graph.inputs.map(({ name, shape }) => {
      return [name, new ort.Tensor('float32', inputs.get(name) as Float32Array, shape)] as const;
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    return new Map(
      Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array] as const),
    );
  } finally {
    await session.release();
  }
}

/** Opens when first asked for: a worker trains long before it evaluates, `predict` never trains. */
class LazySession {
  readonly #open: () => Promise<ort.InferenceSession>;
  #session: Promise<ort.InferenceSession> | undefined;
  #isReleased = false;

  constructor(open: () => Promise<ort.InferenceSession>) {
    this.#open = open;
  }

  get(): Promise<ort.InferenceSession> {
    assert(!this.#isReleased, 'a disposed program is not used again');
    this.#session ??= this.#open();
    return this.#session;
  }

  /** Frees what is open; a session that nobody asked for, or that failed to open, holds nothing. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const session = await this.#session?.catch(() => undefined);
    await session?.release();
  }
}

async function openSession(
  graph: Graph,
  choice: EngineChoice,
  allowSpinning = ALLOW_SPINNING,
): Promise<ort.InferenceSession> {
  const isWebGpu = choice.provider === 'webgpu';
  const model = encodeOnnx(isWebGpu ? standardProducts(graph) : graph);
  const disabled = isWebGpu ? `${UNDOING};${UNDOING_STANDARD}` : UNDOING;
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [isWebGpu ? WEBGPU : choice.provider],
      intraOpNumThreads: choice.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: {
        optimization: { disable_specified_optimizers: disabled },
        session: { intra_op: { allow_spinning: allowSpinning ? '1' : '0' } },
      },
    });
  } catch (error) {
    const trouble = machineTrouble(error);
    if (trouble !== undefined) {
      const { code, sentence, hint } = trouble;
      throw new TesseraError(code, `onnxruntime does not start: ${sentence}`, {
        hint,
        cause: error,
      });
    }
    throw new TesseraError(
      'ENGINE_UNAVAILABLE',
      `onnxruntime's ${choice.provider} provider does not start: ${reasonOf(error)}`,
      { hint: HINTS[choice.provider], cause: error },
    );
  }
}

/** What ONNX Runtime says, without the place in its sources and the condition that failed there. */
function reasonOf(error: unknown): string {
  const [line = ''] = TesseraError.from(error).sentence.split('\n');
  return line.replace(/^(Error: )+/, '').replace(/^.* was false\. /, '');
}

type Sessions = Readonly<Record<Part, LazySession>>;

class OnnxRuntimeProgram implements Program {
  readonly description: string;
  readonly #spec: ProgramSpec;
  readonly #sessions: Sessions;
  readonly #trainable: readonly ParameterEntry[];
  #parameters = new Map<string, ort.Tensor>();

  constructor(spec: ProgramSpec, choice: EngineChoice, sessions: Sessions) {
    this.#spec = spec;
    this.#sessions = sessions;
    this.#trainable = trainableEntries(spec);
    const threads = choice.provider === 'cpu' ? `, threads ${choice.threads}` : '';
    this.description = `onnxruntime-${choice.provider}${threads}`;
  }

  setParameters(parameters: Float32Array): void {
    const { entries } = parameterTable(this.#spec.model);
    this.#parameters = new Map(entries.map((entry) => [entry.name, tensorOf(entry, parameters)]));
  }

  async train(leaf: LeafInputs): Promise<LeafOutputs> {
    const inputs = await this.#withFeatures(leaf);
    const frozen = this.#spec.frozen ?? 0;
    const gradient = new Float32Array(parameterTable(this.#spec.model).size - frozen);
    // The outputs are written in place: views of the flat gradient, in table order.
    const places = this.#trainable.map((entry) => {
      const place = { ...entry, offset: entry.offset - frozen };
      return [gradientName(entry.name), tensorOf(place, gradient)] as const;
    });
    const wanted = { loss: null, correct: null, ...Object.fromEntries(places) };
    return { ...sums(await this.#run('training', inputs, wanted)), gradient };
  }

  async evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    const wanted = { loss: null, correct: null };
    const outputs = await this.#run('forward', await this.#withFeatures(leaf), wanted);
    return { ...sums(outputs), gradient: new Float32Array(0) };
  }

  async predict(images: Float32Array): Promise<Float32Array> {
    const inputs = await this.#withFeatures(unlabelled(images, this.#spec));
    const outputs = await this.#run('forward', inputs, { logits: null });
    return outputs['logits']?.data as Float32Array;
  }

  async features(images: Float32Array): Promise<Float32Array> {
    const outputs = await this.#run('features', unlabelled(images, this.#spec), { features: null });
    return outputs['features']?.data as Float32Array;
  }

  async dispose(): Promise<void> {
    this.#parameters.clear();
    for (const session of Object.values(this.#sessions)) await session.release();
  }

  /** Behind a frozen backbone the head wants features; those that nobody brought are computed. */
  async #withFeatures(leaf: LeafInputs): Promise<LeafInputs> {
    if (!hasFrozenBackbone(this.#spec) || leaf.features !== undefined) return leaf;
    return { ...leaf, features: await this.features(leaf.images) };
  }

  async #run(
    part: Part,
    leaf: LeafInputs,
    wanted: Readonly<Record<string, ort.Tensor | null>>,
  ): Promise<ort.InferenceSession.OnnxValueMapType> {
    const session = await this.#sessions[part].get();
    const feeds: Record<string, ort.Tensor> = {};
    for (const { name } of parametersOf(this.#spec, part)) {
      feeds[name] = this.#parameters.get(name) as ort.Tensor;
    }
    const values = leafValues(this.#spec, part, leaf);
    for (const { name, shape, type } of inputsOf(this.#spec, part)) {
      feeds[name] = new ort.Tensor(type, values.get(name) as never, shape);
    }
    return await session.run(feeds, wanted);
  }
}

/** A tensor over a parameter's part of a flat vector; nothing is copied. */
function tensorOf({ offset, size, shape }: ParameterEntry, flat: Float32Array): ort.Tensor {
  return new ort.Tensor('float32', flat.subarray(offset, offset + size), shape);
}

function sums(outputs: ort.InferenceSession.OnnxValueMapType): {
  lossSum: number;
  correct: number;
} {
  const scalar = (name: string) => Number(outputs[name]?.data[0]);
  return { lossSum: scalar('loss'), correct: Math.round(scalar('correct')) };
}
