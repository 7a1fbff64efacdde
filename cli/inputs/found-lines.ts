/** @file What a command says about the data set that it opened. Pure, but for colours. */
import {
  type FoundSource,
  foundSentence,
  type LeftOut,
  leftOutText,
  remedies,
} from '../../shared/data/found.ts';
import { hint, warning } from '../terminal/output.ts';

/** The sentence of what was found and left out; then what may surprise, and what to do about what was left out. */
export function foundLines(data: FoundSource): readonly string[] {
  const { notes, leftOut } = data.found;
  return [foundSentence(data), ...notes.map(warning), ...hints(leftOut)];
}

/** The same for programs: sizes of the splits, where they lie, what was left out. */
export function foundJson({ size, found }: FoundSource) {
  return { size, ...found };
}

/** What was passed over beside images that were found in folders; nothing where nothing was. */
export function leftOutLines(images: number, leftOut: readonly LeftOut[]): readonly string[] {
  if (leftOut.length === 0) return [];
  const found = images === 1 ? '1 image' : `${images} images`;
  return [`${found}${leftOutText(leftOut)}`, ...hints(leftOut)];
}

function hints(leftOut: readonly LeftOut[]): readonly string[] {
  return remedies(leftOut).map((sentence) => hint(sentence));
}
