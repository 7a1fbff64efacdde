/** @file What is said of a folder of images and of the run that is planned on it. Pure, but for colours. */
import { formatCount } from '../../shared/core/units.ts';
import type { FolderFacts } from '../../tools/recipe/look.ts';
import { foundLines } from '../inputs/found-lines.ts';
import { pointer, warning } from '../terminal/output.ts';
import type { FolderPlan } from './plan.ts';

/** Classes that are listed with their counts. */
const CLASSES_SHOWN = 8;

const KINDS = {
  head: 'stays as it is; a new head is trained on what it sees',
  finetune: 'all of its weights are trained, with a new head',
  scratch: 'a small model, trained from scratch',
} as const;

/** The lines of what was found in a folder. */
export function folderLines(facts: FolderFacts): readonly string[] {
  const { found: source, counts } = facts;
  const lines = foundLines(source).map((line, at) => (at === 0 ? pointer('found', line) : line));
  return [...lines, pointer('classes', classesText(source.classes, counts)), ...neverTested(facts)];
}

/** Classes with a single image, none of which can be held back. */
function neverTested({ found, counts, hasTest }: FolderFacts): readonly string[] {
  const names = found.classes.filter((_, at) => counts[at] === 1);
  const [first] = names;
  if (hasTest || first === undefined) return [];
  const more = names.length - 1;
  const which = more === 0 ? `${first} has` : `${first} and ${formatCount(more)} more have`;
  return [warning(`${which} a single image: it is trained on, and never tested`)];
}

/** The line of the model that will be trained. */
export function modelLine({ recipe, pretrained }: FolderPlan): string {
  const what = KINDS[recipe.kind];
  if (pretrained === undefined) return pointer('model', what);
  return pointer('model', `ViT-${pretrained.variant} from ${pretrained.weights}: ${what}`);
}

/** The lines of how it will be trained, and on how many images. */
export function trainingLines({ recipe }: FolderPlan): readonly string[] {
  const { images, epochs } = recipe;
  const { train, validation, test } = images;
  const of = `${formatCount(epochs)} ${epochs === 1 ? 'pass' : 'passes'} over ${imagesText(train)}`;
  const others = validation === 1 ? '1 other chooses' : `${formatCount(validation)} others choose`;
  const chooses = validation > 0 ? `; ${others} the best` : '';
  return [
    pointer('training', `${of}${chooses}`),
    pointer(
      'test',
      `${imagesText(test)} that ${test === 1 ? 'is' : 'are'} not looked at before the end`,
    ),
  ];
}

const imagesText = (count: number) => `${formatCount(count)} ${count === 1 ? 'image' : 'images'}`;

/** `pizza 600, steak 600 and 3 more`: the largest first. */
function classesText(names: readonly string[], counts: readonly number[]): string {
  const sorted = names
    .map((name, at) => [name, counts[at] as number] as const)
    .toSorted(([, a], [, b]) => b - a);
  const shown = sorted
    .slice(0, CLASSES_SHOWN)
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(', ');
  const more = sorted.length - CLASSES_SHOWN;
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}
