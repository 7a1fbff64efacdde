/** @file TensorBoard of PyPI as a reader of what we write, and a run that was made up for it. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadObject, settled } from '../../shared/config/load.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { type RunEvent, type TimedEvent, timedEventSchema } from '../../shared/runs/events.ts';
import type { EventsSink } from '../../tools/tensorboard/events-file.ts';

/** Kept for the next run. */
const VENV = fileURLToPath(new URL('../../.tessera/tensorboard', import.meta.url));
const INSTALL_MS = 240_000;
const READ_MS = 120_000;
const SCRIPT = fileURLToPath(new URL('./tensorboard-read.py', import.meta.url));

/** A point of a series: step, seconds since 1970, value. */
type Point<Value> = readonly [step: number, wallSeconds: number, value: Value];
type Series<Value> = Readonly<Record<string, readonly Point<Value>[]>>;

/** What TensorBoard reads. */
export interface Reading {
  readonly series: Readonly<
    Record<
      string,
      {
        readonly scalars?: Series<number>;
        readonly text?: Series<string>;
        /** Buckets: from, to, count. */
        readonly histograms?: Series<readonly (readonly [number, number, number])[]>;
        /** Width and height as text, then the files; each in base64. */
        readonly images?: Series<readonly string[]>;
      }
    >
  >;
  readonly hparams: {
    readonly sessions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly columns: readonly string[];
    readonly metrics: readonly string[];
  };
}

/** A Python that has TensorBoard, which is installed where that is wanted; else why there is none. */
export function pythonWithTensorBoard(
  mayInstall: boolean,
): { readonly python: string } | { readonly reason: string } {
  const python = join(VENV, 'bin', 'python');
  const options = { stdio: 'pipe', timeout: INSTALL_MS } as const;
  const has = () => {
    try {
      execFileSync(python, ['-c', 'import tensorboard.data.server_ingester'], options);
      return true;
    } catch {
      return false;
    }
  };
  if (existsSync(python) && has()) return { python };
  if (!mayInstall) return { reason: `it is not in ${VENV}` };
  try {
    execFileSync('python3', ['-m', 'venv', VENV], options);
    const packages = ['tensorboard==2.21.0', 'setuptools<80'];
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], options);
    return has() ? { python } : { reason: 'it is installed and cannot be imported' };
  } catch (error) {
    const [line] = String((error as { stderr?: unknown }).stderr || error).split('\n');
    return { reason: `it cannot be installed into ${VENV}: ${line}` };
  }
}

/** What TensorBoard reads of the runs in a folder, by one of its two readers. */
export async function readByTensorBoard(
  python: string,
  logFolder: string,
  reader: 'python' | 'rust',
): Promise<Reading> {
  const run = promisify(execFile);
  const { stdout } = await run(python, [SCRIPT, logFolder, reader], {
    timeout: READ_MS,
    maxBuffer: 64 * 1024 ** 2,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** A file in memory. */
export class MemorySink implements EventsSink {
  bytes = Buffer.alloc(0);
  isClosed = false;

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.bytes = Buffer.concat([this.bytes.subarray(0, position), bytes]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** A config of few words. */
export function smallConfig(): RunConfig {
  const { config } = loadObject({
    name: 'digits',
    data: { source: 'mnist', channels: 1 },
    model: { imageSize: 28, patchSize: 7, width: 64, depth: 1, heads: 4 },
    training: {
      epochs: 1,
      batchSize: 128,
      microBatch: 32,
      optimizer: { learningRate: 0.004 },
      classWeights: [1, 1, 1, 1, 1, 1, 1, 1, 1, 2],
    },
  });
  return settled(config);
}

/** An event so many seconds after the beginning of a made-up run. */
export function eventAt(seconds: number, event: RunEvent): TimedEvent {
  const time = new Date(1_700_000_000_000 + seconds * 1000).toISOString();
  return timedEventSchema.parse(JSON.parse(JSON.stringify({ ...event, time })));
}

/** A step whose figures follow from its number. */
export function stepOf(step: number, loss = 2 / step): RunEvent {
  return {
    ...{ type: 'step', step, epoch: 1, loss, accuracy: step / 10, learningRate: step / 1000 },
    ...{ gradientNorm: 1 / (step + 1), imagesPerSecond: 100 + step, timings: {} as never },
  };
}

/** The first event of a run that begins or resumes with a version. */
export function dataEvent(version: number): RunEvent {
  return {
    ...{ type: 'data', sentence: '7,600 training images in 10 classes', classes: ['0', '1'] },
    size: { train: 7600, validation: 400, test: 2000 },
    found: { from: {}, leftOut: [], notes: [] },
    begins: { version, parameterSums: '00000000-00000000' },
  };
}

/** What two workers did. */
export function workersEvent(step: number): RunEvent {
  const shares = { pull: 0.125, fetch: 0.125, compute: 0.5, push: 0.125, idle: 0.125 };
  const memory = { memoryBytes: 0, deviceBytes: 0 };
  const workers = ['w1', 'w2'].map((worker, at) => ({
    ...{ worker, imagesPerSecond: 50 + at, ...shares, ...memory },
  }));
  return { type: 'workers', step, workers };
}
