/** @file How long a recipe takes, by what a few steps took. Pure. */
import type { Recipe } from './recipe.ts';

/** What an image takes in a step of a kind. Units  seconds. */
export interface Speed {
  readonly secondsPerImage: number;
  readonly kind: Recipe['kind'];
}

/** A forward pass over a step forward and back: it has a third of the products. */
const FORWARD = 1 / 3;
/** Starting, compiling and saving. */
const FIXED_SECONDS = 8;

/** Seconds of a whole run, from its start to its report. */
export function expectedSeconds({ kind, images, epochs }: Recipe, speed: Speed): number {
  const { train, validation, test } = images;
  // A head's step is a forward pass: no gradient passes the backbone.
  const forward = speed.secondsPerImage * (speed.kind === 'head' ? 1 : FORWARD);
  if (kind === 'head') return FIXED_SECONDS + forward * (train + validation + test);
  const evaluated = validation * epochs + test;
  return FIXED_SECONDS + speed.secondsPerImage * train * epochs + forward * evaluated;
}
