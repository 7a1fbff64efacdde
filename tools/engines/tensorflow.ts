/**
 * @file tfjs-node-gpu on the TensorFlow of a wheel: its addon, compiled from its own sources.
 *
 * The npm package ships the sources of its addon and downloads TensorFlow 2.9 for CUDA 11. The C API that the addon uses
 * is in every later TensorFlow, and a wheel has the library and its headers: so the addon is compiled against those.
 * Source  binding.gyp of @tensorflow/tfjs-node-gpu 4.22.0.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { cannotWrite } from '../../shared/files/files.ts';
import type { KnownFile } from '../../shared/files/known-file.ts';
import { parseWebAddress } from '../downloads/http.ts';
import { unpack } from '../downloads/unpack.ts';
import { compile, findCompiler } from './tensorflow-compiler.ts';

/** The npm package whose sources are compiled. Source  the npm registry; its sha512 there begins with p//NN6DGiN4h. */
const TFJS_ARCHIVE: KnownFile = {
  url: 'https://registry.npmjs.org/@tensorflow/tfjs-node-gpu/-/tfjs-node-gpu-4.22.0.tgz',
  file: 'tfjs-node-gpu-4.22.0.tgz',
  bytes: 223379,
  digest: {
    algorithm: 'sha256',
    hex: 'afd5599ee1662e732c00a0ad1f52a3d001bdc118a1f44bd592a0a0ebf2daa4c7',
  },
};

/**
 * The package, from the registry of the settings of npm: `npm_config_registry`, which npm itself hands to its scripts.
 *
 * Throws  USAGE when that is not a web address.
 */
export function tfjsArchive(env: Readonly<NodeJS.ProcessEnv>): KnownFile {
  const registry = env['npm_config_registry'] || env['NPM_CONFIG_REGISTRY'] || '';
  if (registry === '') return TFJS_ARCHIVE;
  const { href } = parseWebAddress(registry);
  const { pathname } = new URL(TFJS_ARCHIVE.url);
  return { ...TFJS_ARCHIVE, url: `${href.replace(/\/+$/, '')}${pathname}` };
}

/** Where the package goes, in the engine's folder. */
const PACKAGE = 'tfjs-node-gpu';
const ADDON = 'tfjs_binding.node';
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** The folders of headers that the C API is in, and what it includes. */
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'xla/tsl/c/'];

/** What has come: the wheels, unpacked side by side into the engine's folder, and the npm package. */
export interface TensorFlowParts {
  readonly folder: string;
  /** The npm package's file. */
  readonly archive: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly signal?: AbortSignal;
}

/** What the record of the engine says. */
export interface BuiltTensorFlow {
  /** Folder of the package, in the engine's folder. */
  readonly library: string;
  readonly engine: 'tfjs-node-gpu' | 'tfjs-tensorflow';
  readonly version: string;
}

/** Whether an entry of TensorFlow's wheel is needed: 20,000 others are Python's. */
export function isNeededOfTensorflow(entry: string): boolean {
  const [top = '', ...rest] = entry.split('/');
  const inside = rest.join('/');
  if (top.endsWith('.dist-info')) return true;
  if (top !== 'tensorflow') return false;
  return (
    LIBRARIES.includes(inside) || HEADERS.some((folder) => inside.startsWith(`include/${folder}`))
  );
}

/**
 * Compiles the addon into the engine's folder, and removes the headers.
 *
 * Throws  ENGINE_UNAVAILABLE when there is no compiler, no header of Node, or the compiler fails; DATA_INVALID when the
 *         wheel or the package is not what is expected; CANNOT_WRITE; CANCELLED.
 */
export async function buildTensorflow(parts: TensorFlowParts): Promise<BuiltTensorFlow> {
  const { folder, archive, signal, env } = parts;
  const compiler = await findCompiler({ env });
  const built = await builtFrom(folder);
  await unpackPackage(folder, archive, signal);
  const home = join(folder, PACKAGE);
  await compile(compiler, argumentsFor(compiler.headers), {
    cwd: folder,
    env,
    ...(signal && { signal }),
  });
  try {
    await rename(join(home, `${ADDON}.part`), join(home, ADDON));
    await rm(join(folder, 'tensorflow/include'), { recursive: true });
  } catch (error) {
    throw cannotWrite(home, error);
  }
  return built;
}

