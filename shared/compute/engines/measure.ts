/**
 * @file The memory that programs take, as the compiler reports it: for a summary, and to find the largest micro-batch.
 *
 * Programs are compiled for the devices, never run. That happens in a process of its own: a plugin may take it down, and
 * what it holds of a device is free when it ends.
 */
import { execFile } from 'node:child_process';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ErrorCode, TesseraError } from '../../core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../../machine/processes.ts';
import { equalLeaves, isFitting, largestThatFits } from '../micro-batch.ts';
import type { PartMemory, Program, ProgramSpec } from '../program.ts';
import type { Part } from '../step.ts';
import { chooseEngine } from './choose.ts';
import type { EngineRequest } from './options.ts';
import { compileProgram, type EngineChoice, engineOf } from './registry.ts';

/** What is to be measured. */
export interface MeasureTask {
  readonly spec: ProgramSpec;
  readonly request: EngineRequest;
  readonly threads: number;
  readonly parts: readonly Part[];
  /** Finds the largest micro-batch that fits, in place of measuring that of `spec`. */
  readonly find?:
    | {
        readonly batchSize: number;
        /** Programs of a run that compute at the same time: there are leaves for all, and they share the host's memory. */
        readonly programs: number;
      }
    | undefined;
}

/** What a program takes of the memory of each of its devices. */
export interface Measured {
  /** The engine, with its devices. */
  readonly engine: string;
  readonly microBatch: number;
  readonly parts: Readonly<Partial<Record<Part, PartMemory>>>;
  /** Bytes of a device that programs may have; undefined where it is not known. */
  readonly limit: number | undefined;
}

/** Compilation of a large model for a GPU takes minutes; a search compiles a few. */
const MEASURE_MS_MAX = 3_600_000;

/**
 * Measures in a process of its own.
 *
 * Throws  ENGINE_UNAVAILABLE when no engine works or the one that does reports no memory; CONFIG_INVALID when not even
 *         one image fits; CANCELLED, or the signal's own reason, once it is aborted.
 */
export async function measure(task: MeasureTask, signal?: AbortSignal): Promise<Measured> {
  const script = fileURLToPath(new URL('./measuring.js', import.meta.url));
  const args = [...NO_DEBUGGER_FLAGS, script, JSON.stringify(task)];
  const ending = { timeout: MEASURE_MS_MAX, killSignal: 'SIGKILL' } as const;
  const options = { ...ending, ...(signal && { signal }) };
  const { stdout } = await promisify(execFile)(process.execPath, args, options).catch(
    (error: { readonly signal?: string | null; readonly code?: number | string }) => {
      if (signal?.aborted) throw TesseraError.from(signal.reason, 'CANCELLED');
      const ending = error.signal ?? `exit code ${error.code}`;
      throw new TesseraError(
        'ENGINE_UNAVAILABLE',
        `the process that compiles to measure memory ended with ${ending}`,
        { hint: '`tessera doctor` shows which engines work here' },
      );
    },
  );
  const reply = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as MeasureReply;
  if ('measured' in reply) return reply.measured;
  const { code, sentence, hint } = reply.error;
  throw new TesseraError(code, sentence, hint === undefined ? {} : { hint });
}

/** What the process prints. */
export type MeasureReply =
  | { readonly measured: Measured }
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly sentence: string;
        readonly hint?: string | undefined;
      };
    };

/** Chooses the engine and measures in this process. Throws  as `measure`. */
export async function measureHere(task: MeasureTask): Promise<Measured> {
  return await measureWith(await chooseEngine(task.request, task.threads, task.spec), task);
}

/** Measures with an engine, in this process. Throws  as `measure`. */
export async function measureWith(
  choice: EngineChoice,
  { spec, parts, find }: Pick<MeasureTask, 'spec' | 'parts' | 'find'>,
): Promise<Measured> {
  if (find === undefined) {
    return await withProgram(spec, choice, (program) => measureParts(program, spec, parts));
  }
  const { limit, slots, description } = await withProgram(spec, choice, async (program) => ({
    limit: limitOf(program, choice, find.programs),
    slots: program.slots,
    description: program.description,
  }));
  if (limit === undefined) {
    const hint = 'give training.microBatch as a number, or ';
    throw lacksMemory(description, 'the memory of its device and of programs', hint);
  }
  const found = new Map<number, Measured>();
  const fits = async (microBatch: number) => {
    const sized = { ...spec, microBatch };
    const measured = await withProgram(sized, choice, (program) =>
      measureParts(program, sized, ['training']),
    ).catch((error: unknown) => {
      // A device may have too little for the compiler's own trials.
      if ((error as { status?: unknown }).status === 'RESOURCE_EXHAUSTED') return undefined;
      throw error;
    });
    if (measured === undefined || !isFitting(measured.parts.training as PartMemory, limit)) {
      return false;
    }
    found.set(microBatch, { ...measured, limit });
    return true;
  };
  const sizes = equalLeaves(find.batchSize, slots * find.programs);
  // Mixing needs a partner.
  const usable = spec.mixes ? sizes.filter((size) => size > 1) : sizes;
  const best = await largestThatFits(usable, fits);
  if (best !== undefined) return found.get(best) as Measured;
  throw new TesseraError(
    'CONFIG_INVALID',
    `training.microBatch: auto finds none that fits: ${usable[0] ?? 1} images take more than ${description} has`,
    { hint: 'choose a smaller model, training.recompute: blocks, or training.precision: bf16' },
  );
}

async function withProgram<T>(
  spec: ProgramSpec,
  choice: EngineChoice,
  use: (program: Program) => Promise<T>,
): Promise<T> {
  const program = await compileProgram(spec, choice);
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

async function measureParts(
  program: Program,
  { microBatch }: ProgramSpec,
  parts: readonly Part[],
): Promise<Measured> {
  const { description } = program;
  if (program.memory === undefined) throw lacksMemory(description, 'what a program takes');
  const measured: Partial<Record<Part, PartMemory>> = {};
  for (const part of parts) measured[part] = await program.memory(part);
  return { engine: description, microBatch, parts: measured, limit: undefined };
}

function lacksMemory(engine: string, what: string, hint = ''): TesseraError {
  const sentence = `${engine} does not report ${what} on this machine`;
  const other = 'choose an engine of xla: `tessera doctor` shows which work here';
  return new TesseraError('ENGINE_UNAVAILABLE', sentence, { hint: `${hint}${other}` });
}

/** Bytes of a device that programs may have: the device's own, or, of a CPU, a share of the machine's. */
function limitOf(program: Program, { id }: EngineChoice, programs: number): number | undefined {
  const report = program.devices();
  if (program.memory === undefined || report === undefined) return undefined;
  if (report.bytesLimit !== undefined) return report.bytesLimit / report.count;
  if (engineOf(id).needs !== undefined) return undefined;
  const granted = process.constrainedMemory();
  const host = granted > 0 ? Math.min(granted, totalmem()) : totalmem();
  return host / (programs * report.count);
}
