/** @file Compares how a run prepares images with how its pretrained weights were trained. Pure. */
import { describedPixels } from '../describe/description.ts';
import { inferModel } from '../describe/infer.ts';
import type { SourceKind } from '../facts.ts';
import { PIXEL_NAMES, type PixelFacts } from '../library-pixels.ts';
import type { Weights } from '../names/rename.ts';

/** Images as a run prepares them. */
export interface PreparedImages extends PixelFacts {
  readonly channels: number;
}

/** Whatever is more than a guess. */
const SURE: readonly SourceKind[] = ['file', 'catalogue', 'naming'];

/**
 * Notes about pixel facts of the weights that the run does not follow; guesses are left out.
 *
 * Throws  CHECKPOINT_MISMATCH when the weights determine no model.
 */
export function otherPixels(
  weights: Weights,
  fileName: string,
  run: PreparedImages,
): readonly string[] {
  const inferred = inferModel(weights);
  const facts = describedPixels(weights, { fileName, inferred });
  const crop = facts.resize?.value === 'stretch' ? '^crop' : '^$';
  const colour = run.channels === inferred.model.channels ? '^$' : '^(?:mean|deviation)$';
  const meaningless = new RegExp(`${crop}|${colour}`);
  const differing = PIXEL_NAMES.flatMap((name) => {
    const fact = facts[name];
    if (fact === undefined || !SURE.includes(fact.source)) return [];
    if (name === 'cropRounding' && fact.source === 'naming') return [];
    if (meaningless.test(name)) return [];
    const own = run[name] ?? 'even';
    if (areSame(fact.value, own)) return [];
    return [{ name, wanted: fact.value, own, where: fact.where }];
  });
  const [first] = differing;
  if (first === undefined) return [];
  const wanted = differing.map(({ name, wanted }) => `${name} ${written(wanted)}`).join(', ');
  const own = differing.map(({ name, own }) => `${name} ${written(own)}`).join(', ');
  const places = [...new Set(differing.map(({ where }) => where))].join(', ');
  const settings = differing.map(
    ({ name, wanted }) => `--set ${quoted(`data.${name}=${written(wanted)}`)}`,
  );
  return [
    `trained with ${wanted} (${places}); this run has ${own}; to follow the weights: ${settings.join(' ')}`,
  ];
}

type Value = string | number | readonly number[];

/** A list of one value stands for all channels. */
function areSame(one: Value, other: Value): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  const [these, those] = [[one].flat(), [other].flat()];
  const length = Math.max(these.length, those.length);
  return Array.from({ length }, (_, at) => at).every((at) => {
    const [a, b] = [these, those].map((list) => (list.length === 1 ? list[0] : list[at]));
    return a !== undefined && b !== undefined && Math.abs(a - b) < 1e-6;
  });
}

/** As shells take it. */
function quoted(setting: string): string {
  return setting.includes('[') ? `'${setting}'` : setting;
}

/** As a setting is typed: without spaces, equal channels once. */
function written(value: Value): string {
  if (!Array.isArray(value)) return String(value);
  const [first] = value;
  return `[${value.every((one) => one === first) ? first : value.join(',')}]`;
}
