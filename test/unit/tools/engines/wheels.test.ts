/** @file Which wheel is taken for which machine, and what a page of an index says. */
import { describe, expect, it } from 'vitest';
import { KNOWN_ENGINES } from '../../../../shared/catalog/engines.ts';
import { filesOfPage } from '../../../../tools/engines/wheels/page.ts';
import { wheelPlatform } from '../../../../tools/engines/wheels/platform.ts';
import { rankOf } from '../../../../tools/engines/wheels/wheel-name.ts';

const HERE = { machine: 'x64', glibc: [2, 31] } as const;

describe('a wheel', () => {
  const known = { project: 'nvidia-cuda-nvcc', version: '13.5.37' };

  it.each([
    ['nvidia_cuda_nvcc-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl', 0],
    ['nvidia_cuda_nvcc-13.5.37-py2.py3-none-manylinux1_x86_64.whl', 0],
    ['Nvidia.Cuda.Nvcc-13.5.37-1-py3-none-linux_x86_64.whl', 0],
    ['nvidia_cuda_nvcc-13.5.37-py3-none-any.whl', 0],
    ['nvidia_cuda_nvcc-13.5.37-py3-none-manylinux_2_34_x86_64.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.37-py3-none-manylinux_2_17_aarch64.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.37-py3-none-musllinux_1_2_x86_64.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.37-py3-none-win_amd64.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.36-py3-none-any.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.37-cp312-cp312-manylinux1_x86_64.whl', undefined],
    ['nvidia_cuda_nvcc-13.5.37.tar.gz', undefined],
    ['../nvidia_cuda_nvcc-13.5.37-py3-none-any.whl', undefined],
  ])('%s has rank %s', (file, rank) => {
    expect(rankOf(file, known, HERE)).toBe(rank);
  });

  it('for one version of Python is taken where the table says so', () => {
    const file = 'libtpu-0.0.52-cp312-cp312-manylinux_2_31_x86_64.whl';
    const libtpu = { project: 'libtpu', version: '0.0.52' };
    expect(rankOf(file, { ...libtpu, python: 'cp312' }, HERE)).toBe(1);
    expect(
      rankOf(file.replaceAll('cp312', 'cp314t'), { ...libtpu, python: 'cp312' }, HERE),
    ).toBeUndefined();
    expect(
      rankOf(file, { ...libtpu, python: 'cp312' }, { ...HERE, glibc: [2, 28] }),
    ).toBeUndefined();
  });

  it('on ARM has the name that wheels have for it', () => {
    const file = 'nvidia_cuda_nvcc-13.5.37-py3-none-manylinux_2_17_aarch64.whl';
    expect(rankOf(file, known, { ...HERE, machine: 'arm64' })).toBe(0);
  });
});

describe('a platform', () => {
  it.each([
    ['darwin', '', /macOS/],
    ['win32', '', /Windows/],
    ['linux', '', /musl/],
  ])('%s with glibc "%s" has no such engines', (platform, glibc, words) => {
    expect(() => wheelPlatform(platform, 'x64', glibc)).toThrow(words);
  });

  it('of Linux is known by its processor and its glibc', () => {
    expect(wheelPlatform('linux', 'arm64', '2.36')).toEqual({ machine: 'arm64', glibc: [2, 36] });
  });
});

describe('a page of an index', () => {
  const address = 'https://index.example/simple/thing/';
  const sha256 = 'ab'.repeat(32);

  it('in JSON has names, addresses, checksums, sizes and what was withdrawn', () => {
    const file = { filename: 'thing-1-py3-none-any.whl', hashes: { sha256, md5: '0' } };
    const files = [
      { ...file, url: 'https://files.example/a.whl', size: 5, 'requires-python': '>=3' },
      { ...file, url: '../../b.whl', yanked: 'broken' },
      { ...file, url: 'http://files.example/plain.whl' },
      { ...file, url: 'file:///etc/passwd' },
    ];
    const text = JSON.stringify({ meta: { 'api-version': '1.4' }, name: 'thing', files });
    const type = 'application/vnd.pypi.simple.v1+json; charset=utf-8';
    const common = { file: 'thing-1-py3-none-any.whl', sha256 };
    // From an encrypted page no address without encryption is taken.
    expect(filesOfPage(text, { type, address })).toEqual([
      { ...common, url: 'https://files.example/a.whl', bytes: 5, isYanked: false },
      { ...common, url: 'https://index.example/b.whl', bytes: undefined, isYanked: true },
    ]);
  });

  it('in HTML has the same but for sizes', () => {
    const text = `<!DOCTYPE html><html><body><h1>Links</h1>
      <a href="../../thing-1-py3-none-any.whl#sha256=${sha256}" data-requires-python="&gt;=3">thing-1-py3-none-any.whl</a><br/>
      <a data-yanked="" href='https://files.example/a&amp;b#md5=1'>thing-2-py3-none-any.whl</a></body></html>`;
    expect(filesOfPage(text, { type: 'text/html', address })).toEqual([
      {
        file: 'thing-1-py3-none-any.whl',
        url: 'https://index.example/thing-1-py3-none-any.whl',
        sha256,
        bytes: undefined,
        isYanked: false,
      },
      {
        file: 'thing-2-py3-none-any.whl',
        url: 'https://files.example/a&b',
        sha256: undefined,
        bytes: undefined,
        isYanked: true,
      },
    ]);
  });

  it.each([
    ['application/vnd.pypi.simple.v1+json', '{"files": 1}', /JSON/],
    ['application/vnd.pypi.simple.v1+json', 'not JSON', /JSON/],
    [
      'application/vnd.pypi.simple.v1+json',
      '{"meta":{"api-version":"2.0"},"files":[]}',
      /version 2.0/,
    ],
    ['application/octet-stream', '\0\0', /HTML/],
  ])('of type %s that is %s is refused', (type, text, words) => {
    expect(() => filesOfPage(text, { type, address })).toThrow(words);
  });
});

it('the table of engines names each wheel once, and a plugin below a folder of the main wheel', () => {
  for (const { name, wheels, library } of KNOWN_ENGINES) {
    const projects = wheels.map(({ project }) => project);
    expect(new Set(projects).size, name).toBe(projects.length);
    if (library !== undefined) expect(library).toMatch(/^[a-z_\d]+\/[\w/]+\.so$/);
  }
});
