/**
 * @file The facts in the config.json of a timm hub folder. Pure.
 *
 * Source  timm 1.0 `_hub.py` (what is written), `_factory.py` and `data/config.py` (what is made of it).
 */
import { z } from 'zod';
import { type Facts, type FactValues, factsFrom, firstOf, refuseFact, shown } from '../facts.ts';
import { IMAGENET, type PixelFacts } from '../library-pixels.ts';

const number = z.number().positive();
/** A side, or height and width. */
const sides = z.union([z.int().min(1), z.array(z.int().min(1)).length(2)]);

const pretrainedSchema = z.looseObject({
  input_size: z.array(z.int().min(1)).length(3).nullish(),
  fixed_input_size: z.boolean().nullish(),
  interpolation: z.string().nullish(),
  crop_pct: number.nullish(),
  crop_mode: z.string().nullish(),
  mean: z.union([z.number(), z.array(z.number()).min(1)]).nullish(),
  std: z.union([number, z.array(number).min(1)]).nullish(),
  label_offset: z.int().nullish(),
  label_names: z.unknown().optional(),
});

const argsSchema = z.looseObject({
  img_size: sides.nullish(),
  patch_size: sides.nullish(),
  in_chans: z.int().min(1).nullish(),
  num_classes: z.int().min(0).nullish(),
  embed_dim: z.int().min(1).nullish(),
  depth: z.int().min(1).nullish(),
  num_heads: z.int().min(1).nullish(),
  mlp_ratio: number.nullish(),
});

const configSchema = pretrainedSchema.extend({
  architecture: z.string(),
  num_classes: z.int().min(0).nullish(),
  global_pool: z.string().nullish(),
  label_names: z.unknown().optional(),
  model_args: argsSchema.nullish(),
  pretrained_cfg: pretrainedSchema.nullish(),
});

/** Whether a config.json is one of timm's: transformers' have no architecture in the singular. */
export function isTimmConfig(config: unknown): boolean {
  return typeof Object(config).architecture === 'string';
}

/**
 * The facts of a timm config.json.
 *
 * Throws  CHECKPOINT_MISMATCH for a fact that this version does not support; what zod throws for another form.
 */
export function timmFacts(document: unknown, where: string): Facts {
  const config = configSchema.parse(document);
  const args = config.model_args ?? {};
  const pretrained = config.pretrained_cfg ?? config;
  const named = architectureOf(config.architecture, where);
  checkArguments(args, where);
  const pooling = args['global_pool'] ?? config.global_pool ?? 'token';
  if (pooling !== 'token') refuseFact(where, `the pooling ${shown(pooling)}`, ONLY_PLAIN);
  const size = sizeOf({ args, pretrained, where });
  const width = args.embed_dim ?? named.width;
  const model = factsFrom('file', where, {
    imageSize: size ?? named.imageSize,
    channels: args.in_chans ?? pretrained.input_size?.[0],
    patchSize: square(args.patch_size, where, 'patch_size') ?? named.patchSize,
    ...{ width, depth: args.depth ?? named.depth, heads: args.num_heads ?? named.heads },
    mlpWidth: Math.trunc(width * (args.mlp_ratio ?? named.mlpRatio)),
    numClasses: numClassesOf(args.num_classes, config.num_classes, where),
    ...{ normEpsilon: 1e-6, activation: 'gelu', pooling: 'class token', qkvBias: true },
    classes: classesOf(config.label_names ?? pretrained.label_names, where),
  });
  return { ...model, ...pixelsOf(pretrained, where) };
}

const ONLY_PLAIN =
  'only plain ViTs can be loaded: a class token, exact GELU, biases, one norm behind the last block';

type Arguments = z.infer<typeof argsSchema>;
type Pretrained = z.infer<typeof pretrainedSchema>;

/** Width, depth, heads and MLP ratio of timm's names. */
const NAMED_SIZES: Readonly<Record<string, readonly [number, number, number, number]>> = {
  tiny: [192, 12, 3, 4],
  small: [384, 12, 6, 4],
  base: [768, 12, 12, 4],
  large: [1024, 24, 16, 4],
  huge: [1280, 32, 16, 4],
  giant: [1408, 40, 16, 48 / 11],
  gigantic: [1664, 48, 16, 64 / 13],
};

/** The facts implied by the name of an architecture. Other architectures may differ in ways that no tensor shows. */
function architectureOf(name: string, where: string) {
  const [, size = '', patch, image] =
    /^(?:vit|deit)_([a-z]+)_patch(\d+)_(\d+)(?:\.\w+)?$/.exec(name) ?? [];
  const sizes = NAMED_SIZES[size];
  if (sizes === undefined) {
    return refuseFact(
      where,
      `the architecture ${shown(name)}, which is not known here`,
      `known are vit_SIZE_patchP_PIXELS and deit_SIZE_patchP_PIXELS (${Object.keys(NAMED_SIZES).join(', ')}); ${ONLY_PLAIN}`,
    );
  }
  const [width, depth, heads, mlpRatio] = sizes;
  return { width, depth, heads, mlpRatio, patchSize: Number(patch), imageSize: Number(image) };
}

