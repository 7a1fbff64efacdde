/**
 * @file Photos of ImageNet's size from JPEG files to squares: decoded, cut and resized, per core, beside torchvision on
 * Pillow by turns, the same bytes; then leaves by several threads, and the share of the main thread.
 *
 * Photos are made by the peer's program, so all of it is skipped where a Python lacks torchvision.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomUnit } from '../../shared/core/random.ts';
import { planResize } from '../../shared/data/pixels/geometry.ts';
import { median } from '../figures/median.ts';
import { LineProcess, type Reply } from '../gpu/lines.ts';
import { compareSides } from './torch.ts';

const MAKER = fileURLToPath(new URL('../../../bench/peers/photos.py', import.meta.url));
const PEER = fileURLToPath(new URL('../../../bench/peers/input.py', import.meta.url));
const OURS = fileURLToPath(new URL('./input-ours.js', import.meta.url));

/** Photos, their size, and the squares that are made of them. */
const COUNT = 64;
const PHOTO = { width: 500, height: 375 };
const SIDE = 224;
const SHORT = 256;

const ROUNDS = 7;
const SECONDS_EACH = 3;
const DEADLINE_MS = 600_000;

/** Measures by turns; what is idle waits for a line. */
export async function benchInput(python: string): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-input-'));
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const photos = await photosIn(folder, python);
  const request = { photos, side: SIDE, cropFraction: SIDE / SHORT };
  const sides = {
    ours: new LineProcess([process.execPath, OURS, JSON.stringify(request)], signal),
    torchvision: new LineProcess(
      [python, PEER, JSON.stringify({ photos, side: SIDE, short: SHORT })],
      signal,
    ),
  };
  try {
    return await measure(sides);
  } finally {
    for (const side of Object.values(sides)) side.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(sides: Readonly<Record<'ours' | 'torchvision', LineProcess>>) {
  const [ours, theirs] = [await sides.ours.next(), await sides.torchvision.next()];
  const result: Record<string, unknown> = {};
  for (const name of ['training', 'testing']) {
    const rounds = { ours: [] as number[], torchvision: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const side of ['ours', 'torchvision'] as const) {
        const reply = await sides[side].ask(`${name} ${SECONDS_EACH}`);
        rounds[side].push(Number(reply['perCoreSecond']));
      }
    }
    const bytes = ours[name] === theirs[name] ? 'the same' : 'different';
    result[name] = { bytes, ...compareSides(rounds) };
  }
  return { ...result, ...(await measureThreads(sides.ours)) };
}

/** One thread and one for each core, by turns: images/s, their ratio, the share of the main thread. */
async function measureThreads(ours: LineProcess): Promise<object> {
  const numbers = [1, availableParallelism()];
  const replies: Reply[][] = numbers.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, threads] of numbers.entries()) {
      replies[at]?.push(await ours.ask(`threads ${threads} ${SECONDS_EACH}`));
    }
  }
  const middle = (at: number, name: string) =>
    median((replies[at] as Reply[]).map((reply) => Number(reply[name])));
  const speeds = numbers.map((_, at) => middle(at, 'perSecond'));
  // Of the time in which the threads make an image when each has a core of its own.
  const shares = numbers.map((threads, at) => {
    const mainMs = middle(at, 'mainThreadMs');
    return (mainMs * threads) / (1000 / middle(at, 'perCoreSecond') - mainMs);
  });
  return {
    threads: Object.fromEntries(numbers.map((threads, at) => [threads, speeds[at]])),
    speedupOverThreads: (speeds[1] as number) / (speeds[0] as number) / (numbers[1] as number),
    mainThreadShare: Object.fromEntries(numbers.map((threads, at) => [threads, shares[at]])),
  };
}

/** Photos on the disk, each with a part of it as training cuts it. */
async function photosIn(folder: string, python: string) {
  await promisify(execFile)(python, [MAKER, 'make', folder], { timeout: DEADLINE_MS });
  const names = await readdir(join(folder, 'train'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.jpg')).sort();
  return files.slice(0, COUNT).map((name, at) => {
    const draw = (purpose: number) => randomUnit(1, 'augment', at, purpose);
    const region = {
      area: 0.35 + 0.65 * draw(0),
      aspect: Math.exp((2 * draw(1) - 1) * Math.log(4 / 3)),
      ...{ left: draw(2), top: draw(3) },
    };
    const options = { imageSize: SIDE, resize: 'crop', cropFraction: 1 } as const;
    const box = planResize(PHOTO, options, region).cutBefore;
    return { path: join(folder, 'train', name), region, box };
  });
}
