/** @file Which engine to take: the first that really works here, or the one that was asked for. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TesseraError } from '../core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../machine/debugger-flags.ts';
import { parameterTable } from '../model/parameters.ts';
import { compileProgram } from './compile.ts';
import { missingHardware, needsGpu } from './hardware.ts';
import type { EngineChoice, ProgramSpec } from './program.ts';

/** One engine and whether it works on this machine. */
export interface EngineFinding {
  readonly choice: EngineChoice;
  readonly works: boolean;
  /** Why it does not work, or what it runs on. */
  readonly reason: string;
  /** What to type to get it, when it does not work. */
  readonly hint: string | undefined;
}

/** What a config asks for. */
export interface EngineWish {
  readonly engine: EngineChoice['name'] | 'auto';
  readonly provider: EngineChoice['provider'] | 'auto';
  readonly threads: number | 'auto';
}

type Candidate = Omit<EngineChoice, 'threads'>;

/** In the order in which `auto` tries them. */
const CANDIDATES: readonly Candidate[] = [
  { name: 'tfjs-node-gpu', provider: 'cpu' },
  { name: 'onnxruntime', provider: 'cuda' },
  { name: 'onnxruntime', provider: 'webgpu' },
  { name: 'onnxruntime', provider: 'cpu' },
  { name: 'tfjs-node', provider: 'cpu' },
  { name: 'tfjs-cpu', provider: 'cpu' },
];

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
  for (const candidate of CANDIDATES) findings.push(await probe({ ...candidate, threads }));
  return findings;
}

/**
 * Decides on an engine.
 *
 * `auto` takes the first of: tfjs-node-gpu when it sees a GPU, ONNX Runtime on CUDA, on WebGPU, on the CPU.
 * WebGPU by name runs on a software driver too, which is how it is tested without a GPU.
 *
 * Throws  ENGINE_UNAVAILABLE when the one that is asked for does not work, with the reason.
 */
export async function chooseEngine(
  wish: EngineWish,
  availableThreads: number,
): Promise<EngineChoice> {
  const threads = wish.threads === 'auto' ? availableThreads : wish.threads;
  const wanted = CANDIDATES.filter((candidate) => fits(candidate, wish));
  let refusal: EngineFinding | undefined;
  for (const candidate of wanted) {
    const choice = { ...candidate, threads };
    // The CPU provider ships inside the package and needs no trial when nothing else is there.
    if (wish.engine === 'auto' && isCpuProvider(candidate)) return choice;
    const finding = wish.provider === 'webgpu' ? await probeAnyway(choice) : await probe(choice);
    if (finding.works) return choice;
    refusal = finding;
  }
  throw new TesseraError(
    'ENGINE_UNAVAILABLE',
    `engine ${nameOf(wish)} does not work here: ${refusal?.reason ?? 'there is no such engine'}`,
    { hint: refusal?.hint ?? '`tessera doctor` shows which engines work here' },
  );
}

function fits(candidate: Candidate, wish: EngineWish): boolean {
  const isEngine = wish.engine === 'auto' || wish.engine === candidate.name;
  const isProvider =
    wish.provider === 'auto' ||
    (candidate.name === 'onnxruntime' && wish.provider === candidate.provider) ||
    (candidate.name !== 'onnxruntime' && wish.engine === candidate.name);
  return isEngine && isProvider;
}

function isCpuProvider({ name, provider }: Candidate): boolean {
  return name === 'onnxruntime' && provider === 'cpu';
}

function nameOf({ engine, provider }: EngineWish): string {
  return provider === 'auto' ? engine : `${engine} (${provider})`;
}

/** Tries one engine; a machine without the hardware is told apart cheaply, before anything large is loaded. */
async function probe(choice: EngineChoice): Promise<EngineFinding> {
  const missing = missingHardware(choice);
  if (missing !== undefined) return { choice, works: false, reason: missing, hint: undefined };
  // A GPU driver can take its process down; so those are tried in a process of their own.
  if (needsGpu(choice)) return probeElsewhere(choice);
  return probeHere(choice);
}

/** Tries it even where no GPU is visible; that stays the reason when it then fails. */
async function probeAnyway(choice: EngineChoice): Promise<EngineFinding> {
  const finding = await probeElsewhere(choice);
  const missing = missingHardware(choice);
  return finding.works || missing === undefined ? finding : { ...finding, reason: missing };
}

/** Runs the probe program in this process. */
async function probeHere(choice: EngineChoice): Promise<EngineFinding> {
  try {
    return { choice, works: true, reason: await runProbe(choice), hint: undefined };
  } catch (error) {
    const { sentence, hint } = TesseraError.from(error, 'ENGINE_UNAVAILABLE');
    return { choice, works: false, reason: sentence, hint };
  }
}

/**
 * Compiles and runs the probe program; answers what it ran on.
 *
 * Throws  ENGINE_UNAVAILABLE, also when the numbers are not finite.
 */
export async function runProbe(choice: EngineChoice): Promise<string> {
  const program = await compileProgram(PROBE, choice);
  const { microBatch, model } = PROBE;
  program.setParameters(new Float32Array(parameterTable(model).size).fill(0.1));
  const { lossSum, gradient } = await program.train({
    images: new Float32Array(microBatch * model.channels * model.imageSize ** 2).fill(0.5),
    labels: new Int32Array(microBatch),
    weights: new Float32Array(microBatch).fill(1),
  });
  await program.dispose();
  if (Number.isFinite(lossSum) && gradient.every(Number.isFinite)) return program.description;
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
    const ending = signal ?? (code === undefined ? 'no answer' : `exit code ${code}`);
    const reason = `its trial run ended with ${ending}`;
    return { choice, works: false, reason, hint: undefined };
  }
}
