/**
 * @file Before `npm pack`: copies onnxruntime-node and the packages that it needs into `dist/node_modules`.
 *
 * As a dependency, its postinstall script downloads CUDA's libraries from outside of the npm registry on Linux, and an
 * install fails where that is closed (docs/results.md, "A package that installs anywhere"). As files of this package it
 * has no script that npm runs. `node carry-onnxruntime.mjs [DIST]`.
 */
import { cpSync, existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const target = join(process.argv[2] ?? join(root, 'dist'), 'node_modules');

/** Source maps, sources, tests, and the second copy of the library for macOS, whose binding loads libonnxruntime.1.dylib. */
const LEFT_OUT =
  /\.map$|[\\/]lib[\\/][^\\/]+\.ts$|[\\/]test$|\.test\.|libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;

/** The folder of package `name`, as Node.js finds it from `folder`. */
function folderOf(name, folder) {
  const candidate = join(folder, 'node_modules', name);
  if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
  if (dirname(folder) === folder) throw new Error(`package ${name} is not installed: npm ci`);
  return folderOf(name, dirname(folder));
}

/** Copies package `name`, needed in `folder`, and all that it needs; `carried` holds the version of each. */
function carry(name, folder, carried) {
  const source = folderOf(name, folder);
  const { version, dependencies } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  if (carried.has(name)) {
    if (carried.get(name) === version) return;
    throw new Error(`two versions of ${name}: ${carried.get(name)} and ${version}`);
  }
  carried.set(name, version);
  cpSync(source, join(target, name), {
    recursive: true,
    filter: (path) => {
      const within = path.slice(source.length);
      return !/^[\\/]node_modules$/.test(within) && !LEFT_OUT.test(within);
    },
  });
  for (const needed of Object.keys(dependencies ?? {})) carry(needed, source, carried);
}

rmSync(target, { recursive: true, force: true });
const carried = new Map();
carry('onnxruntime-node', root, carried);
process.stdout.write(`${[...carried].map(([name, version]) => `${name}@${version}`).join(' ')}\n`);
