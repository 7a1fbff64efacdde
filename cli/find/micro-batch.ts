/** @file `tessera find micro-batch`: images a second and memory by the size of a leaf, each in processes of its own. */
import { measureSpeed } from '../../launch/replay/measure.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { configLoader } from '../folder/load.ts';
import { withInputs } from '../inputs/inputs.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

/** Flags of `find micro-batch`. */
export interface FindMicroBatchOptions {
  readonly config: string;
  readonly set?: string[];
  readonly yes?: true;
  readonly json?: true;
}

/** A size that was measured. */
interface Measured {
  readonly microBatch: number;
  readonly imagesPerSecond: number;
  /** Of a worker's process, or of a device where it has memory of its own. */
  readonly bytes: number;
}

/** Sizes that are tried, while they get faster. */
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128];
/** A smaller size is better where it is nearly as fast: it takes less memory, and a lost one is computed sooner. */
const NEARLY = 0.97;

/** Measures and suggests. Throws  as a run does, when not even one image can be computed. */
export async function findMicroBatch(options: FindMicroBatchOptions): Promise<void> {
  const shutdown = watchShutdown({ announce: say });
  try {
    const { signal } = shutdown;
    const set = [...(options.set ?? [])];
    const how = { ...options, set, signal, say, isTrial: true } as const;
    const load = await configLoader(options.config, how);
    const { config } = await withInputs(load, options, signal);
    const measured = await measureSizes(config, signal);
    const fastest = Math.max(...measured.map(({ imagesPerSecond }) => imagesPerSecond));
    const best = measured.find(({ imagesPerSecond }) => imagesPerSecond >= NEARLY * fastest);
    if (options.json)
      printJson({ schema: 'find-micro-batch/1', measured, suggestion: best?.microBatch });
    else print(tableOf(measured));
    say(pointer('suggestion', `--set training.microBatch=${best?.microBatch}`));
  } finally {
    shutdown.dispose();
  }
}

/** Sizes in growing order, until one does not fit or two were not faster. */
async function measureSizes(
  config: Parameters<typeof measureSpeed>[0]['config'],
  signal: AbortSignal,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const microBatch of SIZES) {
    signal.throwIfAborted();
    say(pointer('measuring', `a micro-batch of ${microBatch}`));
    try {
      const { imagesPerSecond, leaf } = await measureSpeed({ config, microBatch });
      measured.push({ microBatch, imagesPerSecond, bytes: leaf.deviceBytes ?? leaf.hostBytes });
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (measured.length === 0) throw error;
      say(`a micro-batch of ${microBatch} does not run here: ${error.sentence}`);
      break;
    }
    const [one, two] = measured.slice(-2).map(({ imagesPerSecond }) => imagesPerSecond);
    const before = Math.max(...measured.slice(0, -2).map(({ imagesPerSecond }) => imagesPerSecond));
    if (measured.length > 2 && (one ?? 0) <= before && (two ?? 0) <= before) break;
  }
  return measured;
}

function tableOf(measured: readonly Measured[]): readonly string[] {
  const rows = measured.map(({ microBatch, imagesPerSecond, bytes }) => [
    ...[String(microBatch), imagesPerSecond.toFixed(1), formatBytes(bytes)],
  ]);
  return formatTable([{ title: 'MICRO-BATCH' }, { title: 'IMAGES/S' }, { title: 'MEMORY' }], rows);
}
