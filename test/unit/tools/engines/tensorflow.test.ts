/** @file The addon of tfjs-node-gpu: what is refused, and what is left behind; the real compiler on a real wheel. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  buildTensorflow,
  isNeededOfTensorflow,
  tfjsArchive,
} from '../../../../tools/engines/tensorflow.ts';
import { findCompiler } from '../../../../tools/engines/tensorflow-compiler.ts';
import { tarGzOf } from '../../../support/archives.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tensorflow-'));
});

function put(path: string, text: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}

/** A compiler that does what the script says; it has the version that is asked for first. */
function compilerOf(script: string): NodeJS.ProcessEnv {
  const path = put('bin/compiler', `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}\n`);
  chmodSync(path, 0o755);
  put('node/include/node/node_api.h', '');
  return { PATH: process.env['PATH'], CXX: path, npm_config_nodedir: join(folder, 'node') };
}

/** A wheel's files, unpacked as far as the build looks at them. */
function plantWheel(name = 'tensorflow_cpu-2.21.0'): string {
  for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    put(`engine/tensorflow/${file}`, '');
  }
  put('engine/tensorflow/include/tensorflow/c/c_api.h', '');
  put(`engine/${name}.dist-info/METADATA`, '');
  return join(folder, 'engine');
}

async function plantPackage(): Promise<string> {
  const tar = await tarGzOf(
    { name: 'package/package.json', content: '{"name":"x","version":"4.22.0"}' },
    { name: 'package/binding/tfjs_backend.cc', content: '' },
    { name: 'package/dist/proto/api_pb.js', content: "require('google-protobuf')" },
  );
  const path = join(folder, 'package.tgz');
  writeFileSync(path, tar);
  return path;
}

describe('a compiler and the headers of Node', () => {
  it('are those of this machine, or the test is skipped', async (context) => {
    const found = await findCompiler({ env: process.env }).catch((error: Error) => error.message);
    if (typeof found === 'string') context.skip(found);
    else expect(existsSync(join(found.headers, 'node_api.h'))).toBe(true);
  });

  it('headers that are missing are named, with what to install', async () => {
    const node = join(folder, 'bin/node');
    await expect(findCompiler({ env: { HOME: folder }, node })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: expect.stringContaining(join(folder, 'include/node')),
      hint: expect.stringContaining('libnode-dev'),
    });
  });

  it('a machine without a compiler is told what to install', async () => {
    const { CXX: _, ...env } = compilerOf('');
    const found = findCompiler({ env: { ...env, PATH: join(folder, 'empty') } });
    await expect(found).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: 'there is no C++ compiler here: g++, clang++, c++ cannot be run',
      hint: expect.stringContaining('apt-get install g++'),
    });
  });
});

