/** @file Which engine to take: the first that really works here, or the one that was asked for. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TesseraError } from '../../core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../../machine/processes.ts';
import { parameterTable } from '../../model/parameters.ts';
import { missingHardware } from '../hardware.ts';
import type { DeviceReport, ProgramSpec } from '../program.ts';
import { type Asked, type Lack, lackOf } from './abilities.ts';
import type { Engine } from './engine.ts';
import type { EngineRequest } from './options.ts';
import { compileProgram, ENGINES, type EngineChoice, engineOf } from './registry.ts';

/** One engine and whether it works on this machine. */
export interface EngineFinding {
  readonly choice: EngineChoice;
  readonly works: boolean;
  /** Why it does not work, or what it runs on. */
  readonly reason: string;
  /** What to type to get it, when it does not work. */
  readonly hint: string | undefined;
  /** What it computes on, where it works and says so. */
  readonly devices?: DeviceReport | undefined;
}

/** The program that an engine must get through to count as working. */
const PROBE: ProgramSpec = {
  model: {
    imageSize: 8,
    channels: 1,
    patchSize: 4,
    width: 8,
    depth: 1,
    heads: 2,
    mlpWidth: 16,
    numClasses: 3,
  },
  microBatch: 2,
  labelSmoothing: 0,
};

const PROBE_MS_MAX = 60_000;

/** Tries every engine; for `tessera doctor`. */
export async function findEngines(threads: number): Promise<EngineFinding[]> {
  const findings: EngineFinding[] = [];
  for (const { id } of ENGINES) findings.push(await probe({ id, threads }));
  return findings;
}

/**
 * Decides on an engine.
 *
 * `auto` takes the first in the registry that works and can do what the program asks for; in f32 ONNX Runtime on the CPU
 * always does. WebGPU by name runs on a software driver too, which is how it is tested without a GPU.
 *
 * Throws  ENGINE_UNAVAILABLE when the one that is asked for does not work or lacks something, with the reason.
 */
export async function chooseEngine(
  request: EngineRequest,
  availableThreads: number,
  asked: Asked = {},
): Promise<EngineChoice> {
  const { engine, provider, devices = 'all' } = request;
  const threads = request.threads === 'auto' ? availableThreads : request.threads;
  let refusal: EngineFinding | undefined;
  let lack: Lack | undefined;
  for (const each of ENGINES.filter((one) => fits(one, request))) {
    const lacks = lackOf(each, asked);
    lack ??= lacks;
    if (lacks !== undefined) continue;
    const choice = { id: each.id, threads, ...(devices !== 'all' && { devices }) };
    // It ships inside the package and needs no trial when nothing else is there.
    if (engine === 'auto' && each.id === 'onnxruntime-cpu') return choice;
    const finding = await probe(choice, provider === 'webgpu');
    if (finding.works) return choice;
    // Of several engines the first that something can be done for.
    if (refusal?.hint === undefined) refusal = finding;
  }
  throw refusalOf(request, refusal, lack);
}

/** Why no engine was taken: what was tried did not work, or lacks what the program asks for. */
function refusalOf(
  { engine, provider }: EngineRequest,
  refusal: EngineFinding | undefined,
  lack: Lack | undefined,
): TesseraError {
  const name = `engine ${provider === 'auto' ? engine : `${engine} (${provider})`}`;
  if (lack === undefined) {
    const reason = refusal?.reason ?? 'there is no such engine';
    return new TesseraError('ENGINE_UNAVAILABLE', `${name} does not work here: ${reason}`, {
      hint: refusal?.hint ?? '`tessera doctor` shows which engines work here',
    });
  }
  const tried = refusal === undefined ? '' : `; ${refusal.choice.id}: ${refusal.reason}`;
  return new TesseraError('ENGINE_UNAVAILABLE', `${name} ${lack.sentence}${tried}`, {
    hint: refusal?.hint ?? lack.hint,
  });
}

