/** @file Every `tessera` command on a page exists, with each flag that the page gives it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';

const REPO = join(import.meta.dirname, '../../..');
/** What was measured once was measured with the commands of that day. */
const OF_THE_PAST = new Set(['docs/results.md']);
const PAGES = readdirSync(join(REPO, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name))
  .concat('README.md', 'CONTRIBUTING.md')
  .filter((path) => !OF_THE_PAST.has(path));

/** The commands of a page, in blocks and within sentences. */
function commandsOf(path: string): string[] {
  const text = readFileSync(join(REPO, path), 'utf8').replaceAll(/\\\n\s*/g, ' ');
  const blocks = [...text.matchAll(/^```(?:sh|bash)?\n(.*?)^```/gms)].flatMap(([, block]) =>
    (block as string).split('\n'),
  );
  const inSentences = [...text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, code]) =>
    (code as string).replaceAll(/\s+/g, ' '),
  );
  return [...blocks, ...inSentences]
    .flatMap((line) => line.replace(/\s#.*/, '').split(/&&|;/))
    .map((line) => line.trim().replace(/^\$ |^npx /g, ''))
    .filter((line) => line.startsWith('tessera '));
}

/** What is wrong with a command; undefined when nothing is. */
function faultIn(line: string): string | undefined {
  let command: Command = createProgram();
  const words = line.split(' ').slice(1);
  while (command.commands.length > 0) {
    const [name = ''] = words;
    const found = command.commands.find((child) => child.name() === name);
    if (found === undefined) return /^[a-z]/.test(name) ? `no command ${name}` : undefined;
    command = found;
    words.shift();
  }
  // It takes the flags of another command: launch systemd.
  if (/^\w+ systemd /.test(line.replace(/^tessera /, ''))) return undefined;
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
  const unknown = flags.filter(
    (flag) => !command.options.some(({ long }) => long === flag) && flag !== '--help',
  );
  return unknown.length > 0 ? `${command.name()} has no ${unknown.join(', ')}` : undefined;
}

it.each(PAGES)('%s', (path) => {
  const faults = commandsOf(path).map((line) => [line, faultIn(line)]);
  expect(faults.filter(([, fault]) => fault !== undefined)).toEqual([]);
});

it('pages have commands, and a command that does not exist is found', () => {
  expect(commandsOf('docs/coming-from.md').length).toBeGreaterThan(20);
  expect(faultIn('tessera train photos --epochs 3')).toBe('train has no --epochs');
  expect(faultIn('tessera plot losses RUN')).toBe('no command losses');
});