describe('the build', () => {
  it('compiles in the folder, keeps no headers, and stands in for what the package imports', async () => {
    const env = compilerOf('while [ "$1" != -o ]; do shift; done; echo compiled > "$2"');
    const at = plantWheel();
    const archive = await plantPackage();
    expect(await buildTensorflow({ folder: at, archive, env })).toEqual({
      library: 'tfjs-node-gpu',
      engine: 'tfjs-tensorflow',
      version: '2.21.0',
    });
    expect(readdirSync(at).sort()).toEqual([
      'tensorflow',
      'tensorflow_cpu-2.21.0.dist-info',
      'tfjs-node-gpu',
    ]);
    expect(readFileSync(join(at, 'tfjs-node-gpu/tfjs_binding.node'), 'utf8')).toBe('compiled\n');
    expect(existsSync(join(at, 'tensorflow/include'))).toBe(false);
    const load = createRequire(join(at, 'tfjs-node-gpu/dist/index.js'));
    const ours = { version_core: 'ours' };
    Object.assign(load('@tensorflow/tfjs-core'), ours);
    expect(load('@tensorflow/tfjs')).toEqual(ours);
    expect(load('./proto/api_pb')).toEqual({});
  });

  it('of the wheel for GPUs is of the engine that needs one, also after a build that failed', async () => {
    const at = plantWheel('tensorflow-2.21.0');
    const archive = await plantPackage();
    const failing = compilerOf('exit 1');
    await expect(buildTensorflow({ folder: at, archive, env: failing })).rejects.toThrow();
    const env = compilerOf('while [ "$1" != -o ]; do shift; done; echo compiled > "$2"');
    expect(await buildTensorflow({ folder: at, archive, env })).toMatchObject({
      engine: 'tfjs-node-gpu',
    });
  });

  it.each([
    [
      'echo "x.cc:1: warning: w" >&2; echo "x.cc:2:3: error: no TF_Tensor" >&2; exit 1',
      /failed with exit code 1: x\.cc:2:3: error: no TF_Tensor/,
    ],
    ['kill -9 $$', /was ended by SIGKILL \(is there enough memory\?\): without a message/],
  ])('a compiler that fails is quoted, and there is no addon (%s)', async (script, sentence) => {
    const at = plantWheel();
    const archive = await plantPackage();
    const built = buildTensorflow({ folder: at, archive, env: compilerOf(script) });
    await expect(built).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: expect.stringMatching(sentence),
      hint: expect.stringContaining('CXX'),
    });
    expect(existsSync(join(at, 'tfjs-node-gpu/tfjs_binding.node'))).toBe(false);
  });

  it('is stopped by its signal, without an addon', async () => {
    const at = plantWheel();
    const archive = await plantPackage();
    const stop = new AbortController();
    const env = compilerOf(`touch ${folder}/started; exec tail -f /dev/null`);
    const built = buildTensorflow({ folder: at, archive, env, signal: stop.signal });
    const ended = expect(built).rejects.toThrow('stop it');
    await expect.poll(() => existsSync(join(folder, 'started')), { timeout: 20_000 }).toBe(true);
    stop.abort(new Error('stop it'));
    await ended;
    expect(existsSync(join(at, 'tfjs-node-gpu/tfjs_binding.node'))).toBe(false);
  });

  it('refuses a wheel and a package of something else', async () => {
    const archive = await plantPackage();
    const env = compilerOf('exit 0');
    const other = join(folder, 'other');
    mkdirSync(other);
    await expect(buildTensorflow({ folder: other, archive, env })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringContaining('libtensorflow_cc.so.2 is missing'),
    });
    const foreign = join(folder, 'foreign.tgz');
    writeFileSync(foreign, await tarGzOf({ name: 'package/package.json', content: '{}' }));
    const built = buildTensorflow({ folder: plantWheel(), archive: foreign, env });
    await expect(built).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringContaining('is not the package of tfjs-node-gpu'),
    });
  });
});

it('of the wheel, libraries, headers of the C API and the license are needed', () => {
  const entries = [
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.so.2',
    'tensorflow/include/tensorflow/c/eager/c_api.h',
    'tensorflow/include/xla/tsl/c/tsl_status.h',
    'tensorflow_cpu-2.21.0.dist-info/METADATA',
  ];
  expect(entries.every(isNeededOfTensorflow)).toBe(true);
  const others = [
    'tensorflow/python/_pywrap_tensorflow_internal.so',
    'tensorflow/include/Eigen/Core',
    'tensorflow/compiler/libtensorflow_cc.so.2',
  ];
  expect(others.some(isNeededOfTensorflow)).toBe(false);
});

it('the package comes from the registry of the settings of npm', () => {
  const { url, file } = tfjsArchive({});
  expect(url).toMatch(/^https:\/\/registry\.npmjs\.org\/@tensorflow\//);
  expect(url.endsWith(`/-/${file}`)).toBe(true);
  const mirror = tfjsArchive({ npm_config_registry: 'https://mirror.example/npm/' });
  expect(mirror.url).toBe(url.replace('https://registry.npmjs.org', 'https://mirror.example/npm'));
  expect(mirror.digest).toEqual(tfjsArchive({}).digest);
  expect(() => tfjsArchive({ npm_config_registry: 'ftp://x' })).toThrow(/not a web address/);
});
