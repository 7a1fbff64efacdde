/** @file The `observe` section of a config: what watches a run. None of it is part of the numbers. */
import { z } from 'zod';

/** What is written for TensorBoard. */
export const TENSORBOARD_EXTENTS = ['off', 'figures', 'all'] as const;
export type TensorBoardExtent = (typeof TENSORBOARD_EXTENTS)[number];

export const observeOptions = z.strictObject({
  tensorboard: z
    .enum(TENSORBOARD_EXTENTS)
    .default('figures')
    .describe(
      'Files for TensorBoard in the run folder (figures: curves, settings, config; all: histograms and images of checkpoints too, made by a process of low priority)',
    ),
});
