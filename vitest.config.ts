import { defineConfig } from 'vitest/config';
import { planting } from './test/sim/mutations.ts';

const { SIM_MUTATION: planted } = process.env;

/** One project a layer of tests; `npm test` runs them all. */
function project(
  name: string,
  testTimeout: number,
  { setupFiles = [], globalSetup = [] }: { setupFiles?: string[]; globalSetup?: string[] } = {},
) {
  return {
    plugins: planted === undefined ? [] : [planting(planted)],
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout,
      hookTimeout: testTimeout,
      setupFiles,
      globalSetup,
      // Small tests share the modules of a process: loading TensorFlow.js again for each file took half of their time.
      isolate: name !== 'unit' && name !== 'property',
    },
  };
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    maxConcurrency: 2,
    globalSetup: ['test/support/scratch.ts'],
    projects: [
      project('unit', 60_000),
      project('property', 120_000),
      project('sim', 3_600_000, { setupFiles: ['test/sim/no-machine-disk.ts'] }),
      project('mutations', 180_000),
      project('fuzz', 600_000),
      project('e2e', 180_000, { globalSetup: ['test/support/small-digits.ts'] }),
      project('chaos', 3_600_000),
      project('ops', 180_000, { globalSetup: ['test/support/small-digits.ts'] }),
    ],
  },
});
