/** @file What a classifier gets right and wrong, counted over a data set. Pure. */

/** How one class fares. */
export interface ClassReport {
  /** Share of those predicted as this class that are of it; NaN when none was predicted. */
  readonly precision: number;
  /** Share of those of this class that were found; NaN when there are none. */
  readonly recall: number;
  /** Harmonic mean of the two. */
  readonly f1: number;
  /** Samples of this class. */
  readonly support: number;
}

/** Counts predictions as they come. */
export class Confusion {
  readonly numClasses: number;
  /** Samples by true and predicted class. */
  readonly counts: number[][];
  #samples = 0;
  #lossSum = 0;
  #topCorrect = 0;

  constructor(numClasses: number) {
    this.numClasses = numClasses;
    this.counts = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0));
  }

  /**
   * Adds one sample; returns the predicted class and the cross-entropy.
   *
   * Shapes  logits [O]; `top` is the number of guesses that count as found.
   */
  add(
    label: number,
    logits: ArrayLike<number>,
    top: number,
  ): { readonly predicted: number; readonly loss: number } {
    const own = logits[label] as number;
    let predicted = 0;
    let better = 0;
    for (let at = 0; at < this.numClasses; at += 1) {
      const value = logits[at] as number;
      if (value > (logits[predicted] as number)) predicted = at;
      if (value > own || (value === own && at < label)) better += 1;
    }
    const loss = logSumOfExp(logits, logits[predicted] as number) - own;
    const row = this.counts[label] as number[];
    row[predicted] = (row[predicted] as number) + 1;
    this.#samples += 1;
    this.#lossSum += loss;
    if (better < top) this.#topCorrect += 1;
    return { predicted, loss };
  }

  get samples(): number {
    return this.#samples;
  }

  /** Samples whose likeliest class is theirs. */
  get correct(): number {
    return this.counts.reduce((sum, row, label) => sum + (row[label] as number), 0);
  }

  /** Mean cross-entropy. */
  get loss(): number {
    return this.#lossSum / this.#samples;
  }

  get accuracy(): number {
    return this.correct / this.#samples;
  }

  /** Share of the samples whose class is among the likeliest `top`. */
  get topAccuracy(): number {
    return this.#topCorrect / this.#samples;
  }

  /** Precision, recall and F1 of each class. */
  get classes(): ClassReport[] {
    return this.counts.map((row, label) => {
      const found = row[label] as number;
      const support = row.reduce((a, b) => a + b, 0);
      const predicted = this.counts.reduce((sum, other) => sum + (other[label] as number), 0);
      const precision = found / predicted;
      const recall = found / support;
      const f1 = (2 * found) / (predicted + support);
      return { precision, recall, f1, support };
    });
  }
}

/** Logarithm of the sum of all exp(logit); that of probabilities would end at 745, where a float64 has no smaller one. */
function logSumOfExp(logits: ArrayLike<number>, largest: number): number {
  let sum = 0;
  for (let at = 0; at < logits.length; at += 1) sum += Math.exp((logits[at] as number) - largest);
  return largest + Math.log(sum);
}
