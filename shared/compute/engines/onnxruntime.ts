/** @file The engines of ONNX Runtime, one an execution provider. CPU and WebGPU come with its npm package. */
import type { Engine } from './engine.ts';

const engine = <P extends 'cpu' | 'webgpu' | 'cuda'>(
  provider: P,
  hint: string,
  traits: Pick<Engine, 'needs'> = {},
) =>
  ({
    id: `onnxruntime-${provider}`,
    title: `onnxruntime ${provider}`,
    name: 'onnxruntime',
    provider,
    ...traits,
    hint,
    async compile(spec, { threads }) {
      // Before the library is imported: what is open then is what it finds.
      if (provider === 'cuda') await (await import('./onnxruntime-cuda.ts')).openCudaLibraries();
      const { compileForOnnxRuntime } = await import('./onnxruntime-program.ts');
      return compileForOnnxRuntime(spec, { provider, threads, hint });
    },
  }) as const satisfies Engine;

export const ONNXRUNTIME_CPU = engine('cpu', 'npm ci');

export const ONNXRUNTIME_WEBGPU = engine(
  'webgpu',
  "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
  { needs: 'gpu' },
);

export const ONNXRUNTIME_CUDA = engine('cuda', 'tessera engines add onnxruntime-cuda', {
  needs: 'nvidia',
});
