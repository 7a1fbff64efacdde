/** @file Manual pages: one for each command, without a complaint of mandoc. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { textBelow } from '../../../cli/man/man.ts';
import { manPages, roff } from '../../../cli/man/page.ts';
import { createProgram } from '../../../cli/program.ts';

const program = createProgram({});
const pages = manPages(program, { version: '1.2.3', date: '2026-01-01', textBelow });

it('there is a page for each command, with its flags and examples', () => {
  const count = (command: Command): number =>
    command.commands.reduce((sum, child) => sum + count(child), 1);
  expect(pages).toHaveLength(count(program));
  const train = pages.find(({ file }) => file === 'tessera-train.1')?.text ?? '';
  expect(train).toContain('\\-\\-run\\-folder');
  expect(train).toContain('.SH EXAMPLES');
  expect(train).toContain('TESSERA_RUN_FOLDER');
});

it('npm puts each where man finds it: package.json names them all', () => {
  const path = join(import.meta.dirname, '../../../package.json');
  const { man } = JSON.parse(readFileSync(path, 'utf8'));
  // A folder of pages (`directories.man`) is not enough for npm 11.
  expect(man).toEqual(pages.map(({ file }) => `dist/man/${file}`).sort());
});

it('no line is taken for an instruction', () => {
  expect(roff('.hidden')).toBe('\\&.hidden');
  expect(roff("'quoted")).toBe("\\&'quoted");
  expect(roff('C:\\x -y')).toBe('C:\\ex \\-y');
});

const hasMandoc = spawnSync('mandoc', ['-h']).error === undefined;
if (!hasMandoc)
  process.stderr.write('skipped: mandoc, which checks manual pages, is not installed\n');

it.skipIf(!hasMandoc)('mandoc finds nothing wrong', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-man-'));
  for (const { file, text } of pages) writeFileSync(join(folder, file), text);
  const files = pages.map(({ file }) => join(folder, file));
  const { stdout } = spawnSync('mandoc', ['-Tlint', ...files], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect(stdout).toBe('');
});
