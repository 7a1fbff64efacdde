/** @file Which GPUs a worker sees: one each, of those that the user leaves visible. */
import { expect, it } from 'vitest';
import { gpuEnvironment } from '../../../launch/worker-process.ts';
import { visibleGpus } from '../../../shared/machine/devices.ts';

it.each([
  ['all', 3, undefined, ['0', '1', '2']],
  ['some', 8, '1,5', ['1', '5']],
  ['some by name', 8, 'GPU-8932f937,GPU-bb4f3a32', ['GPU-8932f937', 'GPU-bb4f3a32']],
  ['none', 8, '', []],
  ['there are none', 0, undefined, []],
])('visible are %s', (_what, numGpus, visible, expected) => {
  expect(visibleGpus(numGpus, visible)).toEqual(expected);
});

it('workers share them, and one alone is left as it is', () => {
  const each = [0, 1, 2].map((index) => gpuEnvironment(index, ['1', '5']));
  expect(each.map((env) => env['CUDA_VISIBLE_DEVICES'])).toEqual(['1', '5', '1']);
  expect(gpuEnvironment(0, ['5'])).toEqual({});
});
