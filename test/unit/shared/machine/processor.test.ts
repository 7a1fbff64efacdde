/** @file A processor's kind: its model, and the instructions by which libraries choose their kernels. */
import { expect, it } from 'vitest';
import { kindFrom, processorKind } from '../../../../shared/machine/processor.ts';

it.each([
  {
    what: 'a Xeon under Linux',
    model: 'Intel(R) Xeon(R) Processor @ 2.10GHz  ',
    cpuinfo:
      'processor\t: 0\nflags\t\t: fpu sse2 avx avx2 fma avx512f amx_bf16 amx_tile\nbugs\t: x\n',
    kind: 'Intel(R) Xeon(R) Processor @ 2.10GHz (amx_bf16 amx_tile avx avx2 avx512f fma)',
  },
  {
    what: 'an EPYC under Linux',
    model: 'AMD EPYC 7571',
    cpuinfo: 'flags\t\t: fpu avx avx2 fma\n',
    kind: 'AMD EPYC 7571 (avx avx2 fma)',
  },
  {
    what: 'an ARM core that the kernel does not name',
    model: 'unknown',
    cpuinfo: 'Features\t: fp asimd sve bf16\n',
    kind: 'arm64 (asimd bf16 sve)',
  },
  { what: 'a Mac', model: 'Apple M3', cpuinfo: '', kind: 'Apple M3' },
])('of $what', ({ model, cpuinfo, kind }) => {
  expect(kindFrom({ model, architecture: 'arm64' }, cpuinfo)).toBe(kind);
});

it('of this machine is known, and the same at each look', () => {
  expect(processorKind()).not.toBe('');
  expect(processorKind()).toBe(processorKind());
});
