/** @file The npm package, packed once for all end-to-end tests and laid out as an install lays it out. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder `node_modules` that has the package, its dependencies and TypeScript. */
    readonly packedModules: string;
  }
}

const REPO = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'tessera-packed-'));

/** Packs it. Scripts of packing would make the build of `npm test` again beneath the tests; what else they do is done here. */
export function setup(project: TestProject): void {
  const run = (command: string, args: readonly string[], cwd: string) =>
    execFileSync(command, args, { cwd, encoding: 'utf8' });
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'tessera-train');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const tarball = run('npm', pack, REPO).trim();
  run('tar', ['xzf', tarball], folder);
  renameSync(join(folder, 'package'), installed);
  const carry = join(REPO, 'tools/packaging/carry-onnxruntime.mjs');
  run(process.execPath, [carry, join(installed, 'dist')], folder);
  const man = join(installed, 'dist/man');
  rmSync(man, { recursive: true, force: true });
  run(process.execPath, [join(REPO, 'dist/cli/main.js'), 'man', '--out', man, '--quiet'], folder);
  const { dependencies } = JSON.parse(readFileSync(join(REPO, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), 'typescript', '@types/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(REPO, 'node_modules', name), join(modules, name));
  }
  // As npm does for a command.
  chmodSync(join(installed, 'dist/cli/main.js'), 0o755);
  symlinkSync('../tessera-train/dist/cli/main.js', join(modules, '.bin/tessera'));
  project.provide('packedModules', modules);
}

/** Removes it. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
