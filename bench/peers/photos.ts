/**
 * @file A whole run on photos, from the command to its end: ViT-Ti/16 at 224 px, batch 32, `tessera train` beside a plain
 * PyTorch loop, on two cores. Both begin with random weights, which cost a step what pretrained ones do.
 *
 * Images of both are those of training and of the evaluation after each epoch. Of our steps after the first epoch, the
 * shares in which a worker waits for images and in which it has nothing to do are shown too.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { timedEventSchema } from '../../shared/runs/events.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { median } from '../figures/median.ts';
import { compareSides } from './torch.ts';

const PEER = fileURLToPath(new URL('../../../bench/peers/photos.py', import.meta.url));
const TESSERA = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const ROUNDS = 3;
const EPOCHS = 3;
/** As photos.py makes them: 256 to train and 64 to test. */
const IMAGES = EPOCHS * (256 + 64);
const DEADLINE_MS = 1_200_000;

const configOf = (photos: string) => `
name: photos
data: { source: image-folder, path: ${JSON.stringify(photos)}, validation: none, resize: crop, cropFraction: 0.9,
        augment: { flip: true, cropScale: [0.6, 1] } }
model: { variant: Ti/16, imageSize: 224 }
training:
  epochs: ${EPOCHS}
  batchSize: 32
  microBatch: 8
  optimizer: { name: adamw, learningRate: 5.0e-4, weightDecay: 0.05 }
  clipNorm: 1
  labelSmoothing: 0.1
`;

/** Runs both by turns. */
export async function benchPhotos(python: string): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-peers-'));
  try {
    const photos = join(folder, 'photos');
    await promisify(execFile)(python, [PEER, 'make', photos]);
    const config = join(folder, 'photos.yaml');
    await writeFile(config, configOf(photos));
    const rounds = { ours: [] as number[], loop: [] as number[] };
    const waits: Wait[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const run = join(folder, `run-${round}`);
      const ours = [TESSERA, 'train', config, '--run-folder', run];
      rounds.ours.push(await imagesPerSecond(process.execPath, ours));
      waits.push(...(await waitsOf(run)));
      rounds.loop.push(await imagesPerSecond(python, [PEER, 'train', photos, String(EPOCHS)]));
    }
    const shareOf = (what: keyof Wait) => median(waits.map((wait) => wait[what])).toFixed(3);
    const workerShares = { waitingForImages: shareOf('fetch'), idle: shareOf('idle') };
    return { ...compareSides(rounds), workerShares };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Shares of a step. */
type Wait = Readonly<Record<'fetch' | 'idle', number>>;

/** What the workers of a run waited for, in its steps after the first epoch. */
async function waitsOf(run: string): Promise<Wait[]> {
  const lines = (await readFile(join(run, RUN_FILES.metrics), 'utf8')).trim().split('\n');
  return lines.flatMap((line) => {
    const event = timedEventSchema.parse(JSON.parse(line));
    if (event.type !== 'step' || event.epoch <= 1) return [];
    const { wallMs, fetchMs, idleMs } = event.timings;
    return [{ fetch: fetchMs / wallMs, idle: idleMs / wallMs }];
  });
}

/** Of a whole command. Throws  what it wrote to stderr when it fails. */
async function imagesPerSecond(command: string, args: readonly string[]): Promise<number> {
  const beganMs = performance.now();
  await promisify(execFile)(command, args, { timeout: DEADLINE_MS });
  return (1000 * IMAGES) / (performance.now() - beganMs);
}
