/**
 * @file The pixel facts in the preprocessor_config.json of a transformers folder. Pure.
 *
 * Source  transformers 4 and 5: image_processing_backends.py and the image processors of ViT, DeiT, BiT, CLIP and
 *         SigLIP. Rescaling is folded into mean and deviation: (p r - m) / d = (p / 255 - m / 255r) / (d / 255r).
 */
import { z } from 'zod';
import { type Facts, factsFrom, firstOf, refuseFact, shown } from '../facts.ts';
import { cropFractionOf, type PixelFacts } from '../library-pixels.ts';

const count = z.int().min(1);
const flag = z.boolean().nullish();
const perChannel = z.union([z.number(), z.array(z.number()).min(1)]).nullish();
const size = z.union([
  count,
  z.array(count).length(2),
  z.looseObject({
    height: count.nullish(),
    width: count.nullish(),
    shortest_edge: count.nullish(),
  }),
]);

const schema = z.looseObject({
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_resize: flag,
  size: size.nullish(),
  default_to_square: flag,
  resample: z.int().nullish(),
  do_center_crop: flag,
  crop_size: size.nullish(),
  /** The rounding in transformers, for exports of ours that state another one. */
  crop_rounding: z.enum(['even', 'down']).nullish(),
  do_rescale: flag,
  rescale_factor: z.number().positive().nullish(),
  do_normalize: flag,
  image_mean: perChannel,
  image_std: perChannel,
});

type Config = z.infer<typeof schema>;

const HALF = [0.5];
const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
};
const SQUARE = {
  isSquare: true,
  size: 224,
  crops: false,
  resample: 3,
  mean: HALF,
  deviation: HALF,
};
const CROPPED = { ...SQUARE, ...CLIP, isSquare: false, crops: true };

/** The defaults of the image processors. */
const PROCESSORS: Readonly<Record<string, typeof SQUARE>> = {
  ViT: { ...SQUARE, resample: 2 },
  DeiT: { ...SQUARE, size: 256, crops: true },
  Beit: SQUARE,
  Siglip: SQUARE,
  Bit: CROPPED,
  CLIP: CROPPED,
};

const CROP_SIZE = 224;
/** PIL's numbers of the filters. */
const FILTERS: Readonly<Record<number, PixelFacts['interpolation']>> = {
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
};

/**
 * The pixel facts of a preprocessor_config.json.
 *
 * Throws  CHECKPOINT_MISMATCH for a fact that this version does not support; what zod throws for another form.
 */
export function preprocessorFacts(document: unknown, where: string): Facts {
  const config = schema.parse(document);
  const usual = processorOf(config, where);
  checkSteps(config, where);
  const resample = config.resample ?? usual.resample;
  const interpolation = FILTERS[resample];
  if (interpolation === undefined) {
    refuseFact(
      where,
      `resample: ${resample}`,
      '1, 2 and 3 (Lanczos, bilinear, bicubic) are supported',
    );
  }
  const square = squareOf(config, usual, where);
  const colours = coloursOf(config, usual);
  // Missing values are the defaults of the named processor.
  const isStated = {
    size: config.size !== undefined,
    interpolation: config.resample !== undefined,
    colours: config.image_mean !== undefined || config.do_normalize === false,
  };
  const all = { ...square, interpolation, ...colours };
  const stated = {
    ...(isStated.size && square),
    ...(isStated.interpolation && { interpolation }),
    ...(isStated.colours && colours),
  };
  const fallback = factsFrom('naming', "transformers' default", all);
  return firstOf(factsFrom('file', where, stated), fallback);
}

/** The image processor that a file names: ViTImageProcessor, its Fast and Pil forms, ViTFeatureExtractor of old. */
function processorOf(config: Config, where: string): typeof SQUARE {
  const name = config.image_processor_type ?? config.feature_extractor_type ?? 'ViTImageProcessor';
  const family = /^(\w+?)(?:ImageProcessor(?:Fast|Pil)?|FeatureExtractor)$/.exec(name)?.[1] ?? '';
  const found = Object.hasOwn(PROCESSORS, family) ? PROCESSORS[family] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(PROCESSORS).join(', ');
  return refuseFact(where, `the image processor ${shown(name)}`, `known are those of ${known}`);
}

/** Steps that are supported here, or that do not change a colour image. */
const STEPS = /^do_(?:resize|center_crop|rescale|normalize|convert_rgb)$/;

function checkSteps(config: Config, where: string): void {
  if (config.do_resize === false) {
    refuseFact(where, 'do_resize: false', 'images are resized to what the model takes');
  }
  for (const [name, value] of Object.entries(config)) {
    if (!name.startsWith('do_') || STEPS.test(name) || value === false || value === null) continue;
    refuseFact(where, `${name}: ${shown(value)}`, 'this step is not supported');
  }
}

/** How an image becomes a square, and of which side. */
function squareOf(config: Config, usual: typeof SQUARE, where: string) {
  const isSquare = config.default_to_square ?? usual.isSquare;
  const resized = sizeOf(config.size ?? usual.size, isSquare, where, 'size');
  const isCropped = config.do_center_crop ?? usual.crops;
  if (!isCropped) {
    if (resized.isSquare) {
      const { side: imageSize } = resized;
      return { imageSize, resize: 'stretch', cropFraction: 1, cropRounding: 'down' } as const;
    }
    return refuseFact(where, `size: ${shown(config.size)} without a centre crop`, SQUARE_ONLY);
  }
  const { side } = sizeOf(config.crop_size ?? CROP_SIZE, true, where, 'crop_size');
  if (side > resized.side) {
    const sizes = `a crop of ${side} pixels out of ${resized.side}`;
    refuseFact(where, `${sizes}, which pads images`, 'a crop is at most as large as the image');
  }
  return {
    imageSize: side,
    resize: resized.isSquare ? 'squash' : 'crop',
    cropFraction: cropFractionOf(side, resized.side),
    cropRounding: config.crop_rounding ?? 'down',
  } as const;
}

const SQUARE_ONLY = 'only square images can be loaded';

/** A size in any of its forms; a single number is a square where the processor reads it so. */
function sizeOf(
  value: z.infer<typeof size>,
  isSquare: boolean,
  where: string,
  name: string,
): { readonly side: number; readonly isSquare: boolean } {
  if (typeof value === 'number') return { side: value, isSquare };
  const stated = `${name}: ${shown(value)}`;
  const {
    height,
    width,
    shortest_edge: short,
    ...more
  } = Array.isArray(value)
    ? { height: value[0], width: value[1] }
    : (value as Exclude<typeof value, readonly number[]>);
  const others = Object.entries(more).filter(([, other]) => other !== null);
  if (others.length > 0) return refuseFact(where, stated, 'height and width, or shortest_edge');
  if (short) return { side: short, isSquare: false };
  if (height && height === width) return { side: height, isSquare: true };
  return refuseFact(where, stated, SQUARE_ONLY);
}

/** Mean and deviation of pixels in 0..1. */
function coloursOf(config: Config, usual: typeof SQUARE): Pick<PixelFacts, 'mean' | 'deviation'> {
  const isNormalised = config.do_normalize ?? true;
  const mean = isNormalised ? [config.image_mean ?? usual.mean].flat() : [0];
  const deviation = isNormalised ? [config.image_std ?? usual.deviation].flat() : [1];
  const factor = config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255);
  // Exactly 1 for 1/255, however it was rounded when it was written.
  const scale = Math.abs(255 * factor - 1) < 1e-9 ? 1 : 255 * factor;
  const folded = (values: readonly number[]) => values.map((value) => value / scale);
  return { mean: folded(mean), deviation: folded(deviation) };
}
