/** @file The npm package with all that it depends on in one file, for hosts without a registry. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { inject } from 'vitest';

const REPO = resolve(import.meta.dirname, '../..');

/** Packs it into a folder; returns the path of the file, which `npm install` takes offline. */
export function packWithDependencies(folder: string): string {
  const root = join(folder, 'package');
  cpSync(join(inject('packedModules'), 'tessera-train'), root, { recursive: true });
  const list = ['ls', '--all', '--parseable', '--omit=dev', '--omit=peer'];
  const paths = execFileSync('npm', list, { cwd: REPO, encoding: 'utf8' }).trim().split('\n');
  const modules = join(REPO, 'node_modules');
  for (const path of paths.slice(1)) {
    // What is in the folder of another comes with it.
    const place = relative(modules, path);
    if (!place.includes('node_modules')) {
      cpSync(path, join(root, 'node_modules', place), { recursive: true });
    }
  }
  const path = join(root, 'package.json');
  const {
    devDependencies: _dev,
    optionalDependencies: _optional,
    peerDependencies: _peer,
    peerDependenciesMeta: _meta,
    scripts: _scripts,
    ...manifest
  } = JSON.parse(readFileSync(path, 'utf8'));
  const bundled = { ...manifest, bundleDependencies: Object.keys(manifest.dependencies) };
  writeFileSync(path, JSON.stringify(bundled));
  const tarball = join(folder, 'tessera-train.tgz');
  execFileSync('tar', ['-C', folder, '--use-compress-program=gzip -1', '-cf', tarball, 'package']);
  return tarball;
}
