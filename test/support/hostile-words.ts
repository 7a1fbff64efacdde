/** @file Words that shells and other readers of text stumble over: the same for a seed. */
import fc from 'fast-check';

/** Words of any characters, without those that no argument of a process can hold. */
export function hostileWords(count: number, seed: number): readonly string[] {
  const signs = fc.constantFrom(...'\'"\\$`%#;&|<>()[]{}*?!~=- \n\t\u0001\u007f\u0085aäß→😀');
  const any = fc.string({ unit: 'binary', maxLength: 12 });
  const word = fc
    .oneof(any, fc.string({ unit: signs, maxLength: 12 }))
    .filter((text) => text.isWellFormed() && !text.includes('\0'));
  return fc.sample(word, { numRuns: count, seed });
}
