/** @file All engines there are. Light to import: no library is loaded before a program is compiled. */
import { TesseraError } from '../../core/errors.ts';
import type { Precision } from '../../model/precision.ts';
import type { Program, ProgramSpec } from '../program.ts';
import type { CompileOptions, Engine } from './engine.ts';
import { ONNXRUNTIME_CPU, ONNXRUNTIME_CUDA, ONNXRUNTIME_WEBGPU } from './onnxruntime.ts';
import { TFJS_CPU, TFJS_NODE, TFJS_NODE_GPU, TFJS_TENSORFLOW } from './tfjs.ts';

/** In the order in which `auto` tries them. */
const ALL = [
  TFJS_NODE_GPU,
  ONNXRUNTIME_CUDA,
  ONNXRUNTIME_WEBGPU,
  ONNXRUNTIME_CPU,
  TFJS_TENSORFLOW,
  TFJS_NODE,
  TFJS_CPU,
] as const;

export type EngineId = (typeof ALL)[number]['id'];

/** In the order in which `auto` tries them. */
export const ENGINES: readonly (Engine & { readonly id: EngineId })[] = ALL;

/** What `compute.engine` of a config may say. */
export const ENGINE_NAMES = [...new Set(['auto', ...ALL.map(({ name }) => name)] as const)];

/** What `compute.provider` of a config may say. */
export const PROVIDER_NAMES = [
  'auto',
  ...ALL.flatMap((engine) => ('provider' in engine ? [engine.provider] : [])),
] as const;

/** An engine on this machine, and what of the machine it may use. */
export interface EngineChoice extends Pick<CompileOptions, 'threads' | 'devices'> {
  readonly id: EngineId;
}

/** The engine of an id. */
export function engineOf(id: EngineId): Engine {
  return ALL.find((engine) => engine.id === id) as Engine;
}

/**
 * Compiles the training step of a model.
 *
 * Throws  as `Engine.compile` does; ENGINE_UNAVAILABLE when the engine does not compute in the precision that is asked for.
 */
export async function compileProgram(
  spec: ProgramSpec,
  { id, ...choice }: EngineChoice,
  more: Pick<CompileOptions, 'executables'> = {},
): Promise<Program> {
  const { precision = 'f32' } = spec;
  const engine = engineOf(id);
  if (!computesIn(engine, precision)) {
    const sentence = `${engine.title} computes in ${precisionsOf(engine).join(', ')}, not in ${precision}`;
    throw new TesseraError('ENGINE_UNAVAILABLE', sentence, { hint: PRECISION_HINT });
  }
  return engine.compile(spec, { ...choice, ...more });
}

/** What to do where no engine has the precision of a run. */
export const PRECISION_HINT =
  'set training.precision: f32, or choose an engine of xla: `tessera doctor` shows which work here';

/** The precisions of an engine. */
function precisionsOf({ precisions = ['f32'] }: Engine): readonly Precision[] {
  return precisions;
}

/** Whether an engine has a precision. */
export function computesIn(engine: Engine, precision: Precision): boolean {
  return precisionsOf(engine).includes(precision);
}
