/** @file The check of words finds what it must find, and nothing else. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../words.mjs');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-words-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Exit code of the check on a file of that text, and what it says. */
function check(name: string, text: string): { status: number | null; stderr: string } {
  const path = join(folder, name);
  writeFileSync(path, text);
  return spawnSync(process.execPath, [SCRIPT, path], { encoding: 'utf8' });
}

it.each([
  ['a message', 'a.ts', `throw new Error('that is no folder');`, 1, '"is no": write is not a'],
  [
    'a comment over two lines',
    'a.ts',
    '\n// what comes from a\n// file is\n// no image',
    3,
    '"is // no"',
  ],
  ['a name in camel case', 'a.ts', 'interface LeafWish {}', 1, '"Wish"'],
  ['a page', 'a.md', '# A\n\nNobody calls it.', 3, '"Nobody"'],
  ['a comment of a config', 'a.yaml', 'seed: 1 # whoever trains', 1, '"whoever"'],
])('finds the phrase in %s', (_, name, text, line, words) => {
  const { status, stderr } = check(name, text);
  expect(stderr).toContain(`${name}:${line}: `);
  expect(stderr).toContain(words);
  expect(status).toBe(1);
});

it('finds a line of a page that is too long, not one whose link is long', () => {
  const words = 'word '.repeat(20);
  const { status, stderr } = check(
    'a.md',
    `${words}${words}\n[${words}](https://${'x'.repeat(99)})`,
  );
  expect(stderr).toContain('a.md:1: 200 characters');
  expect(stderr).toContain('1 places');
  expect(status).toBe(1);
});

it.each([
  ['an exception of the list', 'There is no folder; it is no longer there.'],
  ['words that contain a phrase', 'The heart recommends a wishbone; isNothing.'],
])('accepts %s', (_, text) => expect(check('a.ts', text)).toMatchObject({ status: 0, stderr: '' }));
