import { defineConfig } from 'vitest/config';

/** One project a layer of tests; `npm test` runs them all. */
function project(name: string, testTimeout: number) {
  return {
    test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout },
  };
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', 60_000),
      project('property', 120_000),
      project('sim', 300_000),
      project('e2e', 180_000),
    ],
  },
});
