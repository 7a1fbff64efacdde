/** @file Recipes for folders of images: what is chosen, for whom, and that it is a config. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../../shared/config/load.ts';
import { checkAgainstData } from '../../../../shared/config/rules.ts';
import type { FolderFacts } from '../../../../tools/recipe/look.ts';
import type { Pretrained } from '../../../../tools/recipe/pretrained.ts';
import { configOf, recipeFor, runName } from '../../../../tools/recipe/recipe.ts';
import { expectedSeconds } from '../../../../tools/recipe/time.ts';

const TINY: Pretrained = {
  weights: 'weights/vit_tiny.safetensors',
  variant: 'Ti/16',
  imageSize: 224,
  normEpsilon: 1e-6,
  pixels: {
    resize: 'crop',
    cropFraction: 0.9,
    cropRounding: 'even',
    interpolation: 'bicubic',
    mean: [0.5, 0.5, 0.5],
    deviation: [0.5, 0.5, 0.5],
  },
};

function folder(counts: readonly number[], more: Partial<FolderFacts> = {}): FolderFacts {
  const classes = counts.map((_, at) => `class ${at}`);
  const found = { classes, size: {}, found: { from: {}, leftOut: [], notes: [] } };
  return {
    ...{ path: '/photos', name: 'my photos', counts, found },
    ...{ hasTest: false, hasValidation: false, testImages: 0, ...more },
  };
}

const recipe = (counts: readonly number[], more?: Partial<FolderFacts>, pretrained = TINY) =>
  recipeFor({ facts: folder(counts, more), pretrained });
const reasonOf = (made: ReturnType<typeof recipe>, option: string) =>
  made.choices.find((choice) => choice.option === option);

describe('what is trained', () => {
  it('few images: a new head on features that are computed once, no image held back to choose', () => {
    const made = recipe([75, 75, 75], { hasTest: true, testImages: 75 });
    expect(made.kind).toBe('head');
    expect(made.images).toEqual({ train: 225, validation: 0, test: 75 });
    expect(configOf(made)).toMatchObject({
      name: 'my-photos',
      data: { path: '/photos', validation: 'none' },
      model: { variant: 'Ti/16', freeze: 'backbone', init: { weights: TINY.weights } },
      training: { epochs: 20, batchSize: 45, labelSmoothing: 0.1 },
      evaluation: { everyEpochs: 0 },
    });
  });

  it('a thousand and more: all weights, lower layers less; some images choose and some test', () => {
    const made = recipe([600, 600, 600]);
    expect(made.kind).toBe('finetune');
    expect(made.images).toEqual({ train: 1377, validation: 153, test: 270 });
    expect(configOf(made)).toMatchObject({
      data: { testFraction: 0.15, validation: 0.1, augment: { flip: true } },
      training: { epochs: 6, optimizer: { layerDecay: 0.7 } },
    });
  });

  it('without pretrained weights: a small model from scratch', () => {
    const made = recipeFor({ facts: folder([600, 600]), pretrained: undefined });
    expect(made.kind).toBe('scratch');
    expect(configOf(made).model).toMatchObject({ imageSize: 64, width: 128 });
    expect(configOf(made).model).not.toHaveProperty('init');
  });

  it('four images: none is left to choose an epoch with', () => {
    const made = recipeFor({ facts: folder([2, 2]), pretrained: undefined });
    expect(made.images).toEqual({ train: 3, validation: 0, test: 1 });
    expect(configOf(made).data).toMatchObject({ validation: 'none' });
  });

  it('without pretrained weights there is nothing to fine-tune, whatever was asked for', () => {
    const facts = folder([600, 600]);
    const scratch = recipeFor({ facts, pretrained: undefined });
    expect(recipeFor({ facts, pretrained: undefined, kind: 'finetune' })).toEqual(scratch);
    expect(recipeFor({ facts, pretrained: TINY, kind: 'finetune' }).kind).toBe('finetune');
  });

  it('classes that are uneven count alike, and the reason names their sizes', () => {
    expect(reasonOf(recipe([1000, 50]), 'training.classWeights')).toMatchObject({
      value: 'balanced',
      reason: expect.stringContaining('the largest class has 1,000 images, the smallest 50'),
    });
    expect(reasonOf(recipe([100, 90]), 'training.classWeights')).toBeUndefined();
  });
});

it('refuses a folder that leaves nothing to test with, saying what to do', () => {
  expect(() => recipe([1, 1, 1])).toThrow(/each class has a single image/);
  expect(() => recipe([1, 0])).toThrow(/each class has a single image/);
  expect(() => recipe([2, 0])).toThrow(/2 images are too few/);
});

it('every recipe is a config, for any counts', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.integer({ min: 5, max: 4000 }), { minLength: 2, maxLength: 40 }),
        fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 2, maxLength: 3 }),
      ),
      fc.constantFrom(TINY, undefined),
      fc.boolean(),
      fc.constantFrom(1, undefined),
      (counts, pretrained, hasTest, epochs) => {
        const facts = folder(counts, { hasTest, testImages: hasTest ? 9 : 0 });
        const made = recipeFor({ facts, pretrained, epochs });
        const { config } = loadObject(configOf(made), { env: {} });
        const { train, validation, test } = made.images;
        checkAgainstData(config, { size: { train, test }, classes: facts.found.classes });
        expect(train + validation + (hasTest ? 0 : test)).toBe(counts.reduce((a, b) => a + b, 0));
        expect(config.training.batchSize).toBeLessThanOrEqual(train);
        expect(expectedSeconds(made, { secondsPerImage: 0.01, kind: made.kind })).toBeGreaterThan(
          0,
        );
      },
    ),
    { numRuns: 100 },
  );
});

it.each([
  ['photos', 'photos'],
  ['Fotos 2026 (neu)', 'Fotos-2026-neu-'],
  ['.hidden', 'hidden'],
  ['写真', 'photos'],
])('a run on the folder %s is called %s', (name, called) => {
  expect(runName(name)).toBe(called);
});