/** Everything is relative to the engine's folder, which may be moved. */
function argumentsFor(headers: string): string[] {
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
    // The sources include their own headers by the package's folder.
    ...['-I', headers, '-I', 'tensorflow/include', '-I', '.', '-I', PACKAGE],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => `${PACKAGE}/binding/${name}`),
    ...['-L', 'tensorflow', ...LIBRARIES.map((name) => `-l:${name}`)],
    ...['-Wl,-rpath,$ORIGIN/../tensorflow', '-o', `${PACKAGE}/${ADDON}.part`],
  ];
}

/** Which wheel lies there. Throws  DATA_INVALID when it is not TensorFlow's. */
async function builtFrom(folder: string): Promise<BuiltTensorFlow> {
  const names = await readdir(folder);
  const info = names.map((name) => /^tensorflow(_cpu)?-(.+)\.dist-info$/.exec(name)).find(Boolean);
  const needed = [...LIBRARIES, 'include/tensorflow/c/c_api.h'];
  const missing = needed.filter((name) => !existsSync(join(folder, 'tensorflow', name)));
  if (!info || missing.length > 0) {
    throw new TesseraError(
      'DATA_INVALID',
      `${folder} has no wheel of TensorFlow that can be used: ${missing[0] ?? 'its dist-info'} is missing`,
      { hint: 'take a wheel for Linux of tensorflow or tensorflow-cpu, as PyPI has it' },
    );
  }
  const [, cpu, version = ''] = info;
  const engine = cpu === undefined ? 'tfjs-node-gpu' : 'tfjs-tensorflow';
  return { library: PACKAGE, engine, version };
}

/** Unpacks the npm package; what it imports of TensorFlow.js becomes an empty module, which Tessera fills. */
async function unpackPackage(folder: string, archive: string, signal?: AbortSignal): Promise<void> {
  const home = join(folder, PACKAGE);
  const work = join(folder, 'npm');
  for (const path of [home, work]) await rm(path, { recursive: true, force: true });
  await mkdir(work).catch((error: unknown) => {
    throw cannotWrite(work, error);
  });
  await unpack({ archive, kind: 'tar.gz', folder: work, ...(signal && { signal }) });
  if (!existsSync(join(work, 'package/binding/tfjs_backend.cc'))) {
    throw new TesseraError('DATA_INVALID', `${archive} is not the package of tfjs-node-gpu`, {
      hint: `take ${TFJS_ARCHIVE.url}, or what \`npm pack @tensorflow/tfjs-node-gpu@4.22.0\` fetches`,
    });
  }
  try {
    await rename(join(work, 'package'), home);
    await rm(work, { recursive: true });
    for (const [path, text] of Object.entries(STAND_INS)) {
      await mkdir(join(home, path, '..'), { recursive: true });
      await writeFile(join(home, path), text);
    }
  } catch (error) {
    throw cannotWrite(home, error);
  }
}

const manifest = (name: string) => `${JSON.stringify({ name, main: 'index.js' })}\n`;

/** In place of the package's dependencies: TensorFlow.js, and the messages of TensorBoard, which need google-protobuf. */
const STAND_INS: Readonly<Record<string, string>> = {
  'node_modules/@tensorflow/tfjs-core/package.json': manifest('@tensorflow/tfjs-core'),
  'node_modules/@tensorflow/tfjs-core/index.js': '// Filled by Tessera with its own.\n',
  'node_modules/@tensorflow/tfjs/package.json': manifest('@tensorflow/tfjs'),
  'node_modules/@tensorflow/tfjs/index.js': "module.exports = require('@tensorflow/tfjs-core');\n",
  'dist/proto/api_pb.js': '// Left out by Tessera: only summaries for TensorBoard need it.\n',
};
