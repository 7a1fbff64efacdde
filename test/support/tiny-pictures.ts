/** @file A data set of tiny pictures in folders, whose files a test can take away or change, and a run of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Pictures of each class in each split. */
const PICTURES = 8;

/** Writes two classes of pictures to `folder`, all sound. */
export async function tinyPictures(folder: string): Promise<void> {
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } });
  const bytes = await picture.png().toBuffer();
  for (const place of ['train/cat', 'train/dog', 'test/cat', 'test/dog']) {
    mkdirSync(join(folder, place), { recursive: true });
    for (let i = 0; i < PICTURES; i += 1) writeFileSync(join(folder, place, `${i}.png`), bytes);
  }
}

/** A run of them that would go on for ever and reads every file anew. */
export function runOfPictures(folder: string): string[] {
  const settings = [
    ...['data.source=image-folder', `data.path=${folder}`, 'data.channels=3'],
    ...['data.augment.shift=0', 'data.validation=none', 'data.cacheBytes=1B'],
    ...['model.imageSize=8', 'model.patchSize=8', 'model.width=8', 'model.depth=1'],
    ...['model.heads=1', 'training.epochs=100000', 'training.batchSize=16'],
    ...['training.microBatch=8', 'training.schedule.warmupSteps=0'],
  ];
  return ['quickstart', ...settings.flatMap((setting) => ['--set', setting])];
}
