/** @file What is said of a folder of images and of the run that is planned on it. Pure, but for colours. */
import { formatCount } from '../../shared/core/units.ts';
import type { FolderFacts } from '../../tools/recipe/look.ts';
import { foundLines } from '../inputs/found-lines.ts';
import { pointer } from '../terminal/output.ts';
import type { FolderPlan } from './plan.ts';

/** Classes that are listed with their counts. */
const CLASSES_SHOWN = 8;

const KINDS = {
  head: 'stays as it is; a new head is trained on what it sees',
  finetune: 'all of its weights are trained, with a new head',
  scratch: 'a small model, trained from scratch',
} as const;

/** The lines of what was found in a folder. */
export function folderLines({ found: source, counts }: FolderFacts): readonly string[] {
  const lines = foundLines(source).map((line, at) => (at === 0 ? pointer('found', line) : line));
  return [...lines, pointer('classes', classesText(source.classes, counts))];
}

/** The lines of what will be trained, on how many images. */
export function planLines({ recipe, pretrained }: FolderPlan): readonly string[] {
  const { kind, images, epochs } = recipe;
  const { train, validation, test } = images;
  const of = `${formatCount(epochs)} ${epochs === 1 ? 'pass' : 'passes'} over ${formatCount(train)} images`;
  const chooses = validation > 0 ? `; ${formatCount(validation)} others choose the best` : '';
  const model =
    pretrained === undefined
      ? KINDS[kind]
      : `ViT-${pretrained.variant} from ${pretrained.weights}: ${KINDS[kind]}`;
  return [
    pointer('model', model),
    pointer('training', `${of}${chooses}`),
    pointer('test', `${formatCount(test)} images that are not looked at before the end`),
  ];
}

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
