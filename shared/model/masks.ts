/**
 * @file Dropout and stochastic depth: which activations a sample keeps, from counters alone.
 *
 * A mask is an input of the compiled step, and a function of (seed, epoch, sample, place in the model): the same
 * bits whichever worker computes the sample, in whatever leaf (promise P2).
 *
 * Source  dropout: Srivastava et al. 2014, placed as in the ViT paper's code (vit_jax): after the embedding, the
 *         attention's projection and both layers of the MLP; stochastic depth: arXiv:1603.09382, as in DeiT.
 */
import { fillKept, randomBits, randomUnit } from '../core/random.ts';
import { type ModelConfig, numPatches } from './variants.ts';

/** How much is dropped; 0 is nothing. */
export interface NoiseRates {
  readonly dropout?: number;
  readonly stochasticDepth?: number;
}

/** What the masks of a leaf are drawn from. */
export interface NoiseKey {
  readonly seed: number;
  readonly epoch: number;
  /** Index of each sample of the leaf in the training split. */
  readonly samples: ArrayLike<number>;
}

/** One mask of the model: `size` values of 0 or 1 for each sample. */
export interface MaskSite {
  /** Name of the program's input. */
  readonly name: string;
  readonly size: number;
  /** Chance that a value is 0. */
  readonly rate: number;
}

/** Every mask of a model, in the order in which the model uses them. */
export function maskSites(model: ModelConfig, rates: NoiseRates): MaskSite[] {
  const { dropout = 0, stochasticDepth = 0 } = rates;
  const { width, mlpWidth, depth } = model;
  const tokens = numPatches(model) + 1;
  const sites: MaskSite[] = [];
  const drop = (name: string, size: number) => {
    if (dropout > 0) sites.push({ name: dropoutName(name), size, rate: dropout });
  };
  drop('embed', tokens * width);
  for (let block = 0; block < depth; block += 1) {
    const name = `blocks.${block}`;
    const rate = pathRate(stochasticDepth, block, depth);
    const path = (branch: string) => {
      if (rate > 0) sites.push({ name: pathName(`${name}.${branch}`), size: 1, rate });
    };
    drop(`${name}.attn`, tokens * width);
    path('attn');
    drop(`${name}.mlp.fc1`, tokens * mlpWidth);
    drop(`${name}.mlp.fc2`, tokens * width);
    path('mlp');
  }
  return sites;
}

/** Chance that a sample skips a block's branches: it grows linearly from 0 to `rate` at the last block. */
export function pathRate(rate: number, block: number, depth: number): number {
  return depth === 1 ? rate : (rate * block) / (depth - 1);
}

/** Name of a dropout mask. */
export function dropoutName(place: string): string {
  return `dropout/${place}`;
}

/** Name of a stochastic-depth mask. */
export function pathName(place: string): string {
  return `path/${place}`;
}

/**
 * Draws one mask for the samples of a leaf; places without a sample keep everything.
 *
 * Shapes  [B * size], 1 where a value is kept.
 */
export function drawMask(
  site: MaskSite,
  siteIndex: number,
  { seed, epoch, samples }: NoiseKey,
  microBatch: number,
): Uint8Array {
  const { size, rate } = site;
  const mask = new Uint8Array(microBatch * size).fill(1, samples.length * size);
  for (let place = 0; place < samples.length; place += 1) {
    const counters = [epoch, samples[place] as number, siteIndex] as const;
    if (size === 1) {
      mask[place] = randomUnit(seed, 'dropout', ...counters) < rate ? 0 : 1;
      continue;
    }
    const key = randomBits(seed, 'dropout', ...counters);
    fillKept(mask.subarray(place * size, (place + 1) * size), key, rate);
  }
  return mask;
}
