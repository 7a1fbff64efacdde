/** @file Words of shells: the shells that are here read each as it was given. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bashWord, quotedWord, shellWord } from '../../../../shared/core/text.ts';
import { hostileWords } from '../../../support/hostile-words.ts';

const SPECIAL = ['', "'", '$(id)', '\\', '\n', '-x', '!', '~', '#', '=x', '%j', "a'\n", '%\n0'];
const WORDS = [...SPECIAL, ...hostileWords(1_000, 19)];
const SHELLS = ['sh', 'dash', 'bash', 'zsh'].filter(
  (shell) => spawnSync(shell, ['-c', 'true']).status === 0,
);

/** What a shell makes of words. One process for all: a word is passed or not, whatever is beside it. */
function asRead(shell: string, words: readonly string[]): readonly string[] {
  const line = `printf '%s\\0' ${words.join(' ')}`;
  const { stdout, stderr } = spawnSync(shell, ['-c', line], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\0').slice(0, -1);
}

describe.each(SHELLS)('%s reads', (shell) => {
  it('words in quotes as they were', () => {
    expect(asRead(shell, WORDS.map(quotedWord))).toEqual(WORDS);
  });

  it('words of a line to type as they were, with a slash behind a last newline', () => {
    expect(asRead(shell, WORDS.map(shellWord))).toEqual(
      WORDS.map((word) => (word.endsWith('\n') ? `${word}/` : word)),
    );
  });
});

describe('words of bash', () => {
  it('are read as they were, to the last newline', () => {
    expect(asRead('bash', WORDS.map(bashWord))).toEqual(WORDS);
  });

  it('show no control character', () => {
    expect(WORDS.map(bashWord).join('')).not.toMatch(/\p{Cc}/u);
    expect(WORDS.map(shellWord).join('')).not.toMatch(/\p{Cc}/u);
  });
});
