/** @file Which engine is taken, on a machine without a GPU. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chooseEngine, findEngines } from '../../../../shared/compute/engines/choose.ts';
import { compileProgram } from '../../../../shared/compute/engines/registry.ts';
import { findDevices } from '../../../../shared/machine/devices.ts';
import { CPU_COMPILED, CPU_EAGER, SMALL_SPEC } from '../../../support/compute.ts';

const { gpus } = await findDevices();
if (gpus.length > 0) process.stderr.write('skipped: this machine has a GPU, auto may take it\n');

describe.skipIf(gpus.length > 0)('without a GPU', () => {
  it('auto takes ONNX Runtime on the CPU with the threads that are there', async () => {
    const request = { engine: 'auto', provider: 'auto', threads: 'auto' } as const;
    const expected = { id: 'onnxruntime-cpu', threads: 3 };
    expect(await chooseEngine(request, 3)).toEqual(expected);
    expect(await chooseEngine({ ...request, threads: 1 }, 3)).toEqual({ ...expected, threads: 1 });
  });

  it.each([
    { engine: 'tfjs-node-gpu', provider: 'auto' },
    { engine: 'onnxruntime', provider: 'cuda' },
    { engine: 'onnxruntime', provider: 'webgpu' },
    { engine: 'tfjs-node', provider: 'auto' },
    { engine: 'xla', provider: 'cuda' },
  ] as const)('$engine $provider is refused with the reason and a hint', async (request) => {
    await expect(chooseEngine({ ...request, threads: 1 }, 1)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: expect.stringContaining(request.engine),
      hint: expect.any(String),
    });
  });

  it('an npm package that is not installed is named with the line that installs it', async () => {
    const request = { engine: 'tfjs-node', provider: 'auto', threads: 1 } as const;
    await expect(chooseEngine(request, 1)).rejects.toMatchObject({
      hint: expect.stringContaining('npm install --no-save @tensorflow/tfjs-node@'),
    });
  });

  it('xla without a plugin says which is missing and how to get one', async () => {
    vi.stubEnv('TESSERA_ENGINES', '/no/such/folder');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const request = { engine: 'xla', provider: 'auto', threads: 1 } as const;
    await expect(chooseEngine(request, 1)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence:
        'engine xla does not work here: no plugin of xla-cpu is installed in /no/such/folder',
      hint: 'tessera engines add xla-cpu',
    });
    await expect(compileProgram(SMALL_SPEC, { id: 'xla-cuda', threads: 1 })).rejects.toMatchObject({
      hint: 'tessera engines add xla-cuda13',
    });
  });

  it('an engine without the precision is not taken, and why is said', async () => {
    const request = { engine: 'onnxruntime', provider: 'cpu', threads: 1 } as const;
    await expect(chooseEngine(request, 1, { precision: 'bf16' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: 'engine onnxruntime (cpu) does not compute in bf16',
      hint: expect.stringContaining('training.precision: f32'),
    });
    await expect(
      chooseEngine({ ...request, engine: 'auto', provider: 'auto' }, 1, { precision: 'bf16' }),
    ).rejects.toMatchObject({
      sentence: expect.stringContaining('engine auto does not compute in bf16'),
    });
    const spec = { ...SMALL_SPEC, precision: 'tf32' } as const;
    await expect(compileProgram(spec, CPU_COMPILED)).rejects.toMatchObject({
      sentence: 'onnxruntime cpu does not compute in tf32',
    });
  });

  it('an engine that runs eagerly is not taken to compute blocks again', async () => {
    const spec = { ...SMALL_SPEC, recompute: 'blocks' } as const;
    await expect(compileProgram(spec, CPU_EAGER)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: 'tfjs-cpu keeps all values of a step, so that training.recompute has no effect',
      hint: expect.stringContaining('training.recompute: none'),
    });
  });

  it('every engine is listed with what was found', async () => {
    const findings = await findEngines(1);
    expect(findings.map(({ choice }) => choice.id)).toEqual([
      'xla-cuda',
      'xla-rocm',
      'xla-oneapi',
      'xla-tpu',
      'tfjs-node-gpu',
      'onnxruntime-cuda',
      'onnxruntime-webgpu',
      'onnxruntime-cpu',
      'tfjs-tensorflow',
      'tfjs-node',
      'tfjs-cpu',
      'xla-cpu',
    ]);
    expect(findings.every(({ reason }) => reason !== '')).toBe(true);
    const working = findings.filter(({ works }) => works).map(({ choice }) => choice.id);
    expect(working).toEqual(['onnxruntime-cpu', 'tfjs-cpu']);
  });
});
