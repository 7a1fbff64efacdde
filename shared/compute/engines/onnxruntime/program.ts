/** @file The recorded step, compiled and run by ONNX Runtime on a CPU or a GPU. */
import * as ort from 'onnxruntime-node';
import { machineFailure } from '../../../core/errno.ts';
import { assert, TesseraError } from '../../../core/errors.ts';
import { availableThreads } from '../../../machine/devices.ts';
import { parameterTable, parameterView } from '../../../model/parameters.ts';
import type { Graph } from '../../graph/graph.ts';
import { simplify } from '../../graph/simplify.ts';
import { recordPart, sumName } from '../../graph/steps.ts';
import { inputsOf, leafValues, parametersOf } from '../../inputs.ts';
import { lowerToOnnx } from '../../lower/onnx.ts';
import { encodeOnnx } from '../../lower/onnx-model.ts';
import { lowerForCpu } from '../../lower/onnxruntime-cpu.ts';
import { joinPasses, partOf, passOf } from '../../passes.ts';
import type { LeafInputs, Program, ProgramSpec } from '../../program.ts';
import type { GradientView, Part } from '../../step.ts';
import { type Outputs, StepProgram } from '../../step-program.ts';
import { assertTelemetryIsOff } from '../../telemetry.ts';

// ONNX Runtime starts with its first session, so this is before.
assertTelemetryIsOff();

/** Optimizers of ONNX Runtime that would undo what `lower/` does for a provider. */
const UNDOING = {
  cpu: 'GemmTransposeFusion',
  webgpu: 'MatmulTransposeFusion;MatMulScaleFusion',
  cuda: '',
} as const;
/** Optimizers that would find a block that is computed again to be the same as the first time, and keep its values. */
const JOINING = 'CommonSubexpressionElimination;EliminateIdentity';
/** Shapes never change, so buffers of exactly the same size come again: a fifth less time on an H200. */
const WEBGPU = { name: 'webgpu', storageBufferCacheMode: 'simple' } as const;

/** How a session is opened. */
export interface SessionOptions {
  readonly provider: keyof typeof UNDOING;
  /** Number of the GPU, where CUDA shows several; the first unless given. */
  readonly device?: number;
  /** Threads of one operator. */
  readonly threads: number;
  /** How to get the provider. */
  readonly hint?: string;
  /**
   * Whether threads wait for each other by spinning. Off: alone a step takes as long, and beside other processes a
   * spinning thread keeps the core from the one that it waits for (`npm run bench -- --only spinning`).
   */
  readonly allowSpinning?: boolean;
}

/**
 * Prepares the step for an execution provider; each of its graphs is compiled on first use, which
 * throws ENGINE_UNAVAILABLE when the provider does not start.
 */
export function compileForOnnxRuntime(spec: ProgramSpec, options: SessionOptions): Program {
  const pass = options.provider === 'cpu' ? passOf(spec) : spec;
  const accumulates = pass !== spec;
  const lazily = (part: Part) =>
    new LazySession(async () =>
      openSession(await recordPart(pass, part, { accumulates }), options),
    );
  return new OnnxRuntimeProgram(spec, pass, options, {
    training: lazily('training'),
    forward: lazily('forward'),
    features: lazily('features'),
  });
}

