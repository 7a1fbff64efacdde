/**
 * @file Compiles shared/kernels/assembly (AssemblyScript) to dist/shared/kernels/kernels.wasm, part of `npm run build`.
 * Does nothing when the module is newer than its sources.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const sources = join(here, 'assembly');
const target = join(root, 'dist', 'shared', 'kernels', 'kernels.wasm');

/** Pages of 64 KiB: as many as 32-bit addresses reach. */
const PAGES_MAX = 65_536;

const changed = [sources, fileURLToPath(import.meta.url)]
  .concat(readdirSync(sources).map((name) => join(sources, name)))
  .map((path) => statSync(path).mtimeMs);
const built = statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (built < Math.max(...changed)) {
  mkdirSync(dirname(target), { recursive: true });
  const { default: asc } = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main(
    [
      relative(root, join(sources, 'module.ts')),
      ...['--baseDir', root, '--outFile', relative(root, target)],
      ...['--runtime', 'stub', '--noAssert', '--optimizeLevel', '3', '--shrinkLevel', '0'],
      ...['--enable', 'simd', '--enable', 'threads'],
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1'],
      ...['--maximumMemory', String(PAGES_MAX)],
    ],
    {},
  );
  if (error !== null) {
    process.stderr.write(`${stderr}${error.message}\n`);
    process.exitCode = 1;
  }
}
