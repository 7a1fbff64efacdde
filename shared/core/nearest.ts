/** @file "Did you mean": the known word that is nearest to a mistyped one. */

/** The candidate that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = plainWord(word);
  let best: string | undefined;
  let bestDistance = 1 + Math.max(1, Math.floor(plain.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(plain, plainWord(candidate));
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Without the most frequent variations: case, and the marks between words. */
export function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Insertions, deletions and substitutions from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at += 1) {
      const substituted = (row[at - 1] as number) + (letter === to[at - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[at] as number) + 1, (next[at - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
