/** @file All engines there are. Light to import: no library is loaded before a program is compiled. */
import { TesseraError } from '../../core/errors.ts';
import type { Program, ProgramSpec } from '../program.ts';
import { lackOf } from './abilities.ts';
import type { CompileOptions, Engine } from './engine.ts';
import { ONNXRUNTIME_CPU, ONNXRUNTIME_CUDA, ONNXRUNTIME_WEBGPU } from './onnxruntime.ts';
import { TFJS_CPU, TFJS_NODE, TFJS_NODE_GPU, TFJS_TENSORFLOW } from './tfjs.ts';
import { XLA_CPU, XLA_CUDA, XLA_ONEAPI, XLA_ROCM, XLA_TPU } from './xla.ts';

/** In the order in which `auto` tries them. */
const ALL = [
  XLA_CUDA,
  XLA_ROCM,
  XLA_ONEAPI,
  XLA_TPU,
  TFJS_NODE_GPU,
  ONNXRUNTIME_CUDA,
  ONNXRUNTIME_WEBGPU,
  ONNXRUNTIME_CPU,
  TFJS_TENSORFLOW,
  TFJS_NODE,
  TFJS_CPU,
  XLA_CPU,
] as const;

export type EngineId = (typeof ALL)[number]['id'];

/** In the order in which `auto` tries them. */
export const ENGINES: readonly (Engine & { readonly id: EngineId })[] = ALL;

/** What `compute.engine` of a config may say. */
export const ENGINE_NAMES = [...new Set(['auto', ...ALL.map(({ name }) => name)] as const)];

/** What `compute.provider` of a config may say. */
export const PROVIDER_NAMES = [
  ...new Set([
    'auto',
    ...ALL.flatMap((engine) => ('provider' in engine ? [engine.provider] : [])),
  ] as const),
];

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
 * Throws  as `Engine.compile` does; ENGINE_UNAVAILABLE when the engine lacks what the program asks for, such as its precision.
 */
export async function compileProgram(
  spec: ProgramSpec,
  { id, ...choice }: EngineChoice,
  more: Pick<CompileOptions, 'executables'> = {},
): Promise<Program> {
  const engine = engineOf(id);
  const lack = lackOf(engine, spec);
  if (lack === undefined) return engine.compile(spec, { ...choice, ...more });
  const { sentence, hint } = lack;
  throw new TesseraError('ENGINE_UNAVAILABLE', `${engine.title} ${sentence}`, { hint });
}
