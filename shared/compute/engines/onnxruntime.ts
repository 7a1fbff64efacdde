/** @file ONNX Runtime: the recorded step, compiled for a CPU or a GPU. The default engine. */
import * as ort from 'onnxruntime-node';
import { assert, TesseraError } from '../../core/errors.ts';
import { parameterTable } from '../../model/parameters.ts';
import type { EngineChoice, LeafInputs, LeafOutputs, Program, ProgramSpec } from '../program.ts';
import type { Graph } from '../record/graph.ts';
import { encodeOnnx } from '../record/onnx.ts';
import { gradientName, recordForward, recordTraining } from '../record/steps.ts';
import { imagesShape } from '../step.ts';

/** What to type or install to get a provider. */
const HINTS: Readonly<Record<EngineChoice['provider'], string>> = {
  cpu: 'npm ci',
  cuda: 'npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12',
  webgpu: "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
};

/**
 * Prepares the step for an execution provider; each of its two graphs is compiled on first use, which
 * throws ENGINE_UNAVAILABLE when the provider does not start.
 */
export async function compileForOnnxRuntime(
  spec: ProgramSpec,
  choice: EngineChoice,
): Promise<Program> {
  return new OnnxRuntimeProgram(spec, choice, {
    training: new LazySession(async () => openSession(await recordTraining(spec), choice)),
    forward: new LazySession(async () => openSession(await recordForward(spec), choice)),
  });
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

async function openSession(graph: Graph, choice: EngineChoice): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(encodeOnnx(graph), {
      executionProviders: [choice.provider],
      intraOpNumThreads: choice.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // It would undo what `kernels.ts` does for products that are wider than high.
      extra: { optimization: { disable_specified_optimizers: 'GemmTransposeFusion' } },
    });
  } catch (error) {
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

interface Sessions {
  readonly training: LazySession;
  readonly forward: LazySession;
}

class OnnxRuntimeProgram implements Program {
  readonly description: string;
  readonly #spec: ProgramSpec;
  readonly #sessions: Sessions;
  readonly #table;
  #parameters: Record<string, ort.Tensor> = {};

  constructor(spec: ProgramSpec, choice: EngineChoice, sessions: Sessions) {
    this.#spec = spec;
    this.#sessions = sessions;
    this.#table = parameterTable(spec.model);
    const threads = choice.provider === 'cpu' ? `, threads ${choice.threads}` : '';
    this.description = `onnxruntime-${choice.provider}${threads}`;
  }

  setParameters(parameters: Float32Array): void {
    this.#parameters = this.#tensors(parameters, (name) => name);
  }

  async train(leaf: LeafInputs): Promise<LeafOutputs> {
    const session = await this.#sessions.training.get();
    const gradient = new Float32Array(this.#table.size);
    // The outputs are written in place: views of the flat gradient, in table order.
    const outputs = await session.run(this.#feeds(leaf), {
      loss: null,
      correct: null,
      ...this.#tensors(gradient, gradientName),
    });
    return { ...sums(outputs), gradient };
  }

  async evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    const session = await this.#sessions.forward.get();
    const outputs = await session.run(this.#feeds(leaf), ['loss', 'correct']);
    return { ...sums(outputs), gradient: new Float32Array(0) };
  }

  async predict(images: Float32Array): Promise<Float32Array> {
    const session = await this.#sessions.forward.get();
    const { microBatch } = this.#spec;
    const labels = new Int32Array(microBatch);
    const weights = new Float32Array(microBatch);
    const outputs = await session.run(this.#feeds({ images, labels, weights }), ['logits']);
    return outputs['logits']?.data as Float32Array;
  }

  async dispose(): Promise<void> {
    this.#parameters = {};
    await this.#sessions.training.release();
    await this.#sessions.forward.release();
  }

  /** A tensor over each parameter's part of a flat vector; nothing is copied. */
  #tensors(flat: Float32Array, nameOf: (name: string) => string): Record<string, ort.Tensor> {
    return Object.fromEntries(
      this.#table.entries.map(({ name, shape, offset, size }) => [
        nameOf(name),
        new ort.Tensor('float32', flat.subarray(offset, offset + size), shape),
      ]),
    );
  }

  #feeds({ images, labels, weights }: LeafInputs): Record<string, ort.Tensor> {
    return {
      ...this.#parameters,
      images: new ort.Tensor('float32', images, imagesShape(this.#spec)),
      labels: new ort.Tensor('int32', labels, [labels.length]),
      weights: new ort.Tensor('float32', weights, [weights.length]),
    };
  }
}

function sums(outputs: ort.InferenceSession.OnnxValueMapType): {
  lossSum: number;
  correct: number;
} {
  const scalar = (name: string) => Number(outputs[name]?.data[0]);
  return { lossSum: scalar('loss'), correct: Math.round(scalar('correct')) };
}
