/** @file The `data` section of a config: where the images are, and how each becomes the model's input. */
import { z } from 'zod';
import { bytes, count, fraction, positive, text } from '../core/options.ts';

/** How the pixels of training go to the device. */
const TRANSFERS = ['float32', 'float16', 'uint8'] as const;

export const dataOptions = z.strictObject({
  source: z
    .enum(['mnist', 'image-folder', 'idx', 'program'])
    .describe(
      'Kind of data set: the embedded digits, a folder of images, MNIST-style idx files, or what a program hands in',
    ),
  path: z
    .string()
    .optional()
    .describe(
      'Folder of the data set, relative to the config file, or a name of `tessera data get`',
    ),
  access: z
    .enum(['coordinator', 'local'])
    .default('coordinator')
    .describe('Whether workers fetch samples from the coordinator or read the same files in place'),
  links: z
    .enum(['inside', 'follow'])
    .default('inside')
    .describe(
      'Links in a folder of images: inside refuses those that leave it; follow takes files and folders anywhere',
    ),
  testFraction: fraction
    .default(0.2)
    .describe('Share of the samples held out for testing if the set has no test split'),
  validation: z
    .union([z.number().gt(0).lt(1), z.string().min(1)])
    .meta({ title: 'auto, none, a share such as 0.1, or a folder' })
    .default('auto')
    .describe(
      'Images that choose the best checkpoint: a share of the training images, a folder, or none (auto: the val folder of a set that has a test folder too)',
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('1 for grey images, 3 for RGB'),
  background: text(/^#[0-9a-fA-F]{6}$/, "colour such as '#ffffff', in quotes")
    .optional()
    .describe(
      'Colour behind transparent images, such as #ffffff (default: alpha is dropped, as torchvision and timm do)',
    ),
  resize: z
    .enum(['stretch', 'crop', 'squash'])
    .default('crop')
    .describe(
      'stretch: the whole image to the square; crop: short side, then the centre; squash: stretched, then the centre',
    ),
  cropFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe(
      'With resize crop and squash: side of the centre crop over the short side (0.9 for timm ViT weights)',
    ),
  cropRounding: z
    .enum(['even', 'down'])
    .optional()
    .describe(
      'Position of a centre crop with an odd margin: even (timm, torchvision; default), down (transformers)',
    ),
  interpolation: z
    .enum(['bicubic', 'bilinear', 'lanczos'])
    .default('bicubic')
    .describe(
      'How pixels are resampled: bicubic (timm), bilinear (torchvision), lanczos; all antialiased',
    ),
  mean: z
    .array(z.number())
    .min(1)
    .max(3)
    .default([0.5])
    .describe('Per-channel mean, of pixels in 0..1'),
  deviation: z
    .array(positive)
    .min(1)
    .max(3)
    .default([0.5])
    .describe('Per-channel standard deviation, of pixels in 0..1'),
  transfer: z
    .enum(TRANSFERS)
    .default('float32')
    .describe(
      'How pixels go to the device: float32; float16, rounded; uint8, as they are decoded, and normalised there',
    ),
  augment: z
    .strictObject({
      shift: z
        .int()
        .min(0)
        .default(0)
        .describe('Random shift of up to this many pixels each way (0: off)'),
      flip: z.boolean().default(false).describe('Random horizontal flip'),
      cropScale: z
        .tuple([z.number().gt(0).max(1), z.number().gt(0).max(1)])
        .default([1, 1])
        .describe('Random resized crop: smallest and largest share of the area ([1, 1]: off)'),
      policy: z
        .enum(['none', 'trivial', 'rand'])
        .default('none')
        .describe('Random operations on colours and geometry: TrivialAugmentWide or RandAugment'),
      randOps: count.default(2).describe('RandAugment: operations on each image'),
      randMagnitude: z
        .int()
        .min(0)
        .max(30)
        .default(9)
        .describe('RandAugment: strength of the operations'),
      erasing: fraction.default(0).describe('Random erasing: share of the images (0: off)'),
      mixup: z
        .number()
        .min(0)
        .default(0)
        .describe('Mixup: alpha of the Beta distribution of the shares (0: off)'),
      cutmix: z.number().min(0).default(0).describe('CutMix: the same, for areas (0: off)'),
      mixProbability: fraction
        .default(1)
        .describe('Share of the images that mixup or CutMix changes'),
    })
    .prefault({})
    .describe('Random changes of the training images, a pure function of seed, epoch and sample'),
  onBadImage: z
    .enum(['skip', 'fail'])
    .default('skip')
    .describe('An unreadable image: skip gives it weight 0 and reports it, fail ends the run'),
  cacheBytes: bytes.prefault('512MiB').describe('Maximum bytes of samples that a worker caches'),
});

export type DataConfig = z.infer<typeof dataOptions>;

/**
 * How a leaf's pixels are kept while it is prepared: as they go to the device, but float32 where two images are added up,
 * which is rounded afterwards.
 */
export function storageOf({ transfer, augment }: DataConfig): DataConfig['transfer'] {
  const blends = augment.mixup > 0 && augment.mixProbability > 0;
  return transfer === 'float16' && blends ? 'float32' : transfer;
}

/** Whether a data set is in files that `data.path` names. */
export function needsPath({ source }: Pick<DataConfig, 'source'>): boolean {
  return source === 'image-folder' || source === 'idx';
}

/** Whether `data.validation` names a folder. */
export function isFolderName(validation: DataConfig['validation']): validation is string {
  return typeof validation === 'string' && validation !== 'auto' && validation !== 'none';
}

/** Whether a training image may be a mixture of two. */
export function mixesImages({ data }: { readonly data: DataConfig }): boolean {
  const { mixup, cutmix, mixProbability } = data.augment;
  return mixProbability > 0 && (mixup > 0 || cutmix > 0);
}