/** Runs a graph of float32 inputs and outputs once, on the CPU; returns its outputs by name. */
export async function runGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Float32Array>> {
  const session = await openSession(graph, { provider: 'cpu', threads: availableThreads() });
  try {
    const feeds = [...graph.inputs].map(([name, { shape }]) => {
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

  /** Frees what is open; a session that was never used, or failed to open, holds nothing. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const session = await this.#session?.catch(() => undefined);
    await session?.release();
  }
}

async function openSession(
  graph: Graph,
  { provider, device = 0, threads, hint, allowSpinning = false }: SessionOptions,
): Promise<ort.InferenceSession> {
  const lowered = provider === 'cpu' ? lowerForCpu(graph) : lowerToOnnx(simplify(graph));
  const cuda = { name: 'cuda', deviceId: device } as const;
  const providers = { cpu: 'cpu', webgpu: WEBGPU, cuda } as const;
  const recomputes = graph.nodes.some(({ op }) => op === 'barrier');
  const undoing = [UNDOING[provider], recomputes ? JOINING : ''].filter(Boolean).join(';');
  try {
    return await ort.InferenceSession.create(encodeOnnx(lowered), {
      executionProviders: [providers[provider]],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // A plan of all buffers in one block takes half as much again, and saves no time.
      enableMemPattern: provider !== 'cpu',
      logSeverityLevel: 3,
      extra: {
        optimization: { disable_specified_optimizers: undoing },
        session: { intra_op: { allow_spinning: allowSpinning ? '1' : '0' } },
      },
    });
  } catch (error) {
    const failure = machineFailure(error);
    if (failure !== undefined) {
      const { code, sentence } = failure;
      throw new TesseraError(code, `onnxruntime does not start: ${sentence}`, {
        hint: failure.hint,
        cause: error,
      });
    }
    throw new TesseraError(
      'ENGINE_UNAVAILABLE',
      `onnxruntime's ${provider} provider does not start: ${reasonOf(error)}`,
      { ...(hint && { hint }), cause: error },
    );
  }
}

/** What ONNX Runtime says, without the place in its sources and the condition that failed there. */
function reasonOf(error: unknown): string {
  const [line = ''] = TesseraError.from(error).sentence.split('\n');
  return line.replace(/^(Error: )+/, '').replace(/^.* was false\. /, '');
}

class OnnxRuntimeProgram extends StepProgram {
  readonly description: string;
  /** What the sessions compute: a leaf, or a part of one. */
  readonly #pass: ProgramSpec;
  readonly #sessions: Readonly<Record<Part, LazySession>>;
  #parameters = new Map<string, ort.Tensor>();

  constructor(
    spec: ProgramSpec,
    pass: ProgramSpec,
    { provider, threads }: SessionOptions,
    sessions: Readonly<Record<Part, LazySession>>,
  ) {
    super(spec);
    this.#pass = pass;
    this.#sessions = sessions;
    this.description = `onnxruntime-${provider}${provider === 'cpu' ? `, threads ${threads}` : ''}`;
  }

  setParameters(parameters: Float32Array): void {
    this.#parameters = new Map(
      parameterTable(this.spec.model).entries.map((entry) => {
        // Over the vector itself: nothing is copied.
        const values = parameterView(parameters, entry);
        return [entry.name, new ort.Tensor('float32', values, entry.shape)] as const;
      }),
    );
  }

  async dispose(): Promise<void> {
    this.#parameters.clear();
    for (const session of Object.values(this.#sessions)) await session.release();
  }

  protected override async run(
    part: Part,
    leaf: LeafInputs,
    names: readonly string[],
    gradients: readonly GradientView[] = [],
  ): Promise<Outputs> {
    const session = await this.#sessions[part].get();
    const values = leafValues(this.spec, part, leaf);
    const passes = this.spec.microBatch / this.#pass.microBatch;
    const feeds: Record<string, ort.Tensor> = {};
    for (const { name } of parametersOf(this.spec, part)) {
      feeds[name] = this.#parameters.get(name) as ort.Tensor;
    }
    const wanted: Record<string, ort.Tensor | null> = {};
    for (const name of names) wanted[name] = null;
    // Gradients are written in place, where passes add to what is there: zeros at first.
    for (const { name, shape, values } of gradients) {
      wanted[name] = new ort.Tensor('float32', values, shape);
      if (passes === 1) continue;
      values.fill(0);
      feeds[sumName(name)] = wanted[name];
    }
    const results: ort.InferenceSession.OnnxValueMapType[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      for (const { name, shape, type } of inputsOf(this.#pass, part)) {
        const rows = partOf(values.get(name) as Float32Array, pass, passes);
        feeds[name] = new ort.Tensor(type, rows as never, shape);
      }
      results.push(await session.run(feeds, wanted));
    }
    return new Map(
      names.map((name) => {
        const outputs = results.map((result) => result[name]?.data as Float32Array);
        return [name, joinPasses(outputs, name === 'loss' || name === 'correct')];
      }),
    );
  }
}
