/** @file What comes often is worked on together, in its order, and in bounded memory. */
import { expect, it } from 'vitest';
import { Gathered } from '../../../../../shared/runs/later/gathered.ts';

it('keeps items until they are wanted, each once', () => {
  const taken: number[] = [];
  const gathered = new Gathered<number>((item) => taken.push(item));
  for (const item of [1, 2, 3]) gathered.add(item);
  expect(taken).toEqual([]);
  gathered.takeAll();
  gathered.takeAll();
  expect(taken).toEqual([1, 2, 3]);
});

it('works on many before anyone wants them', () => {
  const taken: number[] = [];
  const gathered = new Gathered<number>((item) => taken.push(item));
  for (let item = 0; item < 10_000; item += 1) gathered.add(item);
  expect(10_000 - taken.length).toBeLessThan(4096);
  gathered.takeAll();
  expect(taken).toEqual(Array.from({ length: 10_000 }, (_, item) => item));
});

it('an item that fails keeps none of those that come later', () => {
  const taken: number[] = [];
  const gathered = new Gathered<number>((item) => {
    if (item === 1) throw new Error('no');
    taken.push(item);
  });
  gathered.add(1);
  expect(() => gathered.takeAll()).toThrow('no');
  gathered.add(2);
  gathered.takeAll();
  expect(taken).toEqual([2]);
});
