/** @file What `tessera summary --memory` shows of a leaf. */
import { expect, it } from 'vitest';
import { memoryLines } from '../../../cli/summary/summary-view.ts';

const MIB = 2 ** 20;
const part = { code: 0, arguments: MIB, outputs: 2 * MIB, aliases: 0, temporary: 3 * MIB };
const MEMORY = {
  engine: 'xla-cuda, 8 x NVIDIA H200',
  precision: 'bf16',
  recompute: 'blocks',
  ...{ microBatch: 64, limit: 100 * MIB, trainingBytes: 17 * MIB },
  training: { ...part, peak: undefined },
  forward: { ...part, code: MIB, outputs: 0, peak: 4 * MIB },
} as const;

it('has the engine, each part, and how much of the device training takes', () => {
  expect(memoryLines(MEMORY)).toEqual([
    'engine                  xla-cuda, 8 x NVIDIA H200',
    'precision               bf16',
    'recompute               blocks',
    'micro-batch             64, the largest that fits',
    'training step           inputs 1.0 MiB, outputs 2.0 MiB, temporary 3.0 MiB',
    'forward pass            inputs 1.0 MiB, outputs 0 B, temporary 3.0 MiB, code 1.0 MiB',
    'training, at most       17.0 MiB of 100 MiB',
  ]);
});

it('does not say that a size fits where it was given', () => {
  const lines = memoryLines({ ...MEMORY, limit: undefined });
  expect(lines).toContain('micro-batch             64');
  expect(lines.at(-1)).toBe('training, at most       17.0 MiB');
});
