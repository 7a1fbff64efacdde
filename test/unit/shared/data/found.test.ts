/** @file The sentence about what a data set holds and what of it was passed over. */
import { describe, expect, it } from 'vitest';
import { type Found, foundSentence, remedies } from '../../../../shared/data/found.ts';

const FOUND: Found = {
  from: { train: 'train', validation: 'val' },
  leftOut: [
    { what: '.heic', count: 12, why: 'not readable here', remedy: 'convert them' },
    { what: 'hidden', count: 3 },
  ],
  notes: [],
};

describe('what was found', () => {
  it('names splits, where they lie, and every count that was left out', () => {
    const size = { train: 1800, validation: 300, test: 300 };
    expect(foundSentence({ classes: ['a', 'b', 'c'], size, found: FOUND })).toBe(
      '1,800 images of 3 classes to train (from train), 300 to validate (from val), 300 to test; left out: 12 .heic (not readable here), 3 hidden',
    );
    expect(remedies(FOUND.leftOut)).toEqual(['.heic: convert them']);
  });

  it('is silent about splits and counts that are not there', () => {
    const found = { from: {}, leftOut: [], notes: [] };
    expect(foundSentence({ classes: ['a'], size: { train: 1, test: 0 }, found })).toBe(
      '1 image of 1 class to train',
    );
  });
});
