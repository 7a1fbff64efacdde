/** @file The engines of ONNX Runtime, one an execution provider. CPU and WebGPU come with its npm package. */
import type { Engine } from './engine.ts';

type Traits = Pick<Engine, 'hint' | 'needs'>;

const engine = <P extends 'cpu' | 'webgpu' | 'cuda'>(provider: P, traits: Traits) =>
  ({
    id: `onnxruntime-${provider}`,
    title: `onnxruntime ${provider}`,
    name: 'onnxruntime',
    provider,
    ...traits,
    async compile(spec, threads) {
      const { compileForOnnxRuntime } = await import('./onnxruntime-program.ts');
      return compileForOnnxRuntime(spec, { provider, threads, hint: traits.hint });
    },
  }) as const satisfies Engine;

export const ONNXRUNTIME_CPU = engine('cpu', { hint: 'npm ci' });

export const ONNXRUNTIME_WEBGPU = engine('webgpu', {
  needs: 'gpu',
  hint: "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
});

export const ONNXRUNTIME_CUDA = engine('cuda', {
  needs: 'nvidia',
  hint: 'npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12',
});
