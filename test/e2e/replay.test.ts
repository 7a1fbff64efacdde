/** @file A run whose workers wait in place of computing: coordinator and workers are the product's own processes. */
import { expect, it } from 'vitest';
import { longIt } from '../support/proofs.ts';

// As built: its processes are scripts.
const built = new URL('../../dist/launch/replay/measure.js', import.meta.url).href;
const { measureCell } = (await import(built)) as typeof import('../../launch/replay/measure.ts');

longIt(
  'a replay of two workers says what its steps and its processes took',
  {
    timeout: 120_000,
  },
  async () => {
    const run = await measureCell({ size: 'tiny', workers: 2, leafMs: 5, steps: 3 });
    expect(run.timings.wallMs).toBeGreaterThan(5);
    expect(run.timings.computeMs).toBeGreaterThanOrEqual(4);
    for (const { cpuSeconds, peakBytes } of [run.coordinator, run.workersUsed]) {
      expect(cpuSeconds).toBeGreaterThan(0);
      expect(peakBytes).toBeGreaterThan(20e6);
    }
  },
);

it('a replay that cannot begin says why', { timeout: 120_000 }, async () => {
  await expect(measureCell({ size: 'Q/16', workers: 1 })).rejects.toThrow('expected ViT variant');
});
