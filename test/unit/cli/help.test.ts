/** @file The surface of the command line, frozen: every command, flag, default and example. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';

/** Help of a command as it is printed. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}

/** A command and everything below it, with the words that lead there. */
function allCommands(command: Command, path = command.name()): [string, Command][] {
  return [
    [path, command],
    ...command.commands.flatMap((child) => allCommands(child, `${path} ${child.name()}`)),
  ];
}

const commands = allCommands(createProgram());

describe('help', () => {
  it.each(commands)('of %s stays as it is', async (path, command) => {
    const file = `./help/${path.replaceAll(' ', '-')}.txt`;
    await expect(helpOf(command)).toMatchFileSnapshot(file);
  });

  it.each(commands)('of %s has an example and no line wider than 80', (path, command) => {
    const help = helpOf(command);
    if (path !== 'tessera config') expect(help).toMatch(/Examples:\n {2}# /);
    const wide = help.split('\n').filter((line) => line.length > 80);
    expect(wide).toEqual([]);
  });

  it.each(commands)('of %s describes it in one line without a full stop', (_path, command) => {
    expect(command.description()).toMatch(/^[A-Z].{5,70}[^.]$/);
  });
});
