/** @file The last step of adding an engine, after its wheels are unpacked: what is loaded, and for which engine. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineAddition, KnownEngine } from '../../shared/catalog/engines.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { KnownFile } from '../../shared/files/known-file.ts';
import { finishOnnxruntime, isNeededOfOnnxruntime } from './onnxruntime.ts';
import { buildTensorflow, isNeededOfTensorflow, tfjsArchive } from './tensorflow.ts';
import { findCompiler } from './tensorflow-compiler.ts';

type Env = Readonly<NodeJS.ProcessEnv>;

/** What a last step works on. */
export interface Finishing {
  /** The unpacked wheels, side by side. It is put in place once the step is done. */
  readonly folder: string;
  /** Where the folder will be: no absolute path into `folder` may be kept. */
  readonly target: string;
  /** The downloaded wheels, the main one first. */
  readonly wheels: readonly { readonly file: string; readonly path: string }[];
  /** Paths of the step's own files, in their order. */
  readonly files: readonly string[];
  readonly env: Env;
  readonly signal: AbortSignal;
  /** Says a line to the user. */
  readonly say: (line: string) => void;
}

/** What goes into the record. */
export interface Finished {
  /** What is loaded, relative to the folder. */
  readonly library: string;
  /** Id of the engine of the registry that it is for. */
  readonly engine: string;
  readonly version: string;
}

/** A last step. */
interface Step {
  /** What it needs besides the wheels. */
  readonly files: (env: Env) => readonly KnownFile[];
  /** Throws  what `finish` would throw for want of a program, before anything is downloaded. */
  readonly check: (env: Env) => Promise<unknown>;
  /** Whether an entry of the main wheel is needed. */
  readonly keeps: (entry: string) => boolean;
  /** Throws  a TesseraError; the engine is then not there. */
  readonly finish: (finishing: Finishing) => Promise<Finished>;
}

const TENSORFLOW: Step = {
  files: (env) => [tfjsArchive(env)],
  check: (env) => findCompiler({ env }),
  keeps: isNeededOfTensorflow,
  finish: ({ folder, files, env, signal }) =>
    buildTensorflow({ folder, archive: files[0] as string, env, signal }),
};

/** Steps that build something; the others only look whether their plugin is there. */
const STEPS: Partial<Record<EngineAddition, Step>> = {
  tensorflow: TENSORFLOW,
  'tensorflow-cpu': TENSORFLOW,
  'onnxruntime-cuda': {
    files: () => [],
    check: async () => {},
    keeps: isNeededOfOnnxruntime,
    finish: ({ folder, wheels }) => finishOnnxruntime(folder, wheels),
  },
};

/** What the step of an engine needs besides the wheels. */
export function filesOf({ name }: KnownEngine, env: Env): readonly KnownFile[] {
  return STEPS[name]?.files(env) ?? [];
}

/** Throws  ENGINE_UNAVAILABLE when the last step of an engine cannot be done on this machine. */
export async function checkStep({ name }: KnownEngine, env: Env): Promise<void> {
  await STEPS[name]?.check(env);
}

/** Whether an entry of the main wheel is needed. */
export function keepsEntry({ name }: KnownEngine, entry: string): boolean {
  return STEPS[name]?.keeps(entry) ?? true;
}

/** Names that are in the table and cannot be added yet, for want of their step. */
export function isMissingStep({ name, library }: KnownEngine): boolean {
  return library === undefined && STEPS[name] === undefined;
}

/** Does the last step of an engine. Throws  DATA_INVALID when the wheels do not hold the plugin; what a step throws. */
export async function finishEngine(known: KnownEngine, finishing: Finishing): Promise<Finished> {
  const { name, library = '', engine, wheels } = known;
  const step = STEPS[name];
  if (step !== undefined) return await step.finish(finishing);
  await access(join(finishing.folder, library)).catch((cause: unknown) => {
    throw new TesseraError('DATA_INVALID', `the wheels of ${name} do not hold ${library}`, {
      hint: 'the index has other files than those that this version of Tessera knows: try another one with --index',
      cause,
    });
  });
  return { library, engine, version: wheels[0].version };
}
