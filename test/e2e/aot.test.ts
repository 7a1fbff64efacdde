/** @file Every part compiles for an H100 on a machine without one, where CUDA's plugin is installed. */
import { describe, expect, it } from 'vitest';
import type { AotRequest, AotResult } from '../../bench/aot/compile.ts';
import { H100 } from '../../bench/aot/targets.ts';
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import type { Precision } from '../../shared/model/precision.ts';
import { WatchedProcess } from '../support/cluster.ts';
import { temporaryFolder } from '../support/data.ts';

const COMPILE = new URL('../../dist/bench/aot/compile.js', import.meta.url).pathname;
const engines = await installedEngines(enginesFolder(process.env));
const isAbsent = !engines.some(({ engine }) => engine === 'xla-cuda');
if (isAbsent) {
  const folder = enginesFolder(process.env);
  process.stderr.write(`skipped: compilation for an H100, there is no xla-cuda13 in ${folder}\n`);
}

/**
 * Compiles the training step of a block of ViT-Ti. Of smaller models the compiler finds no kernel for some products in
 * float32 without a card: it then has Triton alone.
 */
async function compile(precision: Precision, cache: string): Promise<AotResult> {
  const shape = { imageSize: 32, patchSize: 8, width: 192, depth: 1, heads: 3, mlpWidth: 768 };
  const request: AotRequest = {
    spec: {
      ...{ model: { ...shape, channels: 3, numClasses: 1000 }, microBatch: 8 },
      ...{ labelSmoothing: 0, precision },
    },
    ...{ part: 'training', gpu: H100, cache },
  };
  const { ended } = new WatchedProcess([process.execPath, COMPILE, JSON.stringify(request)]);
  const { code, stdout, stderr } = await ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as AotResult;
}

describe.skipIf(isAbsent)('a program for an H100', () => {
  it('compiles with the options of the engine; its products are fast ones; a second start finds it', async () => {
    const cache = await temporaryFolder();
    const exact = await compile('f32', cache);
    const rounded = await compile('bf16', cache);
    for (const { kernels, kinds, peak, wasKept } of [exact, rounded]) {
      expect(wasKept).toBe(false);
      expect(kinds?.['product']).toBeGreaterThan(10);
      expect(kernels).toBeGreaterThan(kinds?.['product'] as number);
      expect(peak).toBeGreaterThan(0);
    }
    expect(rounded.bytesWritten).toBeLessThan(exact.bytesWritten as number);
    const again = await compile('bf16', cache);
    expect(again).toMatchObject({ wasKept: true, bytes: rounded.bytes });
  }, 600_000);
});
