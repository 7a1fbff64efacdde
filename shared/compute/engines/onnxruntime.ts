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
    async compile(spec, { threads, devices: named }) {
      const { devices, kind } = await devicesOf(provider, named);
      const [device = 0, ...others] = devices;
      const options = { provider, device, threads, hint };
      if (others.length > 0) {
        const { compileForDevices } = await import('./onnxruntime/devices.ts');
        return compileForDevices(spec, options, { devices, kind });
      }
      const { compileForOnnxRuntime } = await import('./onnxruntime/program.ts');
      return compileForOnnxRuntime(spec, options);
    },
  }) as const satisfies Engine;

/** What a program computes on: of a CPU as many shares as are named, and of GPUs by WebGPU the first, which has no number. */
async function devicesOf(
  provider: 'cpu' | 'webgpu' | 'cuda',
  named: readonly number[] | undefined,
): Promise<{ readonly devices: readonly number[]; readonly kind: string }> {
  if (provider === 'webgpu') return { devices: [0], kind: provider };
  if (provider === 'cpu') return { devices: named ?? [0], kind: provider };
  const { cudaDevices, openCudaLibraries } = await import('./onnxruntime-cuda.ts');
  // Before the library is imported: what is open then is what it finds.
  await openCudaLibraries();
  return await cudaDevices(named);
}

export const ONNXRUNTIME_CPU = engine('cpu', 'npm ci');

export const ONNXRUNTIME_WEBGPU = engine(
  'webgpu',
  "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
  { needs: 'gpu' },
);

export const ONNXRUNTIME_CUDA = engine('cuda', 'tessera engines add onnxruntime-cuda', {
  needs: 'nvidia',
});
