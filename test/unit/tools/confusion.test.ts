/** @file Counting what a classifier gets right and wrong. */
import { describe, expect, it } from 'vitest';
import { Confusion } from '../../../tools/inference/confusion.ts';

/** Logits whose probabilities are these. */
const of = (...probabilities: readonly number[]) => probabilities.map(Math.log);

/** Two of three a's found; one a taken for b; the only b found; no c. */
function small(): Confusion {
  const confusion = new Confusion(3);
  confusion.add(0, of(0.7, 0.2, 0.1), 2);
  confusion.add(0, of(0.5, 0.1, 0.4), 2);
  confusion.add(0, of(0.1, 0.6, 0.3), 2);
  confusion.add(1, of(0.2, 0.5, 0.3), 2);
  return confusion;
}

describe('a confusion matrix', () => {
  it('has a row for each true class and a column for each predicted one', () => {
    expect(small().counts).toEqual([
      [2, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
  });

  it('gives accuracy, top accuracy and the mean cross-entropy', () => {
    const confusion = small();
    expect(confusion.accuracy).toBe(3 / 4);
    expect(confusion.topAccuracy).toBe(3 / 4);
    const losses = [0.7, 0.5, 0.1, 0.5].map((p) => -Math.log(p));
    expect(confusion.loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 12);
  });

  it('gives precision, recall and F1; a class that never comes has none', () => {
    const [a, b, c] = small().classes;
    expect(a).toEqual({ precision: 1, recall: 2 / 3, f1: 0.8, support: 3 });
    expect(b).toEqual({ precision: 1 / 2, recall: 1, f1: 2 / 3, support: 1 });
    expect(c).toMatchObject({ precision: Number.NaN, recall: Number.NaN, support: 0 });
  });

  it('a class of equal likelihood with others counts in the order of the classes', () => {
    const confusion = new Confusion(3);
    confusion.add(1, of(0.25, 0.25, 0.5), 2);
    confusion.add(0, of(0.25, 0.25, 0.5), 2);
    expect(confusion.topAccuracy).toBe(0.5);
  });

  it('tells the loss of a model that has diverged as it is', () => {
    const confusion = new Confusion(2);
    expect(confusion.add(0, [-1e6, 1e6], 1)).toEqual({ predicted: 1, loss: 2e6 });
    expect(confusion.loss).toBe(2e6);
  });
});
