/** @file What each block of a small timm ViT computes, made by fixtures/parity/blocks.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '../../model.ts';

interface Fixture {
  readonly parameters: Readonly<Record<string, string>>;
  readonly images: string;
  readonly outputs: Readonly<Record<string, { readonly shape: number[]; readonly values: string }>>;
  readonly gelu: { readonly x: string; readonly y: string };
  readonly counts: {
    readonly timm: Readonly<Record<string, number>>;
    readonly torchvision: Readonly<Record<string, number>>;
  };
}

const path = join(import.meta.dirname, '../fixtures/parity/blocks.json');
export const TIMM: Fixture = JSON.parse(readFileSync(path, 'utf8'));

/** Its model. */
export const TIMM_MODEL = {
  ...{ imageSize: 12, channels: 2, patchSize: 4, numClasses: 4 },
  ...{ width: 12, depth: 2, heads: 3, mlpWidth: 24 },
};

/** Float32 values of a text. */
export function floats(text: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
}

/** What timm computed under a name, as a tensor. */
export function timmOutput<T extends tf.Tensor>(name: string): T {
  const { shape, values } = TIMM.outputs[name] as Fixture['outputs'][string];
  return tf.tensor(floats(values), shape) as T;
}

/** The largest absolute difference of two tensors of one shape. */
export function largestDifference(one: tf.Tensor, other: tf.Tensor): number {
  if (`${one.shape}` !== `${other.shape}`) return Number.POSITIVE_INFINITY;
  return tf.tidy(() => tf.max(tf.abs(tf.sub(one, other))).dataSync()[0] as number);
}
