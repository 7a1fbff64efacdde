/** @file Position embeddings at another resolution, against timm's resample_abs_pos_embed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resamplePositions } from '../../../../shared/model/positions.ts';

interface Fixture {
  width: number;
  grids: { before: number; after: number; positions: number[]; resampled: number[] }[];
}

const path = join(import.meta.dirname, '../../../fixtures/weights/positions.json');
const { width, grids }: Fixture = JSON.parse(readFileSync(path, 'utf8'));

describe('position embeddings', () => {
  it.each(grids)('go from $before x $before to $after x $after as in timm', (grid) => {
    const positions = Float32Array.from(grid.positions);
    const ours = resamplePositions({ positions, width, side: grid.after });
    expect(ours).toHaveLength((grid.after ** 2 + 1) * width);
    for (const [i, value] of grid.resampled.entries()) expect(ours[i]).toBeCloseTo(value, 5);
  });

  it('stay as they are on the same grid, and are refused when they are no square', () => {
    const positions = new Float32Array(10 * width).fill(1);
    expect(resamplePositions({ positions, width, side: 3 })).toBe(positions);
    const odd = new Float32Array(9 * width);
    expect(() => resamplePositions({ positions: odd, width, side: 3 })).toThrow(/9 tokens/);
  });
});
