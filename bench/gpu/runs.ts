/** @file Whole runs of `tessera train`: how fast, and whether the same bits come out after a kill, and of two workers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StepTimings } from '../../shared/runs/events.ts';
import { median } from '../figures/median.ts';
import { meansOf, readSteps } from '../figures/steps.ts';
import type { Runs } from './parts.ts';

/** What all runs have in common. */
export interface RunsContext {
  /** The runs go into folders below it. */
  readonly folder: string;
  /** `compute.provider` of xla. */
  readonly provider: string;
  readonly signal: AbortSignal;
  /** Gets each figure as soon as it is measured. */
  report(values: Readonly<Record<string, unknown>>): void;
}

/** What a run that ended says. */
interface Trained {
  readonly parametersSha256: string;
  readonly seconds: number;
  readonly steps: StepTimings[];
}

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const STDERR_KEPT = 1000;
const LOOK_MS = 50;
/** Steps after which a run is killed: past its first checkpoint, before its end. */
const KILL_AFTER = 5;

/** Trains twice in float32 and in bfloat16; in bfloat16 also with a kill and a resume, and with two workers. */
export async function measureRuns(part: Runs, context: RunsContext): Promise<void> {
  const reference = await compare(part, context, 'bf16', 'one worker');
  await compare(part, context, 'bf16', 'one worker again', { expected: reference });
  if (part.again) {
    await compare(part, context, 'bf16', 'killed and resumed', {
      ...{ expected: reference, isKilled: true },
    });
    await compare(part, context, 'bf16', 'two workers', { expected: reference, workers: 2 });
  }
  const exact = await compare(part, context, 'f32', 'one worker');
  await compare(part, context, 'f32', 'two workers', { expected: exact, workers: 2 });
}

/** Images of a step: the quickstart's unless set. */
function batchSizeOf(settings: readonly string[]): number {
  const own = settings.find((setting) => setting.startsWith('training.batchSize='));
  return Number(own?.split('=')[1] ?? 128);
}

interface Variation {
  readonly expected?: string;
  readonly workers?: number;
  readonly isKilled?: boolean;
}

/** Trains once and reports; returns the hash of the parameters. */
async function compare(
  { settings }: Runs,
  context: RunsContext,
  precision: string,
  manner: string,
  { expected, workers = 1, isKilled = false }: Variation = {},
): Promise<string> {
  const runFolder = join(context.folder, `${precision} ${manner}`.replaceAll(' ', '-'));
  const compute = ['compute.engine=xla', `compute.provider=${context.provider}`];
  const all = [...settings, ...compute, `training.precision=${precision}`];
  const args = [
    ...['quickstart', '--workers', String(workers)],
    ...all.flatMap((setting) => ['--set', setting]),
    ...['--run-folder', runFolder],
  ];
  const startedMs = performance.now();
  if (isKilled) await killAfter(args, runFolder, context.signal);
  const resumed = isKilled ? ['--resume', runFolder] : args;
  const trained = await train(resumed, runFolder, context.signal);
  // The first step compiles.
  const timed = trained.steps.slice(1);
  context.report({
    ...{ precision, manner, seconds: (performance.now() - startedMs) / 1000, workers },
    ...{ steps: trained.steps.length, sha256: trained.parametersSha256 },
    ...(expected !== undefined && { sameBits: trained.parametersSha256 === expected }),
    ...(timed.length > 0 &&
      !isKilled && {
        imagesPerSecond: (1000 * batchSizeOf(settings)) / median(timed.map(({ wallMs }) => wallMs)),
        milliseconds: meansOf(timed),
      }),
    firstStepMs: trained.steps[0]?.wallMs,
  });
  return trained.parametersSha256;
}

/** Runs to the end. Throws  with the end of its stderr when it fails. */
async function train(
  args: readonly string[],
  runFolder: string,
  signal: AbortSignal,
): Promise<Trained> {
  const child = start(args, signal);
  let output = '';
  let problem = '';
  child.stdout?.on('data', (data) => {
    output += String(data);
  });
  child.stderr?.on('data', (data) => {
    problem = (problem + String(data)).slice(-STDERR_KEPT);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`tessera train ended with ${code}: ${problem.trim()}`);
  const result = JSON.parse(output) as Omit<Trained, 'steps'>;
  return { ...result, steps: await readSteps(runFolder) };
}

/** Starts a run and kills it, its workers with it, in the middle. */
async function killAfter(
  args: readonly string[],
  runFolder: string,
  signal: AbortSignal,
): Promise<void> {
  const child = start(args, signal);
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = once(child, 'close');
  while ((await readSteps(runFolder)).length < KILL_AFTER && child.exitCode === null) {
    await sleep(LOOK_MS, undefined, { signal });
  }
  child.kill('SIGKILL');
  await ended;
}

function start(args: readonly string[], signal: AbortSignal) {
  return spawn(process.execPath, [MAIN, 'train', ...args, '--json'], {
    ...{ stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 9 },
  });
}
