/**
 * @file The one description of a model: the facts that decide its numbers, each with its source.
 *
 * Priority: what a file states, the shapes, the catalogue, the library with these names, a guess.
 */
import { TesseraError } from '../../core/errors.ts';
import { epsilonOf, type ModelConfig, NORM_EPSILON } from '../../model/variants.ts';
import {
  type Fact,
  type FactName,
  type Facts,
  type FactValues,
  factsFrom,
  firstOf,
  type SourceKind,
} from '../facts.ts';
import {
  DEIT_PIXELS,
  IMAGENET,
  type PixelFacts,
  TRANSFORMERS_PIXELS,
  timmPixels,
  torchvisionPixels,
} from '../library-pixels.ts';
import type { Naming } from '../names/names.ts';
import type { Weights } from '../names/rename.ts';
import { type InferredModel, inferModel } from './infer.ts';
import { TRANSFORMERS_EPSILON } from './transformers-config.ts';

/** Everything that is known about some weights. `classes` only if they have names. */
export interface Description {
  readonly model: ModelConfig;
  readonly variant: string | undefined;
  readonly facts: { readonly [Name in Exclude<FactName, 'classes'>]: Fact<FactValues[Name]> } & {
    readonly classes?: Fact<readonly string[]> | undefined;
  };
}

/** The facts that the shapes of the tensors decide. */
const SHAPED = [
  'imageSize',
  'channels',
  'patchSize',
  'width',
  'depth',
  'mlpWidth',
  'numClasses',
] as const;

/**
 * Describes weights; `fileName` is the name of their file, which may identify the publisher.
 *
 * Throws  CHECKPOINT_MISMATCH when the shapes determine no model, or contradict a file.
 */
export function describeModel(weights: Weights, fileName: string): Description {
  const inferred = inferModel(weights);
  const { info, naming } = weights;
  refuseContradictions(info, inferred.model);
  refuseOtherChannels(info, inferred.model);
  const facts = {
    ...firstOf(info, headsOf(inferred), normOf(naming), pixelsOf(naming, { fileName, inferred })),
    ...shapedFacts(info, inferred.model),
  } as Description['facts'];
  const { heads, normEpsilon } = facts;
  const model = { ...inferred.model, heads: heads.value, ...epsilonOf(normEpsilon.value) };
  return { model, facts, variant: inferred.variant };
}

/** The facts about the preparation of images, also if the rest of a description would be refused. */
export function describedPixels(
  { info, naming }: Weights,
  of: { readonly fileName: string; readonly inferred: InferredModel },
): Facts {
  return firstOf(info, pixelsOf(naming, of));
}

/** The sizes in the tensors; if a file states them too, the file is the source. */
function shapedFacts(stated: Facts, model: ModelConfig): Facts {
  const shaped = SHAPED.map((name) => [name, model[name]] as const);
  const isStated = (name: (typeof SHAPED)[number]) =>
    stated[name]?.source === 'file' && stated[name].value === model[name];
  return {
    ...factsFrom('shapes', 'the tensors', Object.fromEntries(shaped)),
    ...Object.fromEntries(SHAPED.filter(isStated).map((name) => [name, stated[name]])),
  };
}

function refuseContradictions(stated: Facts, model: ModelConfig): void {
  for (const name of SHAPED) {
    const fact = stated[name];
    // A library's default is not a stated fact, and a missing head has no classes.
    if (fact?.source !== 'file' || fact.value === model[name]) continue;
    if (name === 'numClasses' && model.numClasses === 0) continue;
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${fact.where} states a ${WORDS[name]} of ${fact.value}, the tensors have ${model[name]}`,
      { hint: 'the weights and their description belong to different models' },
    );
  }
}

/** A value for each channel, or one for all. */
function refuseOtherChannels(stated: Facts, { channels }: ModelConfig): void {
  for (const name of ['mean', 'deviation'] as const) {
    const fact = stated[name];
    if (fact === undefined || [1, channels].includes(fact.value.length)) continue;
    const values = `a ${name} of ${fact.value.length} values`;
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${fact.where} states ${values}, the tensors are for images of ${channels} channels`,
      { hint: 'give one value, or one for each channel' },
    );
  }
}

const WORDS: Readonly<Record<(typeof SHAPED)[number], string>> = {
  imageSize: 'image size',
  channels: 'number of channels',
  patchSize: 'patch size',
  width: 'width',
  depth: 'depth',
  mlpWidth: 'MLP width',
  numClasses: 'number of classes',
};

function headsOf({ model, areHeadsGuessed, published }: InferredModel): Facts {
  return areHeadsGuessed
    ? factsFrom('guess', 'the shapes do not determine it', { heads: model.heads })
    : factsFrom('naming', `published size ${published}`, { heads: model.heads });
}

/** The facts common to all supported models, and the epsilon of the library with these names. */
function normOf(naming: Naming): Facts {
  const normEpsilon = naming === 'huggingface' ? TRANSFORMERS_EPSILON : NORM_EPSILON;
  return factsFrom('naming', LIBRARIES[naming], {
    ...{ normEpsilon, activation: 'gelu', pooling: 'class token', qkvBias: true },
  });
}

const LIBRARIES: Readonly<Record<Naming, string>> = {
  timm: 'usual in timm, whose names these are',
  torchvision: "torchvision's, whose names these are",
  huggingface: "transformers' default, whose names these are",
};

/** timm's names say little about the pixels: many libraries use them. */
function pixelsOf(
  naming: Naming,
  of: { readonly fileName: string; readonly inferred: InferredModel },
): Facts {
  const { variant, model } = of.inferred;
  const cropRounding = naming === 'huggingface' ? 'down' : 'even';
  const rounding = factsFrom('naming', LIBRARIES[naming], { cropRounding });
  const from = (source: SourceKind, where: string, pixels: PixelFacts) =>
    firstOf(factsFrom(source, where, pixels), rounding);
  if (naming === 'torchvision') {
    return from('naming', "torchvision's preset", torchvisionPixels(variant, model.imageSize));
  }
  if (naming === 'huggingface') return from('guess', 'usual in transformers', TRANSFORMERS_PIXELS);
  const named = namedPixels(of.fileName, model.imageSize);
  if (named !== undefined) return from('naming', 'name of the file', named);
  return from('guess', 'usual in timm', timmPixels(model.imageSize));
}

/** Files with the names of their publishers. */
function namedPixels(fileName: string, imageSize: number): PixelFacts | undefined {
  if (/\.fb_in1k\b/.test(fileName)) return { ...timmPixels(imageSize), ...IMAGENET };
  return /^(?:deit|dino|mae)_/.test(fileName) ? DEIT_PIXELS : undefined;
}
