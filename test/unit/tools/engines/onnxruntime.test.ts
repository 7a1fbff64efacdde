/** @file The CUDA provider of ONNX Runtime beside the library of onnxruntime-node, and libraries that are opened in advance. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { KNOWN_ENGINES } from '../../../../shared/catalog/engines.ts';
import {
  onnxruntimePackage,
  openLibrary,
} from '../../../../shared/compute/engines/onnxruntime-cuda.ts';
import { finishOnnxruntime, isNeededOfOnnxruntime } from '../../../../tools/engines/onnxruntime.ts';
import { findCompiler } from '../../../../tools/engines/tensorflow-compiler.ts';

const { version, folder: own } = onnxruntimePackage();
const WHEEL = { file: `onnxruntime_gpu-${version}-cp311-cp311-manylinux_2_28_x86_64.whl` };
const isLinux = process.platform === 'linux';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxruntime-'));
});

function plantProviders(): void {
  mkdirSync(join(folder, 'onnxruntime/capi'), { recursive: true });
  for (const name of ['cuda', 'shared']) {
    writeFileSync(join(folder, `onnxruntime/capi/libonnxruntime_providers_${name}.so`), '');
  }
}

describe.runIf(isLinux)('the last step', () => {
  it('puts the library of onnxruntime-node beside the providers', async () => {
    plantProviders();
    expect(await finishOnnxruntime(folder, [WHEEL])).toEqual({
      library: 'onnxruntime/capi',
      engine: 'onnxruntime-cuda',
      version,
    });
    const copy = statSync(join(folder, 'onnxruntime/capi/libonnxruntime.so.1'));
    expect(copy.size).toBe(statSync(join(own, 'libonnxruntime.so.1')).size);
  });

  it('refuses a wheel of another version, and one without the provider', async () => {
    plantProviders();
    const other = { file: 'onnxruntime_gpu-1.2.3-cp311-cp311-manylinux_2_28_x86_64.whl' };
    await expect(finishOnnxruntime(folder, [other])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: `${other.file} is of version 1.2.3, onnxruntime-node of ${version}`,
    });
    const empty = join(folder, 'empty');
    await expect(finishOnnxruntime(empty, [WHEEL])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringContaining('libonnxruntime_providers_cuda.so'),
    });
  });

  it('takes the providers and the licenses of the wheel', () => {
    expect(isNeededOfOnnxruntime('onnxruntime/capi/libonnxruntime_providers_cuda.so')).toBe(true);
    expect(isNeededOfOnnxruntime('onnxruntime/LICENSE')).toBe(true);
    expect(isNeededOfOnnxruntime(`onnxruntime/capi/libonnxruntime.so.${version}`)).toBe(false);
    expect(isNeededOfOnnxruntime('onnxruntime/capi/libonnxruntime_providers_tensorrt.so')).toBe(
      false,
    );
  });
});

it('the table has the wheel of the version of onnxruntime-node', () => {
  const known = KNOWN_ENGINES.find(({ name }) => name === 'onnxruntime-cuda');
  expect(known?.wheels[0]).toMatchObject({ project: 'onnxruntime-gpu', version });
});

describe.runIf(isLinux)('a library that is opened in advance', () => {
  const engine = { name: 'onnxruntime-cuda' };

  it('stays open though it is not an addon', async (context) => {
    const compiler = await findCompiler({ env: process.env }).catch(() => undefined);
    if (compiler === undefined) return context.skip('there is no compiler here');
    const source = join(folder, 'library.cc');
    const path = join(folder, 'libnot-an-addon.so.1');
    writeFileSync(source, 'int answer(void) { return 42; }\n');
    execFileSync(compiler.command, ['-shared', '-fPIC', '-o', path, source]);
    openLibrary(engine, path);
    openLibrary(engine, path);
    expect(readFileSync('/proc/self/maps', 'utf8')).toContain(path);
  });

  it('that is not there is refused in words', () => {
    const path = join(folder, 'libcudart.so.13');
    const open = () => openLibrary(engine, path);
    expect(open).toThrow(/the installed onnxruntime-cuda does not open: .*libcudart\.so\.13/);
  });
});
