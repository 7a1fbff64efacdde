/** @file All engines there are. Light to import: no library is loaded before a program is compiled. */
import type { Program, ProgramSpec } from '../program.ts';
import type { Engine } from './engine.ts';
import { ONNXRUNTIME_CPU, ONNXRUNTIME_CUDA, ONNXRUNTIME_WEBGPU } from './onnxruntime.ts';
import { TFJS_CPU, TFJS_NODE, TFJS_NODE_GPU } from './tfjs.ts';

/** In the order in which `auto` tries them. */
const ALL = [
  TFJS_NODE_GPU,
  ONNXRUNTIME_CUDA,
  ONNXRUNTIME_WEBGPU,
  ONNXRUNTIME_CPU,
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

/** An engine on this machine. */
export interface EngineChoice {
  readonly id: EngineId;
  /** Threads of one operator; engines on GPUs ignore it. */
  readonly threads: number;
}

/** The engine of an id. */
export function engineOf(id: EngineId): Engine {
  return ALL.find((engine) => engine.id === id) as Engine;
}

/** Compiles the training step of a model. Throws  as `Engine.compile` does. */
export function compileProgram(spec: ProgramSpec, { id, threads }: EngineChoice): Promise<Program> {
  return engineOf(id).compile(spec, threads);
}