/**
 * Whether the engine that is taken will most likely be one that drives all devices of the machine: it is installed, and
 * its hardware is there. Nothing is tried.
 */
export async function drivesAllDevices(request: EngineRequest): Promise<boolean> {
  for (const each of ENGINES.filter(({ name }) => name === 'xla')) {
    if (!fits(each, request) || missingHardware(each.needs) !== undefined) continue;
    if ((await each.lacking?.()) === undefined) return true;
  }
  return false;
}

/** Whether an engine is one that is asked for; those without providers are, by name, whatever provider is. */
function fits({ name, provider, onlyByName }: Engine, request: EngineRequest): boolean {
  if (request.engine === 'auto' && onlyByName === true) return false;
  if (request.engine !== 'auto' && request.engine !== name) return false;
  if (request.provider === 'auto' || request.provider === provider) return true;
  return provider === undefined && request.engine === name;
}

/**
 * Tries one engine. Missing hardware is noticed cheaply, before anything large is loaded; an engine that is tried even
 * so has it for the reason when it then fails.
 */
export async function probe(choice: EngineChoice, evenWithout = false): Promise<EngineFinding> {
  const { needs, isFragile = false, lacking, hint } = engineOf(choice.id);
  // A GPU driver can take its process down; so those are tried in a process of their own.
  const run = needs === undefined && !isFragile ? probeHere : probeElsewhere;
  const missing = missingHardware(needs);
  const lack = missing === undefined ? await lacking?.() : undefined;
  if (lack !== undefined) return { choice, works: false, reason: lack, hint };
  if (missing === undefined) return run(choice);
  const failed = { choice, works: false, reason: missing, hint: undefined };
  const finding = evenWithout ? await run(choice) : failed;
  return finding.works ? finding : { ...finding, reason: missing };
}

/** Compiles and runs the probe program in this process. */
export async function probeHere(choice: EngineChoice): Promise<EngineFinding> {
  try {
    return { choice, works: true, hint: undefined, ...(await runProbe(choice)) };
  } catch (error) {
    const { sentence, hint } = TesseraError.from(error, 'ENGINE_UNAVAILABLE');
    return { choice, works: false, reason: sentence, hint };
  }
}

/** Throws  ENGINE_UNAVAILABLE, also when the numbers are not finite. */
async function runProbe(choice: EngineChoice): Promise<Pick<EngineFinding, 'reason' | 'devices'>> {
  const program = await compileProgram(PROBE, choice);
  const { microBatch, model } = PROBE;
  program.setParameters(new Float32Array(parameterTable(model).size).fill(0.1));
  const { lossSum, gradient } = await program.train({
    images: new Float32Array(microBatch * model.channels * model.imageSize ** 2).fill(0.5),
    labels: new Int32Array(microBatch),
    weights: new Float32Array(microBatch).fill(1),
  });
  const devices = program.devices();
  await program.dispose();
  if (Number.isFinite(lossSum) && gradient.every(Number.isFinite)) {
    return { reason: program.description, devices };
  }
  throw new TesseraError('ENGINE_UNAVAILABLE', `${program.description} computes wrong numbers`);
}

/** Runs the probe in a process of its own, which a bad driver may take down. */
async function probeElsewhere(choice: EngineChoice): Promise<EngineFinding> {
  const script = fileURLToPath(new URL('./probe.js', import.meta.url));
  const options = { timeout: PROBE_MS_MAX, killSignal: 'SIGKILL' } as const;
  try {
    const run = promisify(execFile);
    const args = [...NO_DEBUGGER_FLAGS, script, JSON.stringify(choice)];
    const { stdout } = await run(process.execPath, args, options);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as EngineFinding;
  } catch (error) {
    const { signal, code } = error as { signal?: string | null; code?: number | string };
    const ending = signal ?? (code === undefined ? 'no result' : `exit code ${code}`);
    const reason = `its trial run ended with ${ending}`;
    return { choice, works: false, reason, hint: undefined };
  }
}
