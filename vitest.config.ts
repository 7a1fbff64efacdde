import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { planting } from './test/sim/mutations.ts';

const { SIM_MUTATION: planted } = process.env;

const SHARING = ['unit', 'property', 'e2e'];

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
      setupFiles: ['test/support/end-of-file.ts', ...setupFiles],
      globalSetup,
      // Files share the modules of a process: loading TensorFlow.js again for each took half of the time of small tests.
      isolate: !SHARING.includes(name),
    },
  };
}

/** Files of minutes. Begun last, one of them would run alone at the end. */
const LONG = [
  ...['same-bits', 'chaos', 'recipes', 'netns', 'devices', 'refusals', 'executables', 'memory'],
  ...['rounded-exchange', 'engines', 'no-room', 'aborts', 'secure', 'quiet', 'package', 'lesson'],
];

/**
 * Long files come first: vitest knows only their sizes in a fresh clone. So does their project, whose processes often wait
 * for each other; what only computes fills the cores behind it, in small pieces to the end.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/e2e/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    const sorted = (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    // Projects stay together: their small files share a process.
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((one) => sorted.filter(({ project }) => project === one));
  }
}

export default defineConfig({
  test: {
    // Files of real processes wait for most of their time (leases, silences, starts): four at once left a core idle.
    maxWorkers: 6,
    sequence: { sequencer: LongFirst },
    maxConcurrency: 2,
    globalSetup: ['test/support/scratch.ts'],
    projects: [
      project('unit', 60_000),
      project('property', 120_000),
      project('sim', 3_600_000, { setupFiles: ['test/sim/no-machine-disk.ts'] }),
      project('mutations', 180_000),
      project('fuzz', 600_000),
      project('e2e', 300_000, {
        globalSetup: ['test/support/small-digits.ts', 'test/support/packed.ts'],
      }),
      project('chaos', 3_600_000),
      project('ops', 180_000, { globalSetup: ['test/support/small-digits.ts'] }),
    ],
  },
});
