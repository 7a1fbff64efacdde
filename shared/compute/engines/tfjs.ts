/** @file The engines of TensorFlow.js, which run the step eagerly: its native builds, and the pure JavaScript oracle. */
import type { Engine } from './engine.ts';
import type { TfjsLibrary } from './tfjs-program.ts';

const engine = <N extends string>(
  library: Omit<TfjsLibrary, 'name'> & { readonly name: N },
  traits: Pick<Engine, 'needs' | 'onlyByName' | 'isFragile' | 'lacking'> = {},
) =>
  ({
    id: library.name,
    title: library.name,
    isEager: true,
    ...library,
    ...traits,
    compile: async (spec, { threads }) =>
      (await import('./tfjs-program.ts')).compileEagerly(spec, library, threads),
  }) as const satisfies Engine;

/** The engine of an id that `tessera engines add` has brought. Loaded late: this file is loaded for `--help`. */
async function installedOf(id: string) {
  return (await import('./installed.ts')).installedFor(id, process.env);
}

export const TFJS_NODE_GPU = engine(
  {
    name: 'tfjs-node-gpu',
    module: '@tensorflow/tfjs-node-gpu',
    findInstalled: () => installedOf('tfjs-node-gpu'),
    needsGpu: true,
    backend: 'tensorflow',
    hint: 'tessera engines add tensorflow (needs a C++ compiler)',
  },
  { needs: 'nvidia' },
);

/** The same on TensorFlow's own build for CPUs: what tests run without a GPU. */
export const TFJS_TENSORFLOW = engine(
  {
    name: 'tfjs-tensorflow',
    findInstalled: () => installedOf('tfjs-tensorflow'),
    backend: 'tensorflow',
    hint: 'tessera engines add tensorflow-cpu (needs a C++ compiler)',
  },
  {
    onlyByName: true,
    // It aborts on processors that it was not built for.
    isFragile: true,
    lacking: async () =>
      (await installedOf('tfjs-tensorflow')) === undefined ? 'it is not installed' : undefined,
  },
);

export const TFJS_NODE = engine({
  name: 'tfjs-node',
  module: '@tensorflow/tfjs-node',
  backend: 'tensorflow',
  hint: 'npm install --no-save @tensorflow/tfjs-node@4.22.0 --ignore-scripts=false',
});

export const TFJS_CPU = engine({
  name: 'tfjs-cpu',
  module: '@tensorflow/tfjs-backend-cpu',
  backend: 'cpu',
  hint: 'npm ci',
});
