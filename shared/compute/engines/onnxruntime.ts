/** @file ONNX Runtime: the recorded step, compiled for a CPU or a GPU. The default engine. */
import * as ort from 'onnxruntime-node';
import { TesseraError } from '../../core/errors.ts';
import { parameterTable } from '../../model/parameters.ts';
import type { EngineChoice, LeafInputs, LeafOutputs, Program, ProgramSpec } from '../program.ts';
import { encodeOnnx } from '../record/onnx.ts';
import { gradientName, recordForward, recordTraining } from '../record/steps.ts';
import { imagesShape } from '../step.ts';

/**
 * Compiles the step for an execution provider.
 *
 * Throws  ENGINE_UNAVAILABLE when the provider does not start.
 */
export async function compileForOnnxRuntime(
  spec: ProgramSpec,
  choice: EngineChoice,
): Promise<Program> {
  // Compiled when first asked for: a worker trains long before it evaluates, `predict` never trains.
  const training = once(async () => openSession(encodeOnnx(await recordTraining(spec)), choice));
  const forward = once(async () => openSession(encodeOnnx(await recordForward(spec)), choice));
  return new OnnxRuntimeProgram(spec, choice, { training, forward });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function openSession(model: Uint8Array, choice: EngineChoice): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [choice.provider],
      intraOpNumThreads: choice.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new TesseraError(
      'ENGINE_UNAVAILABLE',
      `onnxruntime's ${choice.provider} provider does not start: ${String(error)}`,
      { hint: '`tessera doctor` shows which engines work here', cause: error },
    );
  }
}

interface Sessions {
  readonly training: () => Promise<ort.InferenceSession>;
  readonly forward: () => Promise<ort.InferenceSession>;
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
    const session = await this.#sessions.training();
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
    const session = await this.#sessions.forward();
    const outputs = await session.run(this.#feeds(leaf), ['loss', 'correct']);
    return { ...sums(outputs), gradient: new Float32Array(0) };
  }

  async predict(images: Float32Array): Promise<Float32Array> {
    const session = await this.#sessions.forward();
    const { microBatch } = this.#spec;
    const labels = new Int32Array(microBatch);
    const weights = new Float32Array(microBatch);
    const outputs = await session.run(this.#feeds({ images, labels, weights }), ['logits']);
    return outputs['logits']?.data as Float32Array;
  }

  async dispose(): Promise<void> {
    for (const open of Object.values(this.#sessions)) await (await open()).release();
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