/** Required values of arguments; null, which means the default, is allowed too. */
const ONLY: Readonly<Record<string, unknown>> = {
  qkv_bias: true,
  class_token: true,
  no_embed_class: false,
  reg_tokens: 0,
  pre_norm: false,
  final_norm: true,
  fc_norm: false,
  init_values: null,
  qk_norm: false,
  scale_attn_norm: false,
  scale_mlp_norm: false,
  proj_bias: true,
  pos_embed: 'learn',
  pool_include_prefix: false,
  dynamic_img_pad: false,
  act_layer: 'gelu',
  norm_layer: 'layernorm',
  embed_norm_layer: null,
};

/** Arguments that change nothing when a model of one image size is evaluated, or that are read elsewhere. */
const FREE =
  /^(?:img_size|patch_size|in_chans|num_classes|global_pool|embed_dim|depth|num_heads|mlp_ratio|drop_rate|(?:pos|patch|proj|attn|path)_drop_rate|drop_path_rate|weight_init|fix_init|dynamic_img_size|strict_img_size)$/;

function checkArguments(args: Arguments, where: string): void {
  for (const [name, value] of Object.entries(args)) {
    if (FREE.test(name) || (value === null && name in ONLY)) continue;
    if (Object.hasOwn(ONLY, name) && ONLY[name] === value) continue;
    refuseFact(where, `model_args.${name}: ${shown(value)}`, ONLY_PLAIN);
  }
}

/** The side of the image that the model was saved for. */
function sizeOf(of: {
  readonly args: Arguments;
  readonly pretrained: Pretrained;
  readonly where: string;
}): number | undefined {
  const { args, pretrained, where } = of;
  const model = square(args.img_size, where, 'img_size');
  const input = square(pretrained.input_size?.slice(1), where, 'input_size');
  if (model === undefined || input === undefined || model === input) return model ?? input;
  // timm's own repair of older exports.
  if (pretrained.fixed_input_size) return model;
  return refuseFact(
    where,
    `images of ${input} pixels (input_size) for a model of ${model} (img_size)`,
    'set both to the size that the model was trained with',
  );
}

function square(
  value: number | readonly number[] | null | undefined,
  where: string,
  name: string,
): number | undefined {
  if (value === null || value === undefined || typeof value === 'number') return value ?? undefined;
  const [height, width] = value;
  if (height === width) return height;
  return refuseFact(where, `${name}: ${shown(value)}`, 'only square images can be loaded');
}

const INTERPOLATIONS: readonly string[] = ['bicubic', 'bilinear', 'lanczos'];
const CROP_MODES: Readonly<Record<string, PixelFacts['resize']>> = {
  center: 'crop',
  squash: 'squash',
};
/** timm's defaults for what a config leaves out. Source  timm.data.constants. */
const DEFAULTS: PixelFacts = {
  ...{ resize: 'crop', cropFraction: 0.875, cropRounding: 'even', interpolation: 'bicubic' },
  ...IMAGENET,
};

function pixelsOf(pretrained: Pretrained, where: string): Facts {
  const {
    interpolation,
    crop_pct: fraction,
    crop_mode: mode,
    mean,
    std,
    label_offset,
  } = pretrained;
  if (label_offset) {
    refuseFact(where, `label_offset: ${label_offset}`, 'a head without the offset can be loaded');
  }
  const resize = CROP_MODES[mode ?? 'center'];
  if (resize === undefined) {
    refuseFact(where, `crop_mode: ${shown(mode)}`, 'center and squash are supported');
  }
  if (interpolation && !INTERPOLATIONS.includes(interpolation)) {
    const supported = `${INTERPOLATIONS.join(', ')} are supported`;
    refuseFact(where, `interpolation: ${shown(interpolation)}`, supported);
  }
  if (fraction && fraction > 1) {
    refuseFact(where, `crop_pct: ${fraction}, which pads images`, 'at most 1 is supported');
  }
  const stated = factsFrom('file', where, {
    resize: mode ? resize : undefined,
    cropFraction: fraction ?? undefined,
    interpolation: (interpolation || undefined) as FactValues['interpolation'] | undefined,
    ...{ mean: listOf(mean), deviation: listOf(std) },
  });
  return firstOf(stated, factsFrom('naming', "timm's default", DEFAULTS));
}

/** timm builds the model of the one number, and drops the head where the other differs. */
function numClassesOf(
  built: number | null | undefined,
  stated: number | null | undefined,
  where: string,
): number | undefined {
  const [one, other] = [built ?? stated, stated ?? built];
  if (one === other) return one ?? undefined;
  return refuseFact(
    where,
    `num_classes: ${other} and model_args.num_classes: ${one}`,
    'set both to the number of rows of the head',
  );
}

/** One number stands for all channels. */
function listOf(value: number | readonly number[] | null | undefined) {
  return typeof value === 'number' ? [value] : (value ?? undefined);
}

/** Names of the classes: a list, or one for each number. */
function classesOf(labels: unknown, where: string): readonly string[] | undefined {
  if (labels === null || labels === undefined) return undefined;
  const entries = Object.entries(Object(labels));
  const names = Array.from({ length: entries.length }, (_, id) => Object(labels)[id]);
  if (names.every((name) => typeof name === 'string')) return names;
  return refuseFact(where, 'label_names that do not name every class', 'give them with --classes');
}
