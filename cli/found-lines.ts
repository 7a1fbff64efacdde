/** @file What a command says about the data set that it opened. Pure, but for colours. */
import { type FoundSource, foundSentence, remedies } from '../shared/data/sets/found.ts';
import { paint } from './talk.ts';

/** The sentence of what was found and left out; then what may surprise, and what to do about what was left out. */
export function foundLines(data: FoundSource): readonly string[] {
  const { notes, leftOut } = data.found;
  return [
    foundSentence(data),
    ...notes.map((note) => `${paint('yellow', '⚠')} ${note}`),
    ...remedies(leftOut).map((remedy) => `  ${paint('cyan', 'hint:')} ${remedy}`),
  ];
}
