/** @file The engines of TensorFlow.js, which run the step eagerly: its native builds, and the pure JavaScript oracle. */
import type { Engine } from './engine.ts';
import type { TfjsLibrary } from './tfjs-program.ts';

const engine = <N extends string>(
  name: N,
  library: Pick<TfjsLibrary, 'module' | 'backend' | 'hint'>,
  needs?: Engine['needs'],
) =>
  ({
    id: name,
    title: name,
    name,
    ...library,
    ...(needs && { needs }),
    compile: async (spec) =>
      (await import('./tfjs-program.ts')).compileEagerly(spec, { name, ...library }),
  }) as const satisfies Engine;

export const TFJS_NODE_GPU = engine(
  'tfjs-node-gpu',
  {
    module: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    hint: 'npm install --no-save @tensorflow/tfjs-node-gpu@4.22.0 --ignore-scripts=false (needs CUDA 11 and cuDNN 8)',
  },
  'nvidia',
);

export const TFJS_NODE = engine('tfjs-node', {
  module: '@tensorflow/tfjs-node',
  backend: 'tensorflow',
  hint: 'npm install --no-save @tensorflow/tfjs-node@4.22.0 --ignore-scripts=false',
});

export const TFJS_CPU = engine('tfjs-cpu', {
  module: '@tensorflow/tfjs-backend-cpu',
  backend: 'cpu',
  hint: 'npm ci',
});
