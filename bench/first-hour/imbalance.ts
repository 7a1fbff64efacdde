/**
 * @file `tessera train FOLDER` on uneven classes: its defaults beside the same without weights of classes.
 *
 * BENCH_PHOTOS is a folder of train/CLASS/FILE and test/CLASS/FILE; pretrained weights lie in ./weights, as a user's would.
 * For each seed some training images are drawn, 20 : 4 : 1 of three classes. Each class has as many test images, so their
 * accuracy is the balanced one.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { permutation } from '../../shared/data/permutation.ts';

/** Balanced accuracy of each seed, and the mean. */
export interface ImbalanceBench {
  readonly trainImages: Readonly<Record<string, number>>;
  readonly defaults: readonly number[];
  readonly withoutWeights: readonly number[];
  readonly meanGain: number;
}

const TESSERA = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const SEEDS = [1, 2, 3];
const SHARES = [1, 1 / 5, 1 / 20];

/** Draws, trains both, by turns. BENCH_LARGEST is how many training images the largest class has. */
export async function benchImbalance(): Promise<ImbalanceBench> {
  const { BENCH_PHOTOS: photos, BENCH_LARGEST: largest = '500' } = process.env;
  if (photos === undefined) throw new Error('BENCH_PHOTOS names no folder of photos');
  const classes = (await readdir(join(photos, 'train'))).sort().slice(0, SHARES.length);
  const counts = SHARES.map((share) => Math.round(Number(largest) * share));
  const folder = await mkdtemp(join(tmpdir(), 'tessera-imbalance-'));
  const defaults: number[] = [];
  const withoutWeights: number[] = [];
  try {
    for (const seed of SEEDS) {
      const drawn = join(folder, `seed-${seed}`);
      for (const [at, name] of classes.entries()) {
        await draw(join(photos, 'train', name), join(drawn, 'train', name), {
          count: counts[at],
          seed,
        });
        await draw(join(photos, 'test', name), join(drawn, 'test', name), { seed });
      }
      defaults.push(await testAccuracy(drawn, seed));
      withoutWeights.push(await testAccuracy(drawn, seed, 'training.classWeights=none'));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return {
    trainImages: Object.fromEntries(classes.map((name, at) => [name, counts[at] ?? 0])),
    defaults,
    withoutWeights,
    meanGain: mean(defaults) - mean(withoutWeights),
  };
}

/** Copies some files of a folder, which the seed chooses, into a new one. */
async function draw(
  from: string,
  to: string,
  { count, seed }: { count?: number | undefined; seed: number },
) {
  const names = (await readdir(from)).sort();
  await mkdir(to, { recursive: true });
  const drawnAt = permutation({ size: names.length, seed, stream: 'shuffle', counter: 1 });
  for (let at = 0; at < (count ?? names.length); at += 1) {
    const name = names[drawnAt(at)] as string;
    await copyFile(join(from, name), join(to, name));
  }
}

/** Trains as a user would, and returns the accuracy on the test images. */
async function testAccuracy(photos: string, seed: number, ...settings: string[]): Promise<number> {
  const run = `${photos}-run-${settings.length}`;
  const set = [`seed=${seed}`, ...settings].flatMap((setting) => ['--set', setting]);
  const args = [TESSERA, 'train', photos, '--json', '--run-folder', run, ...set];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout).testAccuracy;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
