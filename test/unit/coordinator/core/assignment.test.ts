import { describe, expect, it } from 'vitest';
import { divide, type Hand, speculate } from '../../../../coordinator/core/assignment.ts';
import { rangesOf } from '../../../../coordinator/core/round.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, leaf) => leaf);
const hand = (speed: number, numHeld = 0): Hand => ({ speed, numHeld });
const words = (parts: number[][]) =>
  parts.map((part) =>
    rangesOf(part)
      .map(({ first, count }) => `${first}+${count}`)
      .join(' '),
  );

describe('dividing open leaves', () => {
  it.each<[string, number[], Hand[], string[]]>([
    ['gives two equal workers one node each', upTo(8), [hand(1), hand(1)], ['0+4', '4+4']],
    [
      'gives four equal workers one node each',
      upTo(8),
      upTo(4).map(() => hand(3)),
      ['0+2', '2+2', '4+2', '6+2'],
    ],
    ['follows the speeds', upTo(8), [hand(3), hand(1)], ['0+6', '6+2']],
    [
      'does not move a boundary for a little noise',
      upTo(4),
      [hand(1.1), hand(0.9)],
      ['0+2', '2+2'],
    ],
    [
      'prefers aligned boundaries where balance allows',
      upTo(16),
      [1, 1, 1].map((s) => hand(s)),
      ['0+6', '6+4', '10+6'],
    ],
    ['lets the busy ones be', [6, 7], [hand(1, 4), hand(1, 0)], ['', '6+2']],
    ['fills up the idle ones first', upTo(6), [hand(1, 4), hand(1, 0)], ['0+1', '1+5']],
    ['cuts at gaps', [0, 1, 2, 8, 9], [hand(1), hand(1)], ['0+3', '8+2']],
    ['gives nothing to a worker that is far too slow', upTo(4), [hand(100), hand(1)], ['0+4', '']],
    ['leaves some without work when there are few leaves', [5], [hand(1), hand(1)], ['', '5+1']],
  ])('%s', (_name, leaves, hands, expected) => {
    expect(words(divide(leaves, hands))).toEqual(expected);
  });
});

describe('speculation', () => {
  const straggler = (leaves: number[], quietMs: number, leavesPerMs = 1 / 100) => ({
    worker: 'w2',
    leavesPerMs,
    leaves,
    alone: new Set(leaves),
    quietMs,
  });

  it.each([
    ['leaves a worker alone that is on time', [straggler([2, 3], 100)], []],
    ['takes a node over that is long overdue', [straggler([2, 3], 700)], [{ first: 2, count: 2 }]],
    [
      'takes no more than half of the leaves',
      [straggler([2, 3, 4, 5], 0, 1 / 1000)],
      [{ first: 4, count: 2 }],
    ],
    [
      'takes none that a third worker computes too',
      [{ ...straggler([2, 3], 700), alone: new Set<number>() }],
      [],
    ],
    ['takes whole nodes only', [{ ...straggler([2, 3], 700), alone: new Set([3]) }], []],
  ])('%s', (_name, stragglers, expected) => {
    expect(speculate(1 / 100, stragglers, 8).value).toEqual(expected);
  });

  it('helps the worker that is expected to need longest, and says so', () => {
    const late = { ...straggler([6, 7], 900), worker: 'w3' };
    const { value, reason } = speculate(1 / 100, [straggler([2, 3], 700), late], 8);
    expect({ value, reason }).toEqual({ value: [{ first: 6, count: 2 }], reason: 'w3 is late' });
  });
});
