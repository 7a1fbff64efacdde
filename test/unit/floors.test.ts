/** @file Imports go down only, and each outside package has one door: `test/support/floors.ts` has the table. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf, ROOMS, type Sources } from '../support/floors.ts';

const REPO = resolve(import.meta.dirname, '../..');
const FOLDERS = [...new Set(Object.keys(ROOMS).map((room) => room.split('/')[0] as string))];

/** Faults that are being mended; this list only gets shorter. */
const KNOWN: readonly string[] = [];

function sourcesOf(): Map<string, string> {
  const paths = FOLDERS.filter((name) => !name.endsWith('.ts')).flatMap((folder) =>
    readdirSync(join(REPO, folder), { recursive: true }).map((name) => join(folder, String(name))),
  );
  const own = [...paths, 'index.ts', 'model.ts'].filter(
    (path) => path.endsWith('.ts') && !path.includes('/generated/'),
  );
  return new Map(own.map((path) => [path, readFileSync(join(REPO, path), 'utf8')]));
}

/** The sources with one import more. */
function planted(path: string, name: string): Sources {
  const sources = sourcesOf();
  return sources.set(path, `${sources.get(path) ?? ''}\nimport '${name}';\n`);
}

describe('the floors of the house', () => {
  const before = faultsOf(sourcesOf());

  it('hold', () => expect(before).toEqual([...KNOWN].sort()));

  it('have the engines of a worker in its compute thread alone', () => {
    const isEngine = /^import \{[^}]*\} from '[^']*compute\/engines\/(choose|registry)/m;
    const worker = [...sourcesOf()].filter(([path]) => path.startsWith('worker/'));
    const callers = worker.filter(([, text]) => isEngine.test(text)).map(([path]) => path);
    expect(callers).toEqual(['worker/compute/compute-thread.ts']);
  });

  it.each([
    ['shared imports the coordinator', 'shared/core/text.ts', '../../coordinator/driver.ts'],
    ['the coordinator imports the worker', 'coordinator/driver.ts', '../worker/driver.ts'],
    ['tools import the coordinator', 'tools/pictures/svg.ts', '../../coordinator/driver.ts'],
    ['a library imports the command line', 'launch/local.ts', '../cli/program.ts'],
    ['sharp has a second door', 'tools/pictures/svg.ts', 'sharp'],
    ['gRPC has a second door', 'worker/driver.ts', '@grpc/grpc-js'],
    ['an unknown package comes in', 'cli/main.ts', 'left-pad'],
    ['a pure room does I/O', 'shared/model/vit.ts', 'node:fs'],
    ['folders import in a circle', 'shared/data/source.ts', './sets/open.ts'],
  ])('do not hold when %s', (_, path, name) => {
    const found = faultsOf(planted(path, name)).filter((fault) => !before.includes(fault));
    expect(found).not.toEqual([]);
  });
});
