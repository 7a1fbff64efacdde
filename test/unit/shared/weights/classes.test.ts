/** @file A head and a data set are brought together by the names of their classes, never by their number alone. */
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { matchClasses, withHeadRows } from '../../../../shared/weights/fit/classes.ts';
import type { Weights } from '../../../../shared/weights/names/rename.ts';

/** `rows 1,0: note`, or the refusal. */
function match(head: readonly string[] | undefined, data: readonly string[], rows = head?.length) {
  try {
    const sides = { head, rows: rows ?? data.length, data, path: 'vit', hint: 'do this' };
    const { rowOf, note } = matchClasses(sides);
    return note === undefined ? `rows ${rowOf}` : `rows ${rowOf}: ${note}`;
  } catch (thrown) {
    const { code, sentence, hint } = TesseraError.from(thrown);
    return `${code}: ${sentence} (${hint})`;
  }
}

const numbers = ['0', '1', '2'];

describe('classes by name', () => {
  it.each<[string, readonly string[] | undefined, readonly string[], string]>([
    ['the same', ['a', 'b'], ['a', 'b'], 'rows 0,1'],
    [
      'in another order',
      ['tomato', 'grass', 'sky'],
      ['grass', 'sky', 'tomato'],
      'rows 1,2,0: the 3 classes of the head are put in the order of the data set: grass, sky, tomato',
    ],
    ['composed otherwise', ['caf\u00e9'], ['cafe\u0301'], 'rows 0'],
    [
      'without names',
      undefined,
      ['a', 'b'],
      'rows 0,1: the weights have no class names: their order is used as that of the data set',
    ],
    [
      'of data that have numbers',
      ['boot', 'coat', 'bag'],
      numbers,
      'rows 0,1,2: the data set has numbers as class names, the weights have names (0 is boot): their order is used as that of the data set',
    ],
    [
      'that are numbers on both sides',
      ['2', '0', '1'],
      numbers,
      'rows 1,2,0: the 3 classes of the head are put in the order of the data set: 0, 1, 2',
    ],
  ])('%s', (_what, head, data, expected) => {
    expect(match(head, data)).toBe(expected);
  });

  it.each<[string, readonly string[] | undefined, readonly string[], number, RegExp]>([
    [
      'of other names',
      ['cat', 'dog'],
      ['cat', 'cow'],
      2,
      /^CHECKPOINT_MISMATCH: the head of vit has other classes than the data set:\n {2}only the head has: dog\n {2}only the data set has: cow \(do this\)$/,
    ],
    [
      'of which the data have some',
      ['cat', 'dog', 'cow'],
      ['cat'],
      3,
      /only the head has: dog, cow \(/,
    ],
    [
      'that are written otherwise',
      ['Hot Dog', 'ice cream'],
      ['hot_dog', 'ice cream'],
      2,
      /written otherwise: hot_dog is probably "Hot Dog" of the head/,
    ],
    ['of which one comes twice', ['crane', 'crane'], ['crane', 'x'], 2, /more than once: crane/],
    ['without names, of another number', undefined, ['a', 'b'], 3, /is of 3 classes.* has 2/],
    ['that are not as many as the rows', ['a', 'b'], ['a', 'b'], 3, /names 2 classes.*head of 3/],
    [
      'by the hundred',
      Array.from({ length: 100 }, (_, at) => `c${at}`),
      ['d'],
      100,
      /c9 and 90 more/,
    ],
  ])('%s are refused', (_what, head, data, rows, expected) => {
    expect(match(head, data, rows)).toMatch(expected);
  });
});

describe('a head that is put in order', () => {
  it('has its rows and biases moved together', () => {
    const tensor = (shape: number[], values: number[]) => {
      return { shape, values: Float32Array.from(values), dtype: 'F32' };
    };
    const tensors = new Map([
      ['head.weight', tensor([3, 2], [0, 1, 10, 11, 20, 21])],
      ['head.bias', tensor([3], [0, 1, 2])],
      ['norm.weight', tensor([2], [5, 6])],
    ]);
    const moved = withHeadRows({ tensors } as unknown as Weights, [1, 2, 0]).tensors;
    expect([...(moved.get('head.weight')?.values ?? [])]).toEqual([10, 11, 20, 21, 0, 1]);
    expect([...(moved.get('head.bias')?.values ?? [])]).toEqual([1, 2, 0]);
    expect(moved.get('norm.weight')).toBe(tensors.get('norm.weight'));
    expect([...(tensors.get('head.bias')?.values ?? [])]).toEqual([0, 1, 2]);
  });
});
