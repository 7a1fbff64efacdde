/** @file From logits to the classes that a model finds likeliest. Pure. */

/** A class and how likely the model finds it, in 0..1. */
export interface Guess {
  readonly class: string;
  readonly probability: number;
}

/** The `top` likeliest classes, best first. */
export function bestGuesses(
  logits: Float32Array,
  classes: readonly string[],
  top: number,
): readonly Guess[] {
  const probabilities = softmax(logits);
  return classes
    .map((name, at) => ({ class: name, probability: probabilities[at] as number }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, top);
}

/** Probabilities of logits. Shifting by the largest keeps exp finite and changes nothing else. */
export function softmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
