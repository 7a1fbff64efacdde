/**
 * @file Compiles every part of four models in every precision for an H100, on this machine: does it compile, what memory
 * does it take, how many kernels is it, and how much sooner is it there when it was compiled before.
 *
 * Needs CUDA's plugin and compiler (`tessera engines add xla-cuda13`), no card. Half a minute and more for each:
 * `AOT='B/16|L/16' npm run bench -- --only aot` compiles those whose name the expression finds.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ProgramSpec } from '../../shared/compute/program.ts';
import type { Part } from '../../shared/compute/step.ts';
import { PRECISIONS, type Precision } from '../../shared/model/precision.ts';
import { parseVariant } from '../../shared/model/variants.ts';
import type { AotRequest, AotResult } from './compile.ts';
import { H100 } from './targets.ts';

/** A program: what it takes, and how soon it is ready a second time. Units  MiB, GiB, seconds. */
interface AotRow {
  readonly compiledSeconds: number;
  readonly peakMiB: number;
  readonly kernels: number;
  readonly products: number;
  /** What all kernels write to the device's memory. */
  readonly writtenGiB: number;
  readonly executableMiB: number;
  /** Start of a process to the executable, found in the cache, over the same without the cache. */
  readonly secondStart: number;
}

/** A program that does not compile. */
interface AotFailure {
  readonly failed: string;
}

/** What of a failure is worth keeping. */
const FAILURE_KEPT = 600;
const MICRO_BATCH = 64;
const VARIANTS = ['Ti/16', 'S/16', 'B/16', 'L/16'] as const;
const PARTS: readonly Part[] = ['training', 'forward', 'features'];
/** The compiler's errors are many lines; the last one comes with the failure. */
const QUIET = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
const COMPILE = fileURLToPath(new URL('./compile.js', import.meta.url));
const MEBI = 2 ** 20;

/** Compiles all; with recomputation, the training of large models in bfloat16 alone. */
export async function benchAot(): Promise<Readonly<Record<string, AotRow | AotFailure>>> {
  const cache = await mkdtemp(join(tmpdir(), 'tessera-aot-'));
  try {
    const rows: Record<string, AotRow | AotFailure> = {};
    const wanted = new RegExp(process.env['AOT'] ?? '');
    for (const { name, ...program } of programs().filter((each) => wanted.test(each.name))) {
      rows[name] = await measure({ ...program, gpu: H100, cache }).catch((error: unknown) => {
        return { failed: String(error).slice(0, FAILURE_KEPT) };
      });
      console.error(`${name} ${JSON.stringify(rows[name])}`);
    }
    return rows;
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

interface Named extends Pick<AotRequest, 'part' | 'spec'> {
  readonly name: string;
}

/** Training first, in the precision that GPUs are used in. */
function programs(): Named[] {
  const named = (variant: (typeof VARIANTS)[number], part: Part, more: Partial<ProgramSpec>) => ({
    name: [variant, part, more.precision, ...(more.recompute ? ['blocks again'] : [])].join(' '),
    part,
    spec: {
      ...{ microBatch: MICRO_BATCH, labelSmoothing: 0, ...more },
      model: { ...parseVariant(variant), imageSize: 224, channels: 3, numClasses: 1000 },
    },
  });
  const of = (part: Part, precision: Precision) =>
    VARIANTS.map((variant) => named(variant, part, { precision }));
  const again = (['B/16', 'L/16'] as const).map((variant) =>
    named(variant, 'training', { precision: 'bf16', recompute: 'blocks' }),
  );
  const precisions = PRECISIONS.toReversed();
  const [first = [], ...others] = PARTS.flatMap((part) => precisions.map((each) => of(part, each)));
  return [...first, ...again, ...others.flat()];
}

async function measure(request: AotRequest): Promise<AotRow> {
  const first = await compileElsewhere(request);
  const second = await compileElsewhere(request);
  if (first.wasKept || !second.wasKept) throw new Error('the second start is from the cache');
  return {
    compiledSeconds: (first.readyMs - first.recordedMs) / 1000,
    peakMiB: (first.peak ?? Number.NaN) / MEBI,
    kernels: first.kernels ?? Number.NaN,
    products: first.kinds?.['product'] ?? 0,
    writtenGiB: (first.bytesWritten ?? Number.NaN) / MEBI / 1024,
    executableMiB: first.bytes / MEBI,
    secondStart: second.readyMs / first.readyMs,
  };
}

/** Compiles in a process of its own. Throws  with its stderr. */
async function compileElsewhere(request: AotRequest): Promise<AotResult> {
  const args = [COMPILE, JSON.stringify(request)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: QUIET });
  return JSON.parse(stdout) as AotResult;
}
