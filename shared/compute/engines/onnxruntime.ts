/** @file The engines of ONNX Runtime, one an execution provider. CPU and WebGPU come with its npm package. */
import { createRequire } from 'node:module';
import type { Engine } from './engine.ts';

/** The hint is made when it is read: this file is loaded for `--help`. */
const engine = <P extends 'cpu' | 'webgpu' | 'cuda'>(
  provider: P,
  hint: () => string,
  traits: Pick<Engine, 'needs'> = {},
) =>
  ({
    id: `onnxruntime-${provider}`,
    title: `onnxruntime ${provider}`,
    name: 'onnxruntime',
    provider,
    ...traits,
    get hint() {
      return hint();
    },
    async compile(spec, { threads }) {
      const { compileForOnnxRuntime } = await import('./onnxruntime-program.ts');
      return compileForOnnxRuntime(spec, { provider, threads, hint: hint() });
    },
  }) as const satisfies Engine;

/** The script that fetches the CUDA provider. An installed package carries onnxruntime-node in a folder of its own. */
function installScript(): string {
  try {
    return createRequire(import.meta.url).resolve('onnxruntime-node/script/install.js');
  } catch {
    return 'node_modules/onnxruntime-node/script/install.js';
  }
}

export const ONNXRUNTIME_CPU = engine('cpu', () => 'npm ci');

export const ONNXRUNTIME_WEBGPU = engine(
  'webgpu',
  () => "install the GPU's Vulkan driver (Metal and D3D12 come with macOS and Windows)",
  { needs: 'gpu' },
);

export const ONNXRUNTIME_CUDA = engine(
  'cuda',
  () => `node "${installScript()}" --onnxruntime-node-install=cuda12 (needs CUDA 12 and cuDNN 9)`,
  { needs: 'nvidia' },
);
