/** @file From the description of a model to the config that it is run with, and what flags may change of it. Pure. */
import { resolveModel } from '../../../shared/config/rules.ts';
import type { RunConfig } from '../../../shared/config/schema.ts';
import { readSettings, settingOf } from '../../../shared/config/settings.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { epsilonOf, type ModelConfig, NORM_EPSILON } from '../../../shared/model/variants.ts';
import type { Description } from '../../../shared/weights/describe/description.ts';
import type { Fact, FactName } from '../../../shared/weights/facts.ts';
import { PIXEL_NAMES } from '../../../shared/weights/library-pixels.ts';

type KnownFacts = Description['facts'];

/** The flags that a user typed. */
interface Flags {
  readonly heads: number | 'any' | undefined;
  readonly set: readonly string[];
}

/**
 * A description with flags laid over it: what nothing states may be given, what a file states may not be contradicted.
 *
 * Throws  CHECKPOINT_MISMATCH.
 */
export function withFlags(
  path: string,
  { facts, model }: Description,
  { heads: wanted, set }: Flags,
): Pick<Description, 'facts' | 'model'> {
  const { settings } = readSettings(set, 'flag');
  const flagged: Partial<Record<FactName, Fact<unknown>>> = {};
  const flag = (name: FactName, value: unknown, where: string) => {
    flagged[name] = { value, source: 'flag', where };
  };
  for (const name of ['heads', 'normEpsilon'] as const) {
    const found = settingOf(['model', name], settings);
    if (found === undefined || typeof found.value !== 'number') continue;
    if (statedIn(facts, name) !== undefined && facts[name].value !== found.value) {
      throw contradiction(path, `model.${name}`, [facts[name].value, found.value]);
    }
    flag(name, found.value, found.place);
  }
  if (typeof wanted === 'number') flag('heads', wanted, '--heads');
  for (const name of PIXEL_NAMES) {
    const found = settingOf(['data', name], settings);
    if (found !== undefined) flag(name, found.value, found.place);
  }
  const all = { ...facts, ...flagged } as KnownFacts;
  const epsilon = { normEpsilon: undefined, ...epsilonOf(all.normEpsilon.value) };
  return { facts: all, model: { ...model, heads: all.heads.value, ...epsilon } };
}

/** What a file states of a model; undefined when it is only usual or guessed. */
export function statedIn<Name extends 'heads' | 'normEpsilon'>(
  facts: KnownFacts,
  name: Name,
): number | undefined {
  return facts[name].source === 'file' ? facts[name].value : undefined;
}

/** The config that a described model is run with. */
export function describedConfig(facts: KnownFacts, model: ModelConfig): object {
  const { imageSize, channels, patchSize, width, depth, heads, mlpWidth, normEpsilon } = model;
  const { resize, cropFraction, cropRounding, interpolation, mean, deviation } = facts;
  return {
    name: 'weights',
    data: {
      ...{ source: 'image-folder', path: '.', channels },
      ...{ resize: resize.value, cropFraction: cropFraction.value },
      ...(cropRounding.value !== 'even' && { cropRounding: cropRounding.value }),
      ...{ interpolation: interpolation.value, mean: mean.value, deviation: deviation.value },
    },
    model: {
      ...{ imageSize, patchSize, width, depth, heads, mlpWidth },
      ...(normEpsilon !== undefined && { normEpsilon }),
    },
    training: { epochs: 1, batchSize: 8, microBatch: 8, optimizer: { learningRate: 1e-3 } },
  };
}

/** What a model's tensors are made for. */
const MODEL_NAMES = ['imageSize', 'patchSize', 'width', 'depth', 'heads', 'mlpWidth'] as const;

/**
 * Refuses a config, with the settings of the command line, that is another model's.
 *
 * Throws  CHECKPOINT_MISMATCH.
 */
export function refuseOtherModel(path: string, config: RunConfig, model: ModelConfig): void {
  const wanted = resolveModel(config, model.numClasses);
  for (const name of MODEL_NAMES) {
    if (wanted[name] === model[name]) continue;
    throw contradiction(path, `model.${name}`, [model[name], wanted[name]]);
  }
  if (wanted.channels !== model.channels) {
    throw contradiction(path, 'data.channels', [model.channels, wanted.channels]);
  }
  const [epsilon, other] = [model, wanted].map((of) => of.normEpsilon ?? NORM_EPSILON);
  if (epsilon !== other) throw contradiction(path, 'model.normEpsilon', [epsilon, other]);
}

function contradiction(
  path: string,
  name: string,
  [real, wanted]: readonly (number | undefined)[],
): TesseraError {
  return new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path}: its model has ${name} ${real}, not ${wanted}`,
    { hint: `leave --set ${name} out` },
  );
}

/** The facts that are only guessed. */
export function guessesIn(facts: KnownFacts): readonly FactName[] {
  const names = Object.keys(facts) as FactName[];
  return names.filter((name) => facts[name]?.source === 'guess');
}

/** What is said of pixels that nothing states. */
export function notesOf(path: string, facts: KnownFacts): readonly string[] {
  const guessed = PIXEL_NAMES.filter((name) => facts[name].source === 'guess');
  const [first] = guessed;
  const colours = guessed.filter((name) => name === 'mean' || name === 'deviation');
  const settable = colours.length > 0 ? colours : guessed.slice(0, 1);
  if (first === undefined) return [];
  const assumed = guessed.map((name) => `${name} ${briefly(facts[name].value)}`).join(', ');
  const how = `assumed, as ${facts[first].where}: ${assumed}`;
  return [
    `${path} does not say how images are prepared; ${how}; other values with ${settable.map((name) => `--set data.${name}=...`).join(' ')}`,
  ];
}

/** A value in words; of a list whose values are equal, one. */
function briefly(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return new Set(value).size === 1 ? String(value[0]) : `[${value.join(', ')}]`;
}
