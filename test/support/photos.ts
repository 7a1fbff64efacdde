/** @file Twenty photos to predict: real ones where ../shared/data is beside the checkout, else some that are made. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { fixturePath } from './weights.ts';

const SHARED = resolve(import.meta.dirname, '../../../shared');
const FOLDER = join(SHARED, 'data/pizza_steak_sushi/test');
const WEIGHTS = join(SHARED, 'weights/vit_tiny_patch16_224.f32.safetensors');

/** A model of 1,000 classes and 224 pixels where it is there, else a small one, with the flags that it needs. */
export const modelFlags: readonly string[] = existsSync(WEIGHTS)
  ? [WEIGHTS, '--heads', '3']
  : [fixturePath('huggingface.f32')];

/** Paths of `count` photos, of each class as many; `folder` is for those that are made. */
export async function photos(folder: string, count = 20): Promise<readonly string[]> {
  if (!existsSync(FOLDER)) return await Promise.all(Array.from({ length: count }, made(folder)));
  const classes = readdirSync(FOLDER).sort();
  return Array.from({ length: count }, (_, at) => {
    const of = join(FOLDER, classes[at % classes.length] as string);
    return join(of, readdirSync(of).sort()[Math.floor(at / classes.length)] as string);
  });
}

/** A picture in soft colours, of another size each time. */
function made(folder: string) {
  return async (_: unknown, at: number): Promise<string> => {
    const [width, height] = [90 + 31 * at, 400 - 13 * at];
    const data = Buffer.from(Array.from({ length: 12 }, (_, i) => (37 * i * (at + 3)) & 255));
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `made-${at}.jpg`);
    const raw = { width: 2, height: 2, channels: 3 } as const;
    await sharp(data, { raw }).resize(width, height, { kernel: 'cubic', fit: 'fill' }).toFile(path);
    return path;
  };
}
