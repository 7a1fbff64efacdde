/** @file The `model` section of a config: the shape of the Vision Transformer, and the weights it starts from. */
import { z } from 'zod';
import { count, positive, text } from '../core/options.ts';
import { ENCODER_SIZES } from './variants.ts';

const SIZES = Object.keys(ENCODER_SIZES);

export const modelOptions = z.strictObject({
  variant: text(
    new RegExp(`^(${SIZES.join('|')})/[1-9][0-9]*$`),
    `ViT variant such as B/16 (sizes ${SIZES.join(', ')}, then / and the patch size)`,
  )
    .optional()
    .describe('Public name of the size and patch, such as Ti/16; or give the five numbers instead'),
  imageSize: count.max(16_384).describe('Side of the square input image in pixels'),
  patchSize: count.max(16_384).optional().describe('Side of a square patch in pixels'),
  width: count.max(65_536).optional().describe('Width of a token, D'),
  depth: count.max(1_000).optional().describe('Encoder blocks, L'),
  heads: count.max(65_536).optional().describe('Attention heads'),
  mlpWidth: count
    .max(1_048_576)
    .optional()
    .describe('Hidden width of the MLP (default: 4 x width)'),
  normEpsilon: positive
    .max(0.1)
    .optional()
    .describe('Added to the variance in layer norms (default: 1e-6; transformers: 1e-12)'),
  positionDeviation: z
    .number()
    .min(0)
    .default(0.02)
    .describe(
      'Deviation of the initial position embeddings (0.02: the paper; small models learn faster from 1)',
    ),
  init: z
    .strictObject({
      weights: z
        .string()
        .describe(
          'Weights to start from: a file or folder, relative to the config file, or a name of `tessera weights get`',
        ),
      head: z
        .enum(['new', 'keep'])
        .default('new')
        .describe('new: a head of zeros for the classes of the data; keep: the one of the weights'),
      key: z
        .string()
        .optional()
        .describe('Which model of weights that hold several: keys or prefix, such as teacher'),
    })
    .optional()
    .describe('Pretrained weights'),
  freeze: text(
    /^(none|backbone|blocks<[1-9][0-9]*)$/,
    'none, backbone (all but the head) or blocks<K (the embedding and the first K blocks)',
  )
    .default('none')
    .describe('Parameters that stay as they are, and are neither sent back nor stepped'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of activations dropped after every dense layer but qkv, and the embedding'),
  stochasticDepth: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of samples that skip the last residual branch; it grows with depth from 0'),
});
