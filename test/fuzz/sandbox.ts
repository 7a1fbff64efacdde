/**
 * @file Where the doors may write: a scratch folder each. Whatever else appears around those is noticed.
 *
 * This process stands in an empty folder, its home is another, and its temporary files are beside them.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const cwd = process.cwd();
const root = mkdtempSync(join(tmpdir(), 'tessera-fuzz-'));
const [here, home, scratch] = ['here', 'home', 'scratch'].map((name) => join(root, name)) as [
  string,
  string,
  string,
];
for (const folder of [here, home, scratch]) mkdirSync(folder);
process.chdir(here);
process.env['HOME'] = home;
process.env['TMPDIR'] = scratch;
afterAll(() => {
  process.chdir(cwd);
  rmSync(root, { recursive: true });
});

const given = new Set<string>();

/** A new folder for the files of some doors. */
export function scratchFolder(name: string): string {
  given.add(name);
  const folder = join(scratch, name);
  mkdirSync(folder);
  return folder;
}

/** What lies outside of the folders that were given: nothing, or some input has been written somewhere. */
export function strays(): string[] {
  const beside = readdirSync(root).filter((name) => !['here', 'home', 'scratch'].includes(name));
  const temporary = readdirSync(scratch).filter((name) => !given.has(name));
  return [...beside, ...temporary, ...readdirSync(here), ...readdirSync(home)];
}
