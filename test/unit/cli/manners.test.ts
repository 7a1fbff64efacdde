/** @file When text is coloured, and what is said in spite of --quiet. */
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import { colorIn, isImportant } from '../../../cli/terminal/manners.ts';

const terminal = { isTTY: true, hasColors: () => true };
const file = {};

describe('colours', () => {
  it.each([
    ['a terminal', 'auto', terminal, {}, true],
    ['a file', 'auto', file, {}, false],
    ['NO_COLOR', 'auto', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', 'auto', terminal, { NO_COLOR: '' }, true],
    ['FORCE_COLOR into a file', 'auto', file, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', 'auto', terminal, { FORCE_COLOR: '0' }, false],
    ['both', 'auto', file, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['a dumb terminal', 'auto', terminal, { TERM: 'dumb' }, false],
    ['--color always', 'always', file, { NO_COLOR: '1' }, true],
    ['--color never', 'never', terminal, { FORCE_COLOR: '1' }, false],
  ] as const)('%s', (_, choice, stream, env, expected) => {
    expect(colorIn(choice, stream, env)).toBe(expected);
  });
});

it('quiet keeps warnings and errors, coloured or not, and drops the rest', () => {
  for (const line of [
    '⚠ the disk is slow',
    '\u001b[33m⚠\u001b[39m x',
    'warning: 3 images',
    '✖ it failed',
  ]) {
    expect(isImportant(line)).toBe(true);
  }
  for (const line of ['✔ 10 steps', '  ➜ next', '· it begins', ''])
    expect(isImportant(line)).toBe(false);
});

it('every command has both flags', () => {
  const leaves = (command: ReturnType<typeof createProgram>): (typeof command)[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  for (const command of leaves(createProgram({}))) {
    const names = command.options.map((option) => option.long);
    expect(names).toEqual(expect.arrayContaining(['--quiet', '--color']));
  }
});
