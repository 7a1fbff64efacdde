/** @file The pages of `tessera help`: every exit code is there, and every command that they name exists. */
import { expect, it } from 'vitest';
import { TOPICS } from '../../../cli/help/topics.ts';
import { createProgram } from '../../../cli/program.ts';
import { exitCodeRows } from '../../../shared/machine/exit-codes.ts';

const text = (name: string) => TOPICS.find((topic) => topic.name === name)?.lines.join('\n') ?? '';

it('names every exit code', () => {
  for (const { code, meaning } of exitCodeRows())
    expect(text('exit-codes')).toMatch(new RegExp(`^${code} +${meaning.slice(0, 20)}`, 'm'));
});

it('names only commands that there are, and fits a terminal', () => {
  const commands = createProgram().commands.map((command) => command.name());
  for (const { lines } of TOPICS) {
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(100);
      for (const [, command] of line.matchAll(/\btessera ([a-z]+)/g))
        expect(commands).toContain(command);
    }
  }
});
